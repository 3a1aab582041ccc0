"""What goes on for a while: level, length, seams, recordings with their credit, and what each sound is known by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from lab.sources.backgrounds import LEVEL_DB, BackgroundSpec, open_background
from lab.sources.cries import baby, dog
from lab.sources.loudness import active_rms, frame_power
from lab.sources.steady import PIECE_S, STROKES_HZ, fan, pieces, rain, vacuum

RATE_HZ = 16_000


def spec(sound: str, **keys) -> BackgroundSpec:
    return BackgroundSpec(kind="background", name="b", sound=sound, rule="table", **keys)


def heard(wanted: BackgroundSpec, duration_s: float = 24.0, seed: int = 5, cut: int = 0) -> np.ndarray:
    stream = open_background(wanted, seed=seed, rate_hz=RATE_HZ, duration_s=duration_s, split="test")
    return np.concatenate(list(stream.chunks(cut or round(duration_s * RATE_HZ))))


@pytest.mark.parametrize("sound", LEVEL_DB)
def test_it_lasts_as_long_as_asked_at_the_level_asked(sound: str) -> None:
    audio = heard(spec(sound, start_s=2.0, lasts_s=20.0, level_db_spl=70.0))
    assert not audio[: 2 * RATE_HZ].any() and not audio[22 * RATE_HZ :].any()
    loud_db = 20 * np.log10(active_rms(audio, RATE_HZ) / 20e-6)
    assert loud_db == pytest.approx(70.0, abs=3.0)  # each part has the level; what is between them varies


@pytest.mark.parametrize("sound", ["television", "vacuum", "baby"])
def test_the_way_it_is_read_changes_no_bit(sound: str) -> None:
    wanted = spec(sound, lasts_s=10.0)
    assert np.array_equal(heard(wanted, 12.0), heard(wanted, 12.0, cut=777))


def test_levels_are_drawn_within_the_range_of_the_sound() -> None:
    for sound, (low, high) in LEVEL_DB.items():
        drawn = [
            open_background(spec(sound), seed=n, rate_hz=RATE_HZ, duration_s=1.0, split="test").measured[
                "b_level_db_spl"
            ]
            for n in range(6)
        ]
        assert low <= min(drawn) < max(drawn) <= high


def test_a_closed_door_takes_treble_more_than_bass() -> None:
    near, far = (heard(spec("rain", lasts_s=20.0, through=way)) for way in ("air", "closed_door"))
    hz, before = welch(near, RATE_HZ, nperseg=2048)
    loss_db = 10 * np.log10(before / welch(far, RATE_HZ, nperseg=2048)[1])
    assert loss_db[np.argmin(abs(hz - 250))] == pytest.approx(17.0, abs=1.0)
    assert loss_db[np.argmin(abs(hz - 4000))] == pytest.approx(25.0, abs=1.0)


@pytest.mark.parametrize("make", [vacuum, fan, rain])
def test_pieces_join_without_a_seam(make) -> None:
    """Power of 50 ms about each seam against that of all others: no more than chance makes of noise."""
    audio = pieces(make(np.random.default_rng(3), RATE_HZ), np.random.default_rng(4), RATE_HZ)
    several = np.concatenate([next(audio) for _ in range(6)])
    levels = 10 * np.log10(frame_power(several, RATE_HZ // 20))
    each = round(PIECE_S * 20)
    for seam in range(each, len(levels), each):
        assert abs(np.mean(levels[seam - 1 : seam + 2]) - np.median(levels)) < 3.0
    jumps = np.abs(np.diff(several))
    seams = [jumps[round(k * PIECE_S * RATE_HZ) - 1] for k in range(1, 6)]
    assert max(seams) < np.quantile(jumps, 0.9999)


def test_a_vacuum_cleaner_swells_with_its_strokes() -> None:
    audio = pieces(vacuum(np.random.default_rng(6), RATE_HZ), np.random.default_rng(7), RATE_HZ)
    levels = 10 * np.log10(frame_power(np.concatenate([next(audio) for _ in range(10)]), RATE_HZ // 10))
    spectrum = np.abs(np.fft.rfft(levels - levels.mean()))
    strongest_hz = np.argmax(spectrum) * 10.0 / len(levels)
    assert STROKES_HZ[0] - 0.02 <= strongest_hz <= STROKES_HZ[1] + 0.02


def test_a_baby_cries_longer_than_a_dog_barks() -> None:
    lengths = {}
    for make in (dog, baby):
        crying = make(np.random.default_rng(8), RATE_HZ)
        lengths[make] = np.array([len(next(crying)[1]) / RATE_HZ for _ in range(40)])
    assert lengths[dog].max() < 0.31
    assert np.all((lengths[baby][::2] >= 0.59) & (lengths[baby][::2] <= 2.01))  # a gasp follows each cry
