"""What stands still is taken out: the direct path, the walls, furniture, and their slow drift with warming air.

    p[n] = m[n-1] + v[n-1],   e[n] = x[n] - p[n],   m[n] = p[n] + (1 - r^2) e[n],   v[n] = v[n-1] + (1 - r)^2 e[n]
    H(z) = E(z) / X(z) = (1 - z^-1)^2 / (1 - r z^-1)^2,                             r = exp(-2 pi f_p / rate_hz)

A critically damped tracker of value and rate (Benedict and Bordner, IRE Trans. AC 7(4), 1962): a constant and a line leave
no residue, so an echo that turns by 6 rad an hour is gone. |H|^2 = (f^2 / (f^2 + f_p^2))^2: -3 dB at 1.55 f_p, -0.4 dB at the
6 Hz of a slow intruder (30 mm/s). After a change of the tone itself the tracker starts anew with a wide band and narrows.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError

POLE_HZ = 1.3
START_POLE_HZ = 12.0  # divided by the hops since the tone changed, until it reaches POLE_HZ
JUMP = 0.25  # of the carrier, within one hop; no mover comes near that
SURE = 10.0  # standard errors of the mean of a hop


class ClutterFilter:
    """Removes the static field, per microphone. hop lengths may be any, but bits depend on how a stream is cut into them.

    channels: M. rate_hz: of the envelope. A hop in which the tone comes, goes or changes its level by more than 2 dB or so is
    answered with zeros. Raises DetectorError for a hop of another number of microphones.
    """

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._channels, self._rate_hz = channels, rate_hz
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next hop starts anew."""
        self._value = np.zeros(self._channels, np.complex128)
        self._slope = np.zeros(self._channels, np.complex128)
        self._age = np.full(self._channels, -1, np.int64)

    def process(self, hop: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """hop: (M, n), finite. Returns (M, n) complex64: what moves, and noise."""
        if hop.shape[0] != self._channels:
            raise DetectorError(f"clutter filter: {self._channels} microphones, got a hop of {hop.shape[0]}")
        return _track(
            np.ascontiguousarray(hop), self._value, self._slope, self._age, 2.0 * np.pi / self._rate_hz
        )


@njit(cache=True, error_model="numpy")
def _track(hop, value, slope, age, turn):
    channels, count = hop.shape
    moving = np.zeros((channels, count), np.complex64)
    tracked, gains = np.empty(channels, np.int64), np.empty((channels, 2))
    number = 0
    for m in range(channels):
        total, power = 0.0 + 0.0j, 0.0
        for n in range(count):
            x = np.complex128(hop[m, n])
            total += x
            power += x.real * x.real + x.imag * x.imag
        mean = total / count
        deviation = np.sqrt(max(power / count - abs(mean) ** 2, 0.0))
        gone = abs(mean - value[m])
        jumped = gone > JUMP * max(abs(mean), abs(value[m])) and gone > SURE * deviation / np.sqrt(count)
        # The tone changes at the start of a hop, so that its end is what to go on from.
        if age[m] < 0 or jumped:
            tail = min(count, 50)
            value[m], slope[m], age[m] = 0.0, 0.0, 0
            for n in range(count - tail, count):
                value[m] += hop[m, n] / tail
            continue
        age[m] += 1
        r = np.exp(-turn * max(POLE_HZ, START_POLE_HZ / age[m]))
        tracked[number], gains[number, 0], gains[number, 1] = m, 1.0 - r * r, (1.0 - r) ** 2
        number += 1
    # One microphone waits for its tracker while others pass theirs.
    for n in range(count):
        for k in range(number):
            m = tracked[k]
            predicted = value[m] + slope[m]
            error = hop[m, n] - predicted
            value[m] = predicted + gains[k, 0] * error
            slope[m] += gains[k, 1] * error
            moving[m, n] = error
    return moving
