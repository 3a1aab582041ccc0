import math

import numpy as np
import pytest

from detectors.interface import Event, alarm_indices
from lab.bench.physical.device_ear import trial_s
from lab.bench.physical.device_report import device_report, no_report
from lab.bench.physical.execute import HearingClock
from rigs.console import ClockReading, ConsoleEvent

RATE_HZ = 48_000
S = 1_000_000_000


def said(*times_s, label="watermark"):
    return [Event(at, at, label) for at in times_s]


def test_a_report_is_an_alarm_at_the_end_of_its_hop():
    report = device_report("speaker", ("watermark",), [said(1.234)], 0, 3.0, 2.0)
    (track,) = report.tracks
    assert (track.stage, track.detector, len(track.scores)) == ("dut", "speaker", 300)
    (index,) = alarm_indices(track.scores, report.threshold, 1)
    assert track.times_s[index] == pytest.approx(1.24)
    assert [event.offset_s for event in report.events] == [1.234]


def test_other_labels_and_reports_after_the_end_are_not_scored():
    report = device_report("speaker", ("watermark",), [said(1.0, label="doorbell") + said(3.5)], 0, 3.0, 2.0)
    assert not report.tracks[0].scores.any()


def test_the_curve_walks_through_the_sensitivity_settings():
    heard = [said(1.0), said(1.0, 2.0), said(0.5, 1.0, 2.0)]  # least sensitive first
    report = device_report("speaker", ("watermark",), heard, 1, 3.0, 0.0)
    scores = report.tracks[0].scores
    for setting, events in enumerate(heard):
        threshold = len(heard) - setting - 0.5
        assert len(alarm_indices(scores, threshold, 1)) == len(events)
    assert report.threshold == 1.5  # the setting under test
    assert len(report.events) == 2


def test_a_trial_without_a_capture_has_labels_and_no_tracks():
    report = no_report("speaker", ("watermark",), 2.0)
    assert (report.labels, report.tracks) == (("watermark",), ())


def clock_of(*blocks):
    """blocks: (frames so far, handed on at s)."""
    clock = HearingClock(RATE_HZ)
    clock._frames, clock._at_ns = [b[0] for b in blocks], [round(b[1] * S) for b in blocks]
    return clock


def test_the_hearing_clock_follows_blocks_and_goes_on_beyond_them():
    clock = clock_of((48_000, 11.0), (96_000, 12.0), (144_000, 13.0))
    assert clock.trial_s(round(11.5 * S)) == pytest.approx(1.5)
    assert clock.trial_s(round(10.25 * S)) == pytest.approx(0.25)
    assert clock.trial_s(round(13.5 * S)) == pytest.approx(3.5)


def test_blocks_handed_on_late_do_not_move_the_hearing_clock():
    late = clock_of((48_000, 11.9), (96_000, 12.0), (144_000, 13.0))
    assert late.trial_s(round(11.5 * S)) == pytest.approx(1.5)


def test_a_stretched_sound_card_clock_is_followed():
    slow = clock_of((48_000, 12.0), (96_000, 14.0), (144_000, 16.0))  # twice as long as it should be
    assert slow.trial_s(round(15.0 * S)) == pytest.approx(2.5)


def test_a_capture_that_heard_nothing_knows_no_time():
    assert math.isnan(HearingClock(RATE_HZ).trial_s(S))


def test_the_devices_own_clock_times_its_reports_however_late_the_line_comes():
    clock = clock_of(*((48_000 * i, 10.0 + i) for i in range(1, 8)))
    readings = [
        ClockReading(100.0, round(11.0 * S), round(11.0 * S)),
        ClockReading(106.006, round(17.0 * S), round(17.0 * S)),  # 1000 ppm fast
    ]
    event = ConsoleEvent(round(16.9 * S), 103.003, "watermark", 9.0)
    assert trial_s(event, readings, clock, 0.0) == pytest.approx(4.0, abs=1e-6)
    assert trial_s(event, readings, clock, 0.05) == pytest.approx(4.0, abs=1e-6)  # its own time has no delay


def test_without_a_device_clock_the_line_times_the_report():
    clock = clock_of(*((48_000 * i, 10.0 + i) for i in range(1, 8)))
    event = ConsoleEvent(round(14.0 * S), None, "watermark", math.nan)
    assert trial_s(event, [], clock, 0.1) == pytest.approx(3.9)
    assert np.isnan(event.score)
