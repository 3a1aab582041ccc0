"""Doppler maps: a moving echo shows where its speed is, whatever the gain before the converter and however many microphones."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.presence.clutter import ClutterFilter
from detectors.presence.features import BANDS, CHANNELS, SIDE, DopplerMap

RATE_HZ, HOP = 4_000, 200
LOUDNESS, NOVELTY, COHERENCE, STEADINESS, FLICKER = range(CHANNELS)


def scene(seconds: float, channels: int = 4, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    noise = rng.standard_normal((channels, n)) + 1j * rng.standard_normal((channels, n))
    return 1.0 + 1e-5 * noise


def echo(seconds: float, doppler_hz: float, bearing_rad: float = 0.5, channels: int = 4) -> np.ndarray:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = bearing_rad * np.arange(channels)[:, None]
    return 2e-5 * np.exp(1j * (2.0 * np.pi * doppler_hz * time + phase))


def maps(signal: np.ndarray) -> np.ndarray:
    """(hops, CHANNELS, BANDS)."""
    clutter, doppler = ClutterFilter(len(signal), RATE_HZ), DopplerMap(len(signal), RATE_HZ)
    hops = np.split(signal.astype(np.complex64), signal.shape[1] // HOP, axis=1)
    return np.stack([doppler.push(clutter.process(hop)) for hop in hops])


@pytest.mark.parametrize(
    ("doppler_hz", "band"),
    [(5.0, SIDE + 1), (20.0, SIDE + 5), (100.0, SIDE + 10), (-100.0, SIDE - 11), (600.0, SIDE + 15)],
)
def test_a_moving_echo_is_loudest_in_the_band_of_its_speed(doppler_hz: float, band: int):
    found = maps(scene(4.0) + echo(4.0, doppler_hz))[-1]
    assert np.argmax(found[LOUDNESS]) == band
    assert found[LOUDNESS, band] > 1.0  # 10 dB above the noise


def test_noise_alone_is_at_zero_and_incoherent():
    found = maps(scene(8.0))[40:]
    people = np.r_[: SIDE - 2, SIDE + 2 : BANDS]
    assert np.abs(np.median(found[:, LOUDNESS, people], axis=0)).max() < 0.2
    assert np.median(found[:, COHERENCE]) < 0.35


@pytest.mark.parametrize("gain_db", [-20.0, 6.0, 20.0])
def test_the_level_before_the_converter_changes_nothing(gain_db: float):
    signal = scene(3.0) + echo(3.0, 90.0)
    np.testing.assert_allclose(maps(signal * 10.0 ** (gain_db / 20.0)), maps(signal), atol=0.05)


def test_gains_of_single_microphones_change_nothing():
    signal = scene(3.0) + echo(3.0, 90.0)
    gains = 10.0 ** (np.array([[-6.0], [3.0], [0.0], [6.0]]) / 20.0)
    np.testing.assert_allclose(maps(signal * gains)[..., :-1, :], maps(signal)[..., :-1, :], atol=0.02)


def test_one_echo_is_coherent_and_keeps_its_bearing():
    found = maps(scene(6.0) + echo(6.0, 200.0))[-1]
    band = np.argmax(found[LOUDNESS])
    assert found[COHERENCE, band] > 0.95
    assert found[STEADINESS, band] > 0.95


def test_an_echo_that_changes_its_bearing_is_unsteady():
    moved = np.concatenate([echo(4.0, 200.0, 0.5), echo(0.5, 200.0, 2.6)], axis=1)
    found = maps(scene(4.5) + moved)
    band = np.argmax(found[-1, LOUDNESS])
    assert found[79, STEADINESS, band] > 0.95
    assert found[-1, STEADINESS, band] < 0.3


def test_what_goes_on_for_long_becomes_the_background():
    found = maps(scene(20.0) + echo(20.0, 200.0))
    band = np.argmax(found[-1, LOUDNESS])
    assert found[-1, LOUDNESS, band] > 1.5
    assert abs(found[-1, NOVELTY, band]) < 0.3


def test_flicker_at_the_passing_of_blades_stands_out():
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    found = maps(scene(4.0) + 10.0 * echo(4.0, 300.0) * (1.0 + 0.9 * np.cos(2.0 * np.pi * 10.0 * time)))[-1]
    assert np.argmax(found[FLICKER]) in (8, 9, 10)  # 9 to 12 Hz


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_number_of_microphones_gives_one_shape_and_one_loudness(channels: int):
    """An echo of 4e-10 within four bins of 7.8 Hz over 5e-14 per Hz: 24.1 dB. Residual: 1 dB."""
    found = maps(scene(4.0, channels) + echo(4.0, 105.0, channels=channels))
    assert found.shape[1:] == (CHANNELS, BANDS) and np.isfinite(found).all()
    assert found[-20:, LOUDNESS, SIDE + 10].mean() == pytest.approx(2.41, abs=0.1)


def test_a_dead_microphone_takes_nothing_from_the_others():
    signal = scene(4.0) + echo(4.0, 90.0)
    signal[2] = 0.0
    found = maps(signal)
    assert np.isfinite(found).all()
    assert found[-1, LOUDNESS, SIDE + 9 : SIDE + 11].max() > 1.0


def test_silence_and_a_reset_are_survived():
    doppler = DopplerMap(2)
    silent = [doppler.push(np.zeros((2, HOP), np.complex64)) for _ in range(5)]
    assert np.isfinite(silent).all()
    hops = scene(0.5, 2)[:, : 3 * HOP].astype(np.complex64).reshape(2, 3, HOP).swapaxes(0, 1)
    fresh = DopplerMap(2)
    doppler.reset()
    for hop in hops:
        np.testing.assert_array_equal(doppler.push(hop), fresh.push(hop))


def test_other_rates_and_shapes_are_refused():
    with pytest.raises(DetectorError, match="rate_hz = 8000"):
        DopplerMap(4, 8_000)
    with pytest.raises(DetectorError, match="hops of"):
        DopplerMap(4).push(np.zeros((4, 100), np.complex64))


def test_hops_taken_together_give_the_same_maps_and_those_that_hiss_are_told_one_by_one():
    signal = scene(6.0) + echo(6.0, 90.0)
    signal[:, 18_000:18_600] += 1e-4 * np.random.default_rng(2).standard_normal((4, 600))
    clutter = ClutterFilter(4, RATE_HZ)
    hops = [clutter.process(hop) for hop in np.split(signal.astype(np.complex64), 120, axis=1)]
    one, together = DopplerMap(4, RATE_HZ), DopplerMap(4, RATE_HZ)
    wanted = np.stack([one.push(hop) for hop in hops])
    found, hissed = [], []
    for part in (hops[:1], hops[1:92], hops[92:]):
        spectra, first = together.spectra(np.stack(part)), 0
        while first < len(part):
            maps, hissing = together.features(spectra, first)
            assert len(maps) == len(hissing) and not hissing[:-1].any()
            found.extend(maps)
            hissed.extend(hissing)
            first += len(maps)
    np.testing.assert_array_equal(np.stack(found), wanted)
    assert 3 <= np.sum(hissed) <= 8 and np.flatnonzero(hissed)[0] in (90, 91)


def test_what_is_unlearnt_is_one_hop_of_those_taken_together():
    hops = np.stack(np.split(scene(4.0).astype(np.complex64) - 1.0, 80, axis=1)).astype(np.complex64)
    loud = hops.copy()
    loud[60:] *= 30.0
    maps = []
    for forgets in (False, True):
        doppler = DopplerMap(4, RATE_HZ)
        doppler.features(doppler.spectra(loud[:61]), 0)
        if forgets:
            doppler.unlearn()
        maps.append(doppler.features(doppler.spectra(loud[61:]), 0)[0][0])
    assert (maps[1][LOUDNESS] >= maps[0][LOUDNESS]).all() and (maps[1][LOUDNESS] > maps[0][LOUDNESS]).any()
