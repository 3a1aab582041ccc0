"""Evidence of each alarm: found at every corner of the tolerance, in a room, and nothing for what only resembles one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.sound_events.patterns import CO, LABELS, LEGACY, SMOKE, PatternEvidence
from tests.detectors.sound_events.beeps import beeps, cycles, first_above, hops


def raised(audio: np.ndarray) -> dict[str, float | None]:
    """When each label was raised first, in s."""
    patterns = PatternEvidence()
    odds = [patterns.push(hop) for hop in hops(audio)]
    return {label: first_above([one[label] for one in odds]) for label in LABELS}


def only(label: str, when: dict[str, float | None]) -> float:
    assert all((at is not None) == (name == label) for name, at in when.items()), when
    return when[label]


@pytest.mark.parametrize("factors", list(product((0.9, 1.0, 1.1), repeat=3)))
def test_two_cycles_of_three_are_a_smoke_alarm(factors):
    on_s, off_s, pause_s = 0.5 * factors[0], 0.5 * factors[1], 1.5 * factors[2]
    audio = beeps(cycles(3, on_s, off_s, pause_s, 14.0), on_s, 14.0, rt60_s=0.4)
    at_s = only(SMOKE, raised(audio))
    assert at_s <= 1.0 + 2 * (3 * on_s + 2 * off_s) + pause_s + 1.5


@pytest.mark.parametrize("hz", [520.0, 970.0, 2500.0, 3700.0])
def test_carriers_of_smoke_alarms(hz):
    only(SMOKE, raised(beeps(cycles(3, 0.5, 0.5, 1.5, 12.0), 0.5, 12.0, hz=hz)))


@pytest.mark.parametrize("factors", list(product((0.9, 1.1), repeat=3)))
def test_three_groups_of_four_are_a_co_alarm(factors):
    on_s, off_s, pause_s = 0.1 * factors[0], 0.1 * factors[1], 5.0 * factors[2]
    only(CO, raised(beeps(cycles(4, on_s, off_s, pause_s, 17.0), on_s, 17.0, rt60_s=0.4)))


def test_two_groups_of_four_a_minute_apart_are_a_co_alarm():
    at_s = only(CO, raised(beeps(cycles(4, 0.1, 0.1, 60.0, 66.0, start_s=2.0), 0.1, 66.0)))
    assert 62.0 < at_s < 65.0


def test_two_groups_of_four_that_do_not_lead_all_else_are_a_co_alarm_only_once_a_third_comes():
    """As of a baby: its harmonics are no louder than one another."""
    steady = beeps([0.0], 17.0, 17.0, hz=1000.0, amplitude=0.07, noise=0.0)
    audio = beeps(cycles(4, 0.1, 0.1, 5.0, 17.0, start_s=2.0), 0.1, 17.0) + steady
    assert raised(audio[: 12 * 16_000]) == dict.fromkeys(LABELS)
    assert only(CO, raised(audio)) > 12.0


@pytest.mark.parametrize("missing", [1, 2])
def test_three_of_four_groups_are_a_co_alarm_only_where_they_lead(missing):
    """The second or third of four is missing, so that no three come evenly."""
    cycle = [2.0 + 5.7 * group for group in range(4) if group != missing]
    onsets = [start + 0.2 * beep for start in cycle for beep in range(4)]
    for steady, raises in ((0.025, True), (0.2, False)):
        behind = beeps([0.0], 23.0, 23.0, hz=1000.0, amplitude=steady, noise=0.0)
        when = raised(beeps(onsets, 0.1, 23.0) + behind)[CO]
        assert (when is not None) == raises, when


def test_a_tone_that_pulses_is_an_alarm_once_found_thrice():
    audio = beeps(np.arange(0.3, 19.5, 0.335), 0.26, 20.0, rt60_s=0.3)
    assert 10.0 <= only(LEGACY, raised(audio)) <= 11.5


@pytest.mark.parametrize("gap_s", [0.09, 0.10, 0.11])
def test_a_pulse_between_two_frames_goes_on(gap_s):
    audio = beeps(np.arange(0.3, 19.5, 0.2 + gap_s), 0.2, 20.0, rt60_s=0.3)
    assert raised(audio)[LEGACY] is not None


@pytest.mark.parametrize(("on_s", "off_s", "pause_s"), [(0.43, 0.38, 1.22), (0.55, 0.42, 2.17)])
def test_real_alarms_out_of_tolerance_are_a_class_of_their_own(on_s, off_s, pause_s):
    only(LEGACY, raised(beeps(cycles(3, on_s, off_s, pause_s, 14.0), on_s, 14.0)))


def test_alarm_in_two_channels_out_of_step():
    one = beeps(cycles(3, 0.5, 0.5, 1.5, 13.0), 0.5, 13.0, hz=2900.0)
    other = beeps(cycles(3, 0.5, 0.52, 1.45, 13.0, start_s=2.3), 0.5, 13.0, hz=3200.0)
    only(SMOKE, raised(one + other))


@pytest.mark.parametrize(
    ("count", "on_s", "off_s", "pause_s"),
    [
        (1, 0.5, 0.5, 0.5),  # the reversing beeper, an oven: no pause
        (1, 1.0, 1.0, 1.0),
        (4, 0.5, 0.5, 1.5),  # one beep too many
        (2, 0.5, 0.5, 1.5),
        (4, 0.35, 0.23, 5.0),  # a coffee maker
        (3, 0.5, 0.5, 10.0),  # comes again too late
        (4, 0.08, 0.08, 0.5),  # a timer
        (5, 0.1, 0.1, 58.0),  # end of life
        (1, 0.07, 0.17, 0.17),
    ],
)
def test_what_only_resembles_an_alarm_raises_nothing(count, on_s, off_s, pause_s):
    seconds = 70.0 if pause_s > 10.0 else 25.0
    when = raised(beeps(cycles(count, on_s, off_s, pause_s, seconds), on_s, seconds))
    assert when == dict.fromkeys(LABELS)


def test_gain_and_a_second_session_change_nothing():
    audio = beeps(cycles(3, 0.5, 0.5, 1.5, 10.0), 0.5, 10.0)
    patterns = PatternEvidence()
    first = [dict(patterns.push(hop)) for hop in hops(audio)]
    patterns.reset()
    assert [dict(patterns.push(hop)) for hop in hops(audio)] == first
    assert raised(audio * np.float32(0.05)) == raised(audio)


def test_evidence_is_forgotten_after_the_window():
    patterns = PatternEvidence(window_s=10.0)
    audio = beeps([at for at in cycles(3, 0.5, 0.5, 1.5, 30.0) if at < 9.0], 0.5, 22.0)
    odds = [patterns.push(hop)[SMOKE] for hop in hops(audio)]
    assert odds[95] > 0.0
    assert odds[-1] < 0.0


def test_a_window_out_of_range_is_refused():
    with pytest.raises(DetectorError, match="window_s: 10 to 30, got 5"):
        PatternEvidence(window_s=5)
