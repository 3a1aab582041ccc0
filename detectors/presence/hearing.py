"""Whether what a hop holds can be used: what is no number, clipped or missing, dead microphones, lost samples.

A hop of a microphone is used if all its samples are numbers, at most CLIPPED of them at full scale and not all the same. Lost
samples turn the carrier of all microphones by one angle at once, 2 pi f0 n / fs for n of them (at 34 kHz and 96 kHz a multiple of
2 pi / 48, at least 0.13 rad); a mover turns them by less, and each by its own.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numba import njit
from numpy.typing import NDArray

CLIPPED = 0.01  # of the samples of a hop
FULL_SCALE = 0.9999
DEAD_DB = 25.0  # below what the microphone heard before, while others hear as before
BACK_DB = 30.0  # a dead one lives again less than this below the others
DEAD_HOPS, ALIVE_HOPS = 10, 40  # until a microphone is given up, and taken back
JUMP_RAD, APART_RAD = 0.12, 0.06
JUMP_MUSIC_RAD = 0.6  # a cone that travels 1 mm turns the carrier by 0.6 rad at its own rate
ONSET = 4  # hops in which a tone comes on
SLOW = 0.01  # per hop: what a microphone usually hears is an average over 5 s


class Verdict(Enum):
    """What to do with a hop."""

    USE = "use"
    SKIP = "skip"  # not to be used; what comes after it does not continue what came before
    REBUILD = "rebuild"  # other microphones live now


class Hearing:
    """Watches M microphones hop by hop, from when a tone comes on. alive: (M,), those that live as far as is known."""

    def __init__(self, alive: NDArray[np.bool_]) -> None:
        self.alive = np.array(alive, bool)
        channels = len(self.alive)
        self._usual = np.zeros(channels)
        self._weak = np.zeros(channels, np.int64)
        self._well = np.zeros(channels, np.int64)
        self.pause()

    def pause(self) -> None:
        """The tone comes on (again): its first hops are none to compare with."""
        self._before = np.zeros((2, len(self.alive)), np.complex128)
        self._onset = ONSET

    def judge(self, envelope: NDArray[np.complex64], usable: NDArray[np.bool_], playing: bool) -> Verdict:
        """envelope: (M, n) of a hop. usable: (M,), of `clean`. playing: whether the device plays something."""
        mean = envelope.mean(axis=1, dtype=np.complex128)
        level = np.abs(mean)
        if self._onset > 0:
            self._onset -= 1
            return Verdict.SKIP
        if not self._usual.any():
            self._usual = level.copy()
        others = np.median(level[self.alive]) if self.alive.any() else 0.0
        least = np.where(
            self.alive, self._usual * 10.0 ** (-DEAD_DB / 20.0), others * 10.0 ** (-BACK_DB / 20.0)
        )
        weak = ~usable | (level < least)
        self._weak = np.where(weak, self._weak + 1, 0)
        self._well = np.where(weak, 0, self._well + 1)
        sound = self.alive & ~weak
        if not sound.any():  # a gap, or no carrier at all: nothing of one microphone
            self._weak[:] = 0
            return self._skip()
        given_up = self.alive & (self._weak >= DEAD_HOPS)
        back = ~self.alive & (self._well >= ALIVE_HOPS)
        if given_up.any() or back.any():
            self.alive = (self.alive & ~given_up) | back
            self._before[:] = 0.0
            self._usual = np.where(back, level, self._usual)
            return Verdict.REBUILD
        if (self.alive & weak).any():
            return self._skip()
        if self._jumped(mean, playing):
            return self._skip()
        self._before = np.stack([mean, self._before[0]])
        self._usual += np.where(sound, SLOW * (level - self._usual), 0.0)
        return Verdict.USE

    @property
    def level(self) -> NDArray[np.float64]:
        """What each microphone usually hears of the carrier, (M,), full scale 1."""
        return self._usual

    def _skip(self) -> Verdict:
        self._before[:] = 0.0
        return Verdict.SKIP

    def _jumped(self, mean: NDArray[np.complex128], playing: bool) -> bool:
        """Over this hop, or over this and the one before: a jump within a hop shows half in each."""
        limit = JUMP_MUSIC_RAD if playing else JUMP_RAD
        for before in self._before:
            if not before[self.alive].all():
                continue
            turn = (mean * np.conj(before))[self.alive]
            common = turn.sum()
            apart = np.abs(np.angle(turn * np.conj(common))).max()
            if abs(np.angle(common)) > limit and apart < APART_RAD + 0.1 * abs(np.angle(common)):
                return True
        return False


def clean(hop: NDArray) -> tuple[NDArray, NDArray[np.bool_]]:
    """hop: (M, n), float32 or complex64. Returns it with zeros for what is no number, and (M,) whether each can be used."""
    parts = np.ascontiguousarray(hop)
    real = parts.view(np.float32).reshape(len(hop), -1)
    cleaned = np.empty_like(real)
    usable = _look(real, cleaned, np.float32(FULL_SCALE), CLIPPED)
    return cleaned.view(parts.dtype).reshape(hop.shape), usable


@njit(cache=True, error_model="numpy")
def _look(samples, cleaned, full_scale, allowed):
    channels, count = samples.shape
    usable = np.ones(channels, np.bool_)
    for m in range(channels):
        missing, clipped, first = 0, 0, samples[m, 0]
        same = True
        for n in range(count):
            x = samples[m, n]
            good = np.isfinite(x)
            missing += 0 if good else 1
            clipped += 1 if abs(x) >= full_scale else 0
            same = same and x == first
            cleaned[m, n] = x if good else np.float32(0.0)
        usable[m] = missing == 0 and clipped <= allowed * count and not same
    return usable
