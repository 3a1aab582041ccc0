"""Carrier and envelope out of the samples that a loudspeaker is fed."""

import numpy as np
import pytest

from detectors.interface import SILENT, Emission
from lab.bench.emulated.tone_ear import ToneEar, carrier_of
from lab.bench.physical.tone import TonePlayer

RATE, SCENE, FRAME = 96_000, 4_000, 960


def heard(samples, ear=None):
    """Envelopes (n,) by carrier, from the ear's first frame on."""
    ear = ear or ToneEar(RATE, SCENE, 1.0)
    count = FRAME // ear.ratio
    found: dict[float, list] = {}
    for frame, at in enumerate(range(0, len(samples), FRAME)):
        ear.hear(samples[at : at + FRAME].astype(np.float32))
        for tone in ear.read(count):
            found.setdefault(tone.carrier_hz, [np.zeros(count, complex)] * frame).append(tone.pressure_pa)
    return {carrier: np.concatenate(parts) for carrier, parts in found.items()}


@pytest.mark.parametrize("carrier", [30_000.0, 34_000.0, 33_333.0, 41_500.0])
def test_a_tone_is_found_from_its_first_frame_and_keeps_its_envelope(carrier):
    t = np.arange(RATE // 2)
    ramp = np.minimum(t / 2880, 1.0)
    level = 0.3 * 0.5 * (1.0 - np.cos(np.pi * ramp))
    found = heard(level * np.cos(2.0 * np.pi * carrier / RATE * t + 0.7))
    assert list(found) == [carrier]
    expected = np.interp(np.arange(0, RATE // 2, 24) - 288, t, level, left=0.0) * np.exp(0.7j)
    assert np.abs(found[carrier] - expected).max() < 1e-4


def test_sound_is_no_tone():
    t = np.arange(RATE // 4)
    chirp = np.cos(2.0 * np.pi * (3000.0 * t / RATE + 0.5 * 14_000.0 / 0.25 * (t / RATE) ** 2))
    assert heard(0.1 * chirp) == {}
    assert carrier_of(np.zeros(FRAME), RATE) is None


def test_a_new_carrier_takes_over_where_the_last_one_has_died_away():
    player = TonePlayer(RATE, 20e-6 * 2**0.5 * 10 ** (110 / 20))
    player.command(Emission((34_000.0,), 85.0))
    samples = [player.read(24_000)]
    player.command(Emission((34_500.0,), 79.0))
    samples.append(player.read(24_000))
    player.command(SILENT)
    samples.append(player.read(12_480))
    found = heard(np.concatenate(samples))
    assert list(found) == [34_000.0, 34_500.0]
    first, second = (np.abs(found[carrier]) for carrier in (34_000.0, 34_500.0))
    full = 10 ** (-25 / 20)
    assert first[500:980] == pytest.approx(full, rel=1e-4) and first[1180:].max() < 1e-4
    assert second[:1120].max() < 1e-2 * full
    assert second[1300:1980] == pytest.approx(full * 10 ** (-6 / 20), rel=1e-4)
    assert second[2180:].max() < 1e-4
