"""By how much microphones and playback have come apart: who loses a block of one stream and not of the other is out of step from then on.

What the cone does to the tone follows what is played within milliseconds, and the room repeats it for a few tens more. With X the
spectrum of the displacement and Y_m that of a component of log b over a second, the response

    h_m(lag) = IFFT( X* Y_m / (|X|^2 + LOADING mean |X|^2) )

has its peak there. Three looks in a row, half a second after each other, that find one peak where no echo can be tell that the streams
are apart, if none of late has found them in step. A single one may be a drum that meets a step, or two beats of the music.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detectors.presence.front_end import RATE_HZ

Array = NDArray[np.float64]
STEP = 8  # samples of an envelope for one here: displacement ends far below 250 Hz
WINDOW_HOPS, EVERY_HOPS = 20, 10
REACH_S = 0.25  # the longest shift that is looked for, either way
USUAL_S = 0.002  # where the peak is of streams that are in step
AHEAD_S, BEHIND_S = -0.006, 0.040  # peaks between are as found in step: the limiter and echoes are later
OWN_S = 0.030  # around a peak
# How often as large as the largest that is not its own: of one look that finds them in step, and of each that does not.
SURE, CLEAR = 3.0, 2.0
LOOKS, OF_LATE, SAME_S = 3, 4, 0.006
LOADING = 0.1


class Peak(NamedTuple):
    """lag_s: of the microphones behind the playback. clear: times the largest elsewhere."""

    lag_s: float
    clear: float

    @property
    def in_step(self) -> bool:
        """Where it is as well where nothing was lost."""
        return AHEAD_S < self.lag_s < BEHIND_S


class Alignment:
    """Watches displacement and log envelopes hop by hop, both above 8 Hz and RATE_HZ."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """What comes next does not continue what came before."""
        self._hops: list[Array] = []
        self._found: deque[Peak] = deque(maxlen=OF_LATE)
        self._due, self._apart = WINDOW_HOPS, 0

    def push(self, displacement: Array, components: Array) -> None:
        """displacement: (n,). components: (C, n), zeros for what cannot be used. n: of a hop."""
        both = np.concatenate([displacement[None], components])
        self._hops.append(both.reshape(len(both), -1, STEP).mean(axis=2))
        self._due -= 1
        if self._due > 0:
            return
        self._due = EVERY_HOPS
        whole = np.concatenate(self._hops, axis=1)
        del self._hops[:EVERY_HOPS]
        self._found.append(peak(whole[0], whole[1:]))
        self._apart = shift(list(self._found))

    def told(self) -> int:
        """Samples of an envelope by which the microphones are ahead of the playback (below 0: behind), told once; 0 for none."""
        apart, self._apart = self._apart, 0
        return apart

    @property
    def certain_hops(self) -> int:
        """Only after so many of the hops that come next can it tell."""
        return self._due


def shift(found: Sequence[Peak]) -> int:
    """What the looks of late tell, the newest last: see `Alignment.told`."""
    lags = [one.lag_s for one in found[-LOOKS:] if one.clear >= CLEAR and not one.in_step]
    if len(lags) < LOOKS or max(lags) - min(lags) > SAME_S:
        return 0
    if any(one.clear >= SURE and one.in_step for one in found):
        return 0
    return round((USUAL_S - sorted(lags)[LOOKS // 2]) * RATE_HZ)


def peak(displacement: Array, components: Array) -> Peak:
    """displacement: (n,), components: (C, n), both at RATE_HZ / STEP. Where the components follow the displacement, within REACH_S."""
    rate_hz = RATE_HZ / STEP
    count, reach, own = len(displacement), round(REACH_S * rate_hz), round(OWN_S * rate_hz)
    size = scipy.fft.next_fast_len(count + reach, real=True)
    window = np.hanning(count)
    sent = scipy.fft.rfft(window * displacement, size)
    heard = scipy.fft.rfft(window * components, size)
    power = np.abs(sent) ** 2
    loading = LOADING * power.mean() + 1e-300
    response = scipy.fft.irfft(sent.conj() * heard / (power + loading), size)
    # Each component by its own power: a step that only some of them see is not to outweigh the rest.
    share = 1.0 / (np.square(window * components).sum(axis=1) + 1e-300)
    energy = share @ np.square(response)
    around = np.concatenate([energy[-reach:], energy[: reach + 1]])
    at = int(around.argmax())
    elsewhere = max(around[: max(at - own, 0)].max(initial=0.0), around[at + own + 1 :].max(initial=0.0))
    return Peak((at - reach) / rate_hz, around[at] / (elsewhere + 1e-300))
