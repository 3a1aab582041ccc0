"""Prediction error: quiet for what stands and for what goes on, loud for what starts to move."""

import numpy as np
import pytest

from detectors.build import load_build
from detectors.errors import DetectorError
from detectors.interface import BASEBAND, Block, Emission, StreamFormat
from detectors.presence.prediction import PredictionError
from detectors.stack import Stack

RATE = 4_000


def baseband(seconds, echo=None, noise_db=-90.0, channels=4):
    rng = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    noise = 10 ** (noise_db / 20) / np.sqrt(2) * rng.standard_normal((2, channels, len(time)))
    signal = 0.1 * np.exp(2j * np.pi * 0.02 * time) + noise[0] + 1j * noise[1]
    return (signal + (0.0 if echo is None else echo(time))).astype(np.complex64)


def person(doppler_hz, start_s, level=1e-4):
    """An echo whose speed wanders."""

    def echo(time):
        wander = np.cumsum(np.random.default_rng(2).standard_normal(len(time))) * 0.15
        return level * np.exp(1j * (2 * np.pi * doppler_hz * time + wander)) * (time >= start_s)

    return echo


def scores(samples, cut=1, detector=None):
    detector = detector or PredictionError(stream=BASEBAND)
    detector.open({BASEBAND: StreamFormat(RATE, len(samples), 34_000.0)})
    position = 0
    for part in np.array_split(samples, cut, axis=1):
        wanted = detector.feed(Block(position, part.shape[1], RATE, {BASEBAND: part}))
        assert wanted == Emission((34_000.0,), 85.0)
        position += part.shape[1]
    return {track.label: track.scores for track in detector.tracks()}


def test_quiet_scores_nothing_whatever_its_level():
    for noise_db in (-100.0, -60.0):
        assert np.nanmax(scores(baseband(20.0, noise_db=noise_db))["presence"]) < 1.5


@pytest.mark.parametrize(("doppler_hz", "label"), [(-300.0, "major_motion"), (40.0, "minor_motion")])
def test_what_starts_to_move_scores(doppler_hz, label):
    found = scores(baseband(16.0, person(doppler_hz, 12.0, level=3e-4)))
    assert np.nanmax(found[label][:235]) < 2.0
    assert np.nanmax(found[label][240:]) > 10.0
    assert np.nanmax(found["presence"][240:]) > 10.0


def test_a_line_that_goes_on_is_foretold():
    """A hum beside the carrier, forty times above noise: adapting removes it, not adapting leaves it."""
    hum = baseband(30.0, lambda time: 1e-4 * np.exp(2j * np.pi * 210.0 * time))
    powers = []
    for step in (1e-9, 0.005):
        detector = PredictionError(stream=BASEBAND, step=step)
        scores(hum, detector=detector)
        powers.append(detector._power[0])
    assert 10 * np.log10(powers[0] / powers[1]) > 6.0


def test_cutting_the_stream_changes_no_bit():
    samples = baseband(5.0, person(100.0, 2.0))
    whole, pieces = scores(samples), scores(samples, cut=17)
    assert all(np.array_equal(whole[label], pieces[label], equal_nan=True) for label in whole)


def test_the_shipped_build_scores_all_labels():
    stack = Stack(load_build("presence_prediction"))
    assert [label for _, label in stack.labels] == ["presence", "major_motion", "minor_motion"]


@pytest.mark.parametrize(("key", "value"), [("stream", "audible"), ("step", 0.0), ("average_s", 0.0)])
def test_refuses_settings_out_of_range(key, value):
    with pytest.raises(DetectorError, match=key):
        PredictionError(**{key: value})


def test_refuses_a_baseband_about_another_carrier():
    with pytest.raises(DetectorError, match="carrier_hz = 34000"):
        PredictionError(stream=BASEBAND).open({BASEBAND: StreamFormat(RATE, 4, 36_000.0)})
