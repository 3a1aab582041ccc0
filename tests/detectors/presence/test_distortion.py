"""What music does to the tone goes, what moves stays: on a cone of the tests' own, and in a simulated room."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from detectors.errors import DetectorError
from detectors.interface import PLAYBACK, ULTRASONIC, Emission, StreamNeed
from detectors.presence.distortion import DistortionRemover
from detectors.presence.front_end import Mixer
from lab.bench.simulated.bench import SimulatedBench
from lab.scenario.load import load_scenario
from tests.detectors.presence.played import HOP, PLAYED, RATE, bass, cone, heard

ARTICLE = Path(__file__).parents[3] / "scenarios" / "presence" / "article.toml"


def walker(envelope, level=10 ** (-50 / 20), doppler_hz=180.0):
    """The same with an echo that drifts about a Doppler shift, `level` re the carrier, another phase at each microphone."""
    rng = np.random.default_rng(3)
    wander = np.cumsum(rng.standard_normal(envelope.shape[1])) * 0.1
    turns = (
        2 * np.pi * (doppler_hz * np.arange(envelope.shape[1]) / RATE + rng.uniform(size=(len(envelope), 1)))
    )
    moving = level * 0.05 * np.exp(1j * (turns + wander))
    return (envelope + moving).astype(np.complex64), moving


def cleaned(envelope, playback, remover=None):
    remover = remover or DistortionRemover(len(envelope), RATE, PLAYED)
    step = HOP * PLAYED // RATE
    hops = range(envelope.shape[1] // HOP)
    parts = [
        remover.process(envelope[:, i * HOP : (i + 1) * HOP], playback[i * step : (i + 1) * step])
        for i in hops
    ]
    return np.concatenate(parts, axis=1)


def band_db(envelope, low_hz=20.0, high_hz=1200.0, after_s=4.0):
    """Power at each microphone in the band on both sides of the carrier, mean over microphones, dB re full scale."""
    frequency, power = scipy.signal.welch(
        envelope[:, round(after_s * RATE) :].astype(complex),
        RATE,
        "blackmanharris",
        512,
        return_onesided=False,
    )
    band = (np.abs(frequency) >= low_hz) & (np.abs(frequency) <= high_hz)
    return 10 * np.log10(power[:, band].sum(axis=1).mean() * RATE / 512)


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_music_goes(channels):
    playback = bass()
    envelope = heard(cone(playback), channels)
    remover = DistortionRemover(channels, RATE, PLAYED)
    left = cleaned(envelope, playback, remover)
    assert band_db(left) < band_db(envelope) - 30.0
    assert remover.removed_db > 30.0


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_what_moves_stays(channels):
    playback = bass()
    envelope = heard(cone(playback), channels)
    both, moving = walker(envelope)
    assert band_db(cleaned(both, playback)) == pytest.approx(band_db(moving), abs=1.0)
    assert band_db(envelope) > band_db(moving) + 15.0


def test_a_limiter_that_pumps_the_tone_goes_too():
    playback = bass(14.0)
    time = np.arange(14 * RATE) / RATE
    gain = 1.0 - 0.3 * np.exp(-((time % 0.7) / 0.15)) * (1 - np.exp(-(time % 0.7) / 0.005))
    envelope = heard(cone(playback) * gain, gain=gain)
    both, moving = walker(envelope)
    assert band_db(cleaned(envelope, playback)) < band_db(envelope) - 25.0
    assert band_db(cleaned(both, playback)) == pytest.approx(band_db(moving), abs=1.5)


def test_nothing_changes_while_nothing_plays():
    envelope, _ = walker(heard(np.zeros(4 * RATE)))
    silence = np.zeros(4 * PLAYED, np.float32)
    assert np.array_equal(cleaned(envelope, silence), envelope)


def test_what_was_learnt_outlives_a_pause():
    playback = bass(16.0)
    playback[6 * PLAYED : 12 * PLAYED] = 0.0
    envelope = heard(cone(playback))
    left = cleaned(envelope, playback)
    assert band_db(left, after_s=12.0) < band_db(envelope, after_s=12.0) - 25.0


def test_playback_that_is_not_heard_takes_nothing_away():
    both, moving = walker(heard(np.zeros(12 * RATE)))
    assert band_db(cleaned(both, bass())) == pytest.approx(band_db(both), abs=0.5)
    assert band_db(both) == pytest.approx(band_db(moving), abs=0.5)


def test_a_dead_microphone_passes_and_spoils_no_other():
    playback = bass()
    envelope = heard(cone(playback))
    envelope[2] = 1e-6 * np.random.default_rng(5).standard_normal((envelope.shape[1], 2)) @ [1, 1j]
    left = cleaned(envelope, playback)
    assert np.array_equal(left[2], envelope[2])
    others = [0, 1, 3]
    assert band_db(left[others]) < band_db(envelope[others]) - 30.0


def test_no_number_does_lasting_harm():
    playback = bass()
    envelope = heard(cone(playback))
    broken = envelope.copy()
    broken[1, 8000:8300] = np.nan
    noisy = playback.copy()
    noisy[40_000:40_100] = np.inf
    left = cleaned(broken, noisy)
    assert np.isfinite(left[:, 8400:]).all()
    assert band_db(left, after_s=8.0) < band_db(envelope, after_s=8.0) - 25.0


@pytest.mark.parametrize(
    ("arguments", "key"),
    [((4, 8_000, 16_000), "rate_hz"), ((4, 4_000, 6_000), "playback"), ((0, 4_000, 16_000), "channels")],
)
def test_refuses_what_it_was_not_made_for(arguments, key):
    with pytest.raises(DetectorError, match=key):
        DistortionRemover(*arguments)


def test_refuses_a_hop_and_playback_that_do_not_belong_together():
    with pytest.raises(DetectorError, match="playback"):
        DistortionRemover(2, RATE, PLAYED).process(np.ones((2, 200), np.complex64), np.zeros(799, np.float32))


@pytest.fixture(scope="module")
def room():
    """Envelopes of an empty room at 60 dB of music, and what was played."""
    scenario = load_scenario(ARTICLE)
    (cell,) = (cell for cell in scenario.cells() if cell.values.get("variant") == "music")
    session = SimulatedBench().open(
        scenario.draw(cell, 0, 1), {ULTRASONIC: StreamNeed((96_000,)), PLAYBACK: StreamNeed((PLAYED,))}
    )
    mixer, envelope, playback = Mixer(96_000, RATE, 34_000.0, 4), [], []
    while (block := session.next(Emission((34_000.0,), 85.0))) is not None:
        envelope.append(mixer.mix(block.streams[ULTRASONIC]))
        playback.append(block.streams[PLAYBACK])
    return np.concatenate(envelope, axis=1), np.concatenate(playback, axis=1)[0]


@pytest.mark.parametrize("channels", [1, 4])
def test_music_goes_in_a_simulated_room(room, channels):
    envelope, playback = room
    envelope = envelope[:channels]
    assert band_db(cleaned(envelope, playback)) < band_db(envelope) - 25.0
