"""What the firmware reports, and when, against what the stack says of the same sound in one piece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.build import load_build
from detectors.interface import ScoreTrack, alarm_indices, refractory_hops
from lab.acoustics.device import ConverterSpec
from lab.bench.emulated.listener import Listener, LiveAlarms
from lab.errors import BadInput

CONVERTER = ConverterSpec(rate_hz=16_000, band_hz=(20.0, 7200.0))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32) | st.just(float("nan")), max_size=60),
    st.lists(st.integers(0, 20), max_size=8),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_alarms_of_a_growing_track_are_those_of_the_whole(scores, cuts, refractory_s):
    track = np.array(scores, np.float32)
    live, seen, found = LiveAlarms(refractory_s), 0, []
    for cut in [*cuts, len(track)]:
        seen = min(len(track), seen + cut)
        found += live.fresh(ScoreTrack("d", "watermark", 0.1, 0.1, track[:seen]), 0.25)
    assert found == alarm_indices(track, 0.25, refractory_hops(refractory_s, 0.1)).tolist()


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_loud_sound_is_reported_with_the_moment_it_was_decided(loud_build, rate_hz):
    """A second of 94 dB SPL from 1.0 s on, at a card of either rate: -29 dB full scale, reported every 0.2 s."""
    reports = []
    listener = Listener(
        load_build(loud_build), CONVERTER, 1, rate_hz, {}, lambda *report: reports.append(report)
    )
    t = np.arange(3 * rate_hz) / rate_hz
    pressure = np.where((t >= 1.0) & (t < 2.0), np.sqrt(2.0) * np.sin(2 * np.pi * 1000.0 * t), 0.0)
    for at in range(0, len(t), 1024):
        listener.feed(pressure[None, at : at + 1024].astype(np.float32))
    listener.skip(rate_hz)
    labels, scores, times_s = zip(*reports, strict=True)
    assert set(labels) == {"glass_break"} and len(reports) == 5
    assert scores[1] == pytest.approx(94.0 - 120.0 - 3.0, abs=0.3)
    np.testing.assert_allclose(times_s, 1.05 + 0.2 * np.arange(5), atol=0.051)


def test_a_threshold_counts_from_the_next_look(loud_build):
    reports, thresholds = [], {"glass_break": 10.0}
    listener = Listener(
        load_build(loud_build), CONVERTER, 1, 16_000, thresholds, lambda *report: reports.append(report)
    )
    noise = np.random.default_rng(1).standard_normal((1, 16_000)).astype(np.float32)
    listener.feed(noise)
    assert not reports
    thresholds["glass_break"] = -60.0
    listener.feed(noise)
    assert reports and min(report[2] for report in reports) > 1.0


def test_a_stack_that_wants_more_microphones_than_there_are_is_refused(loud_build):
    loud_build.write_text(loud_build.read_text().replace("channels = 1", "channels = 4"))
    with pytest.raises(BadInput, match="loud: listens to 4 microphones, the device has 1"):
        Listener(load_build(loud_build), CONVERTER, 1, 16_000, {}, print)
