from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.signal import welch

from lab.acoustics.levels import band_rms
from lab.errors import BadInput
from lab.sources.noise import NoiseSpec, NoiseStream
from lab.sources.shaped import gain_at
from tests.sources.recordings import write_corpus

RATE_HZ = 16_000
COLOURS = ["pink", "white", "babble", "household"]


def stream(colour: str, channels: int = 2, rate_hz: int = RATE_HZ, seed: int = 1, **more) -> NoiseStream:
    spec = NoiseSpec(kind="noise", name="background", colour=colour, snr_db=10.0, **more)
    return NoiseStream(spec, channels=channels, rate_hz=rate_hz, seed=seed, split="test")


@pytest.mark.parametrize("colour", COLOURS)
def test_the_way_it_is_read_changes_no_bit(colour):
    whole = stream(colour).read(30_000)
    other = stream(colour)
    parts = [other.read(n) for n in (1, 2047, 2049, 12_345, 0, 13_558)]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_its_rms_between_50_hz_and_7_khz_is_1(colour, rate_hz):
    level = band_rms(stream(colour, channels=4, rate_hz=rate_hz).read(20 * rate_hz), rate_hz)
    exact = colour in ("pink", "white")
    np.testing.assert_allclose(level, 1.0, atol=0.01 if exact else 0.25)
    assert np.mean(level) == pytest.approx(1.0, abs=0.005 if exact else 0.1)


@pytest.mark.parametrize("colour", COLOURS)
def test_channels_are_independent(colour):
    heard = stream(colour, channels=4).read(20 * RATE_HZ)
    assert np.max(np.abs(np.corrcoef(heard) - np.eye(4))) < (0.02 if colour in ("pink", "white") else 0.06)


@pytest.mark.parametrize("colour", COLOURS)
def test_another_seed_is_another_noise(colour):
    one, other = stream(colour, seed=1).read(RATE_HZ), stream(colour, seed=2).read(RATE_HZ)
    assert abs(np.corrcoef(one[0], other[0])[0, 1]) < 0.1


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_pink_falls_3_db_an_octave(rate_hz):
    """Against the closed form |H|^2 = 1/f, 40 Hz to 7 kHz: residual below 0.2 dB."""
    hz = np.geomspace(40, 7000, 500)
    level_db = 20 * np.log10(gain_at(hz, rate_hz)) + 10 * np.log10(hz)
    assert np.ptp(level_db) < 0.4


def test_pink_as_heard_has_the_power_its_formula_states():
    heard = stream("pink", channels=1).read(60 * RATE_HZ)[0]
    hz, power = welch(heard, RATE_HZ, nperseg=4096)
    inside = (hz > 100) & (hz < 7000)
    shape = 10 * np.log10(power[inside]) - 20 * np.log10(gain_at(hz[inside], RATE_HZ))
    assert np.std(shape) < 0.4


def test_white_noise_is_gaussian_enough():
    heard = stream("white", channels=1).read(60 * RATE_HZ)[0].astype(float)
    z = heard / heard.std()
    assert np.mean(z**4) - 3 == pytest.approx(-0.15, abs=0.03)
    assert np.mean(np.abs(z) > 2) == pytest.approx(0.0455, abs=0.002)


def test_babble_is_steadier_than_a_single_voice():
    """Eight voices fill each other's pauses."""
    heard = stream("babble", channels=1).read(20 * RATE_HZ)[0]
    frames = np.sqrt(np.mean(heard[: 20 * RATE_HZ].reshape(-1, RATE_HZ // 4) ** 2, axis=1))
    assert frames.min() > 0.25 and frames.max() < 2.5


def test_recordings_stand_in_where_a_corpus_is_named(tmp_path, monkeypatch):
    corpus = write_corpus(tmp_path)
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "audio"))
    heard = stream("household", corpus=str(corpus)).read(RATE_HZ)
    hz = np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ)
    assert hz[np.argmax(np.abs(np.fft.rfft(heard[0])))] == pytest.approx(150.0, abs=2.0)


def test_a_silent_recording_is_named(tmp_path, monkeypatch):
    corpus = write_corpus(tmp_path, silent=True)
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "audio"))
    with pytest.raises(BadInput, match="hum.wav: is silent"):
        stream("household", corpus=str(corpus)).read(10)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "exactly one of snr_db, level_db_spl"),
        ({"snr_db": 3.0, "level_db_spl": 40.0}, "exactly one of snr_db, level_db_spl"),
        ({"level_db_spl": 40.0, "relative_to": "tv"}, "relative_to goes with snr_db"),
        ({"snr_db": 3.0, "corpus": "household"}, "corpus goes with colour babble or household"),
        ({"snr_db": 3.0, "colour": "blue"}, "pink"),
        ({"snr_db": float("nan")}, "finite"),
    ],
)
def test_a_contradiction_is_explained(keys, told):
    with pytest.raises(ValidationError, match=told):
        NoiseSpec(kind="noise", name="background", **keys)
