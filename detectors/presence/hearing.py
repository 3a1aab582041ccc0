"""Whether what a hop holds can be used: what is no number, clipped or missing, dead microphones, lost samples.

A hop of a microphone is used if all its samples are numbers within BEYOND, at most CLIPPED of them at full scale, not all the same, and
none in a gap: MUTE or more zeros in a row, which a carrier never has and a loose contact does.

Lost samples turn the carrier of all microphones by one angle at once, 2 pi f0 n / fs for n of them (at 34 kHz and 96 kHz a multiple of
2 pi / 48, at least 0.13 rad); a mover turns them by less, and each by its own. Moving air turns them all together, hop after hop: what
is no more than it always does is no loss, and in such air a loss of few samples goes unseen.

A microphone that fails for half a second is given up, and one that falters again and again as well: each of its faults would cost all the
others a second.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
from numba import njit
from numpy.typing import NDArray

CLIPPED = 0.01  # of the samples of a hop
FULL_SCALE = 0.9999
BEYOND = 4.0  # no converter gives that: it is no sample
MUTE = 16  # zeros in a row, of real and imaginary parts alike
DEAD_DB = 25.0  # below what the microphone heard before, while others hear as before
BACK_DB = 30.0  # a dead one lives again less than this below the others
DEAD_HOPS, ALIVE_HOPS = 10, 40  # until a microphone is given up, and taken back
FALTERS = 2.0  # a loose contact: more faults than this that others do not have,
FALTER_KEPT = 0.99  # of which each counts for so much of it a hop later: for 5 s or so
JUMP_RAD, APART_RAD = 0.12, 0.06
UNUSUAL = 5.0  # times the root mean square of what it turns by otherwise
JUMP_MUSIC_RAD = 0.6  # a cone that travels 1 mm turns the carrier by 0.6 rad at its own rate
ONSET = 4  # hops in which a tone comes on
TURNS = 0.02  # per hop: over 2.5 s
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
        # Rows: what a microphone usually hears of the carrier, hops for which it has been weak, hops for which well, faults of late.
        self._watch = np.zeros((4, len(self.alive)))
        # Mean square of the angle between one hop and the next, all microphones together, and what they usually hear of the carrier.
        self._all = np.zeros(2)
        self.pause()

    def pause(self) -> None:
        """The tone comes on (again): its first hops are none to compare with."""
        self._before = np.zeros((2, len(self.alive)), np.complex128)
        self._onset = ONSET

    def judge(self, envelope: NDArray[np.complex64], usable: NDArray[np.bool_], playing: bool) -> Verdict:
        """envelope: (M, n) of a hop. usable: (M,), of `clean`. playing: whether the device plays something."""
        if self._onset > 0:
            self._onset -= 1
            return Verdict.SKIP
        return _VERDICTS[
            _judge(
                np.ascontiguousarray(envelope),
                usable,
                self.alive,
                self._watch,
                self._all,
                self._before,
                playing,
            )
        ]

    @property
    def level(self) -> NDArray[np.float64]:
        """What each microphone usually hears of the carrier, (M,), full scale 1."""
        return self._watch[0]

    @property
    def carrier(self) -> float:
        """Root mean square of that over those that live, as of the last hop that could be used."""
        return float(self._all[1])


_VERDICTS = (Verdict.USE, Verdict.SKIP, Verdict.REBUILD)


@njit(cache=True, error_model="numpy")
def _judge(envelope, usable, alive, watch, together, before, playing):
    """Index into _VERDICTS. alive (M,), watch (4, M), together (2,) and before (2, M), the means of the last two hops, change in place."""
    channels, count = envelope.shape
    mean = np.zeros(channels, np.complex128)
    level = np.zeros(channels)
    started, loudest = False, 0.0
    for m in range(channels):
        for n in range(count):
            mean[m] += envelope[m, n]
        mean[m] /= count
        level[m] = abs(mean[m])
        started = started or watch[0, m] > 0.0
        if alive[m]:
            loudest = max(loudest, level[m])
    if not started:
        watch[0] = level
    sound, gone = False, False
    for m in range(channels):
        if alive[m]:
            least = watch[0, m] * 10.0 ** (-DEAD_DB / 20.0)
        else:
            least = loudest * 10.0 ** (-BACK_DB / 20.0)
        if usable[m] and level[m] > least:
            watch[1, m] = 0.0
            watch[2, m] += 1.0
            sound = sound or alive[m]
        else:
            watch[1, m] += 1.0
            watch[2, m] = 0.0
            gone = gone or alive[m]
    if not sound:  # a gap, or no carrier at all: nothing of one microphone
        watch[1:3] = 0.0
        before[:] = 0.0
        return 1
    others = False
    for m in range(channels):
        watch[3, m] = FALTER_KEPT * watch[3, m] + (watch[1, m] == 1.0)
        given_up = watch[1, m] >= DEAD_HOPS or (watch[1, m] > 0.0 and watch[3, m] >= FALTERS)
        if alive[m] and given_up:
            alive[m], others = False, True
        elif not alive[m] and watch[2, m] >= ALIVE_HOPS and watch[3, m] < 1.0:
            alive[m], others = True, True
            watch[0, m] = level[m]
    if others:
        before[:] = 0.0
        together[1] = _rms(watch[0], alive)
        return 2
    if gone:
        before[:] = 0.0
        return 1
    # Over this hop, or over this and the one before: a jump within a hop shows half in each.
    limit = JUMP_MUSIC_RAD if playing else JUMP_RAD
    usual, now = UNUSUAL * math.sqrt(together[0]), -1.0
    for k in range(2):
        common, known = 0.0 + 0.0j, True
        for m in range(channels):
            if alive[m]:
                common += mean[m] * np.conj(before[k, m])
                known = known and before[k, m] != 0.0
        turned = abs(np.angle(common))
        if known and k == 0:
            now = turned
        if not known or turned <= max(limit, usual * math.sqrt(k + 1.0)):
            continue
        alike = True
        for m in range(channels):
            if alive[m]:
                own = abs(np.angle(mean[m] * np.conj(before[k, m]) * np.conj(common)))
                alike = alike and own < APART_RAD + 0.1 * turned
        if alike:
            before[:] = 0.0
            return 1
    if now >= 0.0 and not playing:  # a loss teaches nothing, nor does music
        together[0] += TURNS * (min(now, limit) ** 2 - together[0])
    before[1] = before[0]
    before[0] = mean
    for m in range(channels):
        if alive[m]:
            watch[0, m] += SLOW * (level[m] - watch[0, m])
    together[1] = _rms(watch[0], alive)
    return 0


@njit(cache=True, error_model="numpy")
def _rms(level, alive):
    total, number = 0.0, 0
    for m in range(len(level)):
        if alive[m]:
            total += level[m] ** 2
            number += 1
    return math.sqrt(total / number)


def clean(hop: NDArray, toned: bool = True) -> tuple[NDArray, NDArray[np.bool_]]:
    """hop: (M, n), float32 or complex64. toned: whether a tone is on; without one, zeros in a row may be silence. Returns it with zeros for
    what is no sample, and (M,) whether each can be used."""
    return _look(np.ascontiguousarray(hop), toned)


@njit(cache=True, error_model="numpy")
def _look(hop, toned):
    kept = np.empty_like(hop)
    samples, cleaned = hop.view(np.float32), kept.view(np.float32)
    channels, count = samples.shape
    mute = MUTE if toned else count + 1
    beyond, full_scale = np.float32(BEYOND), np.float32(FULL_SCALE)
    usable = np.ones(channels, np.bool_)
    for m in range(channels):
        missing, clipped, others, silent = 0, 0, 0, 0
        first = samples[m, 0]
        for n in range(count):
            x = samples[m, n]
            good = abs(x) <= beyond  # which nothing is that is no number
            missing += not good
            clipped += abs(x) >= full_scale
            others += x != first
            silent += x == 0.0
            cleaned[m, n] = x if good else np.float32(0.0)
        gap = False
        if silent >= mute:
            zeros = 0
            for n in range(count):
                zeros = zeros + 1 if samples[m, n] == 0.0 else 0
                gap = gap or zeros >= mute
        usable[m] = missing == 0 and clipped <= CLIPPED * count and others > 0 and not gap
    return kept, usable
