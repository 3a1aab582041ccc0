"""The harmonic notch: a fan's comb is found and cut, a person beside it still scores."""

import numpy as np
import pytest

from detectors.build import load_build
from detectors.errors import DetectorError
from detectors.interface import BASEBAND, Block, StreamFormat
from detectors.presence.cfar import DopplerCfar
from detectors.presence.notch import NotchCfar
from detectors.stack import Stack
from tests.detectors.presence.test_prediction import RATE, baseband, person


def comb(blades_hz, lines=10, level=3e-4):
    rng = np.random.default_rng(3)
    phases = rng.uniform(0.0, 2 * np.pi, 2 * lines)
    orders = [n for n in range(-lines, lines + 1) if n]
    return lambda time: sum(
        level / abs(n) * np.exp(1j * (2 * np.pi * n * blades_hz * time + phase))
        for n, phase in zip(orders, phases, strict=True)
    )


def scores(samples, detector=None, cut=1):
    detector = detector or NotchCfar(stream=BASEBAND)
    detector.open({BASEBAND: StreamFormat(RATE, len(samples), 34_000.0)})
    position = 0
    for part in np.array_split(samples, cut, axis=1):
        detector.feed(Block(position, part.shape[1], RATE, {BASEBAND: part}))
        position += part.shape[1]
    return {track.label: track.scores for track in detector.tracks()}


@pytest.mark.parametrize("blades_hz", [17.25, 50.0, 133.0])
def test_a_comb_is_found_and_cut(blades_hz):
    samples = baseband(12.0, comb(blades_hz))
    detector = NotchCfar(stream=BASEBAND)
    left = scores(samples, detector)["presence"][-60:]
    assert detector.blades_hz == pytest.approx(blades_hz, abs=0.5)
    plain = DopplerCfar(stream=BASEBAND)
    assert np.median(scores(samples, plain)["presence"][-60:]) > 25.0
    assert np.median(left) < 10.0


def test_a_person_beside_the_comb_scores():
    fan, walker = comb(50.0), person(-220.0, 10.0, level=2e-4)
    found = scores(baseband(14.0, lambda time: fan(time) + walker(time)))
    assert np.median(found["presence"][140:195]) < 10.0
    assert np.max(found["major_motion"][220:]) > 15.0


def test_quiet_has_no_comb_and_scores_little():
    detector = NotchCfar(stream=BASEBAND)
    assert np.nanmax(scores(baseband(15.0), detector)["presence"]) < 9.0
    assert np.isnan(detector.blades_hz)


def test_cutting_the_stream_changes_no_bit():
    samples = baseband(6.0, comb(40.0))
    whole, pieces = scores(samples), scores(samples, cut=17)
    assert all(np.array_equal(whole[label], pieces[label], equal_nan=True) for label in whole)


def test_the_shipped_build_scores_all_labels():
    stack = Stack(load_build("presence_notch"))
    assert [label for _, label in stack.labels] == ["presence", "major_motion", "minor_motion"]


@pytest.mark.parametrize(("key", "value"), [("stream", "audible"), ("average_s", 0.0)])
def test_refuses_settings_out_of_range(key, value):
    with pytest.raises(DetectorError, match=key):
        NotchCfar(**{key: value})
