"""The baseline: one distribution in noise, a score for what moves, and no score for what stands still."""

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, ULTRASONIC, Block, Emission, StreamFormat
from detectors.presence.cfar import DopplerCfar

RATE = 4_000


def baseband(seconds, doppler_hz=None, echo_db=-60.0, noise_db=-90.0, channels=4, seed=1):
    """A carrier of 0.1 of full scale, drifting; an echo `echo_db` re full scale; noise in the whole band."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    signal = 0.1 * np.exp(2j * np.pi * 0.02 * time) * np.ones((channels, 1))
    noise = 10 ** (noise_db / 20) / np.sqrt(2) * rng.standard_normal((2, channels, len(time)))
    signal = signal + noise[0] + 1j * noise[1]
    if doppler_hz is not None:
        signal = signal + 10 ** (echo_db / 20) * np.exp(2j * np.pi * doppler_hz * time)
    return signal.astype(np.complex64)


def scores(samples, cut=1):
    detector = DopplerCfar(stream=BASEBAND)
    detector.open({BASEBAND: StreamFormat(RATE, len(samples), 34_000.0)})
    position = 0
    for part in np.array_split(samples, cut, axis=1):
        assert detector.feed(Block(position, part.shape[1], RATE, {BASEBAND: part})) == Emission(
            (34_000.0,), 85.0
        )
        position += part.shape[1]
    return {track.label: track.scores for track in detector.tracks()}


def test_the_score_of_noise_does_not_know_its_level():
    quiet, loud = (scores(baseband(30.0, noise_db=level))["presence"] for level in (-100.0, -60.0))
    assert np.nanmedian(quiet) == pytest.approx(np.nanmedian(loud), abs=0.2)
    assert max(np.nanmax(quiet), np.nanmax(loud)) < 6.0


@pytest.mark.parametrize(
    ("doppler_hz", "label", "other"),
    [(-300.0, "major_motion", "minor_motion"), (55.0, "minor_motion", "major_motion")],
)
def test_an_echo_scores_in_the_band_of_its_speed(doppler_hz, label, other):
    found = scores(baseband(5.0, doppler_hz, echo_db=-85.0))
    assert np.nanmedian(found[label]) > 15.0
    assert np.nanmedian(found["presence"]) > 15.0
    assert np.nanmedian(found[other]) < 8.0


def test_cutting_the_stream_changes_no_bit():
    samples = baseband(3.0, 100.0)
    whole, pieces = scores(samples), scores(samples, cut=17)
    assert all(np.array_equal(whole[label], pieces[label], equal_nan=True) for label in whole)


def test_passband_and_baseband_score_alike():
    """The same echo on a carrier at 96 kHz; noise differs, so scores agree within its spread."""
    envelope = baseband(4.0, -300.0, echo_db=-75.0, noise_db=-95.0)
    time = np.arange(4 * 96_000) / 96_000
    rng = np.random.default_rng(2)
    slow = np.exp(2j * np.pi * 0.02 * time) * 0.1 + 10 ** (-75 / 20) * np.exp(-2j * np.pi * 300.0 * time)
    # Complex noise of -95 dB over 4 kHz is real noise of half that power per Hz over twice the band, times 48/4.
    sigma = 10 ** (-95 / 20) * np.sqrt(0.5 * 48_000 / 4_000)
    carrier = np.real(slow * np.exp(2j * np.pi * 34_000.0 * time))
    samples = (carrier + sigma * rng.standard_normal((4, len(time)))).astype(np.float32)
    detector = DopplerCfar(stream=ULTRASONIC)
    detector.open({ULTRASONIC: StreamFormat(96_000, 4)})
    detector.feed(Block(0, len(time), 96_000, {ULTRASONIC: samples}))
    (track,) = (track for track in detector.tracks() if track.label == "presence")
    assert np.nanmedian(track.scores) == pytest.approx(np.nanmedian(scores(envelope)["presence"]), abs=1.5)


def test_refuses_a_baseband_about_another_carrier():
    with pytest.raises(DetectorError, match="carrier_hz = 34000"):
        DopplerCfar(stream=BASEBAND).open({BASEBAND: StreamFormat(RATE, 4, 36_000.0)})


@pytest.mark.parametrize(("key", "value"), [("stream", "audible"), ("average_s", 0.0)])
def test_refuses_settings_out_of_range(key, value):
    with pytest.raises(DetectorError, match=key):
        DopplerCfar(**{key: value})


def test_the_rise_of_the_tone_is_no_motion():
    """Silence until the first command takes effect, a ramp of 30 ms, then a steady tone: nothing scores as motion."""
    samples = baseband(3.0)
    rise = np.clip((np.arange(samples.shape[1]) / RATE - 0.05) / 0.03, 0.0, 1.0)
    found = scores((samples * (0.5 - 0.5 * np.cos(np.pi * rise))).astype(np.complex64))
    assert max(np.nanmax(track) for track in found.values()) < 8.0
