"""The room twin: what is played comes out as the simulated bench would render it, one frame later."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.interface import AUDIBLE, SILENT, StreamNeed
from lab.acoustics.levels import band_rms, db_spl_from_pa
from lab.bench.emulated.twin import FRAME, free_field, room_of
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring, full_scale_pa
from lab.bench.simulated.bench import SimulatedBench
from lab.bench.simulated.scene import Scene
from lab.errors import BadInput

RATE_HZ = 16_000
TELEVISION = (Loudspeaker(1, 110.0),)
QUIET = {"snr_db = 20.0": "level_db_spl = 0.0"}


def through(twin, playback, block):
    """`playback` (K, n) and as much silence as it takes to hear all of it, in blocks."""
    playback = np.pad(playback, ((0, 0), (0, twin.latency)))
    heard = [twin.hear(playback[:, at : at + block]) for at in range(0, playback.shape[1], block)]
    return np.concatenate(heard, axis=1)[:, twin.latency :]


def media(trial, cache):
    """What the television plays in this trial, at full scale, (1, n)."""
    (one,) = Scene(trial, cache, None).placed
    samples = Scene(trial, cache, None).play(one.spec).read(round(trial.spec.duration_s * RATE_HZ))
    return samples[None, :] / np.float32(TELEVISION[0].pa)


def test_what_is_played_sounds_as_in_the_room_of_the_trial(draw, cache):
    """Oracle: direct convolution in float64. Residual below -100 dB of the signal."""
    trial = draw()
    (one,) = Scene(trial, cache, None).placed
    playback = np.concatenate([media(trial, cache), np.zeros((1, 4 * RATE_HZ), np.float32)])
    expected = np.stack(
        [
            np.convolve(playback[0].astype(float) * TELEVISION[0].pa, response)
            for response in one.where.responses
        ]
    )[:, : 4 * RATE_HZ]
    # The noise has a loudspeaker of its own, which is fed nothing.
    twin = room_of(trial, (*TELEVISION, Loudspeaker(2)), {"tv": 1, "background": 2}, RATE_HZ, cache)
    heard = through(twin, playback, 1000)
    residual_db = db_spl_from_pa(band_rms(heard - expected, RATE_HZ)) - db_spl_from_pa(
        band_rms(expected, RATE_HZ)
    )
    assert np.all(residual_db < -100.0)


def test_the_way_sound_is_cut_into_blocks_changes_no_bit(draw, cache):
    trial = draw()
    first = through(room_of(trial, TELEVISION, None, RATE_HZ, cache), media(trial, cache), 1024)
    other = through(room_of(trial, TELEVISION, None, RATE_HZ, cache), media(trial, cache), 333)
    np.testing.assert_array_equal(first, other)


def test_it_hears_what_the_simulated_device_hears(draw, cache):
    """Levels in 50 Hz-7 kHz agree with a capture of the simulated bench within the spread of its microphones."""
    trial = draw()
    session = SimulatedBench(cache).open(trial, {AUDIBLE: StreamNeed((RATE_HZ,))})
    blocks = []
    while (block := session.next(SILENT)) is not None:
        blocks.append(block.streams[AUDIBLE])
    captured = np.concatenate(blocks, axis=1) * full_scale_pa(trial.spec.device.audible.full_scale_db_spl)
    heard = through(room_of(trial, TELEVISION, None, RATE_HZ, cache), media(trial, cache), 4096)
    levels = db_spl_from_pa(band_rms(heard, RATE_HZ)) - db_spl_from_pa(band_rms(captured, RATE_HZ))
    np.testing.assert_allclose(levels, 0.0, atol=1.5)


def test_a_noise_with_a_loudspeaker_comes_at_its_level_without_one_at_the_trials(draw, cache):
    trial = draw({"snr_db = 20.0": "level_db_spl = 60.0"})
    own = room_of(trial, TELEVISION, None, RATE_HZ, cache)
    silence = np.zeros((1, 4 * RATE_HZ), np.float32)
    levels = db_spl_from_pa(band_rms(through(own, silence, 4096), RATE_HZ))
    np.testing.assert_allclose(levels, 60.0, atol=1.0)

    two = (*TELEVISION, Loudspeaker(2, 100.0))
    played = room_of(trial, two, {"tv": 1, "background": 2}, RATE_HZ, cache)
    playback = np.zeros((2, RATE_HZ), np.float32)
    assert not through(played, playback, 4096).any()
    playback[1] = 1e-3 * np.sin(2 * np.pi * 1000.0 * np.arange(RATE_HZ) / RATE_HZ)
    levels = db_spl_from_pa(band_rms(through(played, playback, 4096), RATE_HZ))
    np.testing.assert_allclose(levels, 100.0 - 60.0, atol=0.05)


def test_the_room_is_rendered_at_the_rate_of_the_sound_card(draw, cache):
    trial = draw(QUIET)
    twin = room_of(trial, TELEVISION, None, 48_000, cache)
    click = np.zeros((1, 4800), np.float32)
    click[0, 0] = 1.0
    heard = through(twin, click, 1024)[0]
    arrival_s = int(np.argmax(np.abs(heard) > 0.5 * np.abs(heard).max())) / 48_000
    assert arrival_s == pytest.approx(1.5 / 343.2, abs=0.3e-3)
    assert twin.latency == FRAME


def test_without_a_room_every_microphone_hears_the_loudspeaker_from_a_metre():
    twin = free_field((Loudspeaker(3, 94.0),), microphones=2)
    sine = np.sin(2 * np.pi * 1000.0 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    levels = db_spl_from_pa(band_rms(through(twin, sine[None, :], 512), RATE_HZ))
    np.testing.assert_allclose(levels, [94.0, 94.0], atol=0.01)


@pytest.mark.parametrize(
    ("plays", "said"),
    [
        ({"radio": 1}, "no source 'radio' to play; there are: tv, background"),
        ({"tv": 3}, "sources.tv: no loudspeaker on channel 3; there are: 1, 2"),
        ({"tv": 1, "background": 1}, "channel 1 plays another source already"),
        ({"background": 2}, "sources.tv: no loudspeaker plays it"),
    ],
)
def test_a_wiring_that_cannot_play_the_trial_is_refused(draw, cache, plays, said):
    with pytest.raises(BadInput, match=said):
        room_of(draw(), (*TELEVISION, Loudspeaker(2)), plays, RATE_HZ, cache)


def test_a_connector_is_for_one_thing():
    with pytest.raises(ValueError, match="each for one thing"):
        Wiring((Loudspeaker(1),), (TestMicrophone(1),))
    with pytest.raises(ValueError, match="at least one"):
        Wiring((), (TestMicrophone(1),))
