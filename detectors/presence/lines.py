"""Tones of others beside our own: found by their standing still in frequency and level, which nobody who moves does, and taken out.

    s[n] = s[n-1] exp(j w) + g y[n],   y[n] = x[n] - s[n-1] exp(j w),     g = 2 pi BAND_HZ / rate_hz

A line is one if it stands `line_db` above the median around it in two frames that follow one another, at the same frequency within
`still_hz` and the same level within `still_db` at one microphone at least. Its notch stays while it is found, and HOLD_S longer. There are
two looks: frames of 1 s for all of the envelope, and frames of 2 s for what beats with our own tone, as a device of the same kind
does whose clock differs by 200 ppm; somebody who creeps is there too, so a beat has to stand much stiller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numba import njit
from numpy.typing import NDArray

BAND_HZ = 1.0
MOST = 4
_AROUND = 20
HOLD_S = 3.0


@dataclass(frozen=True)
class Look:
    """lowest_hz, highest_hz: from our tone. hops: of a frame; they step by half of it. around_hz: what the median is taken over.
    between: a line must stand in the frame between the two as well."""

    lowest_hz: float
    highest_hz: float
    hops: int
    line_db: float
    still_hz: float
    still_db: float
    around_hz: float
    between: bool

    @property
    def step(self) -> int:
        """Hops from frame to frame."""
        return self.hops // 2


FAR = Look(
    lowest_hz=8.0,
    highest_hz=math.inf,
    hops=20,
    line_db=25.0,
    still_hz=1.0,
    still_db=1.5,
    around_hz=50.0,
    between=False,
)
# Of means over a hop. A slower beat is as slow as air, and the clutter filter takes it.
NEAR = Look(
    lowest_hz=0.8,
    highest_hz=8.0,
    hops=40,
    line_db=20.0,
    still_hz=0.1,
    still_db=1.0,
    around_hz=10.0,
    between=True,
)

Line = tuple[float, float]  # frequency in Hz, level in dB


class LineNotch:
    """For envelopes of `channels` microphones at rate_hz, hop by hop; cut otherwise it gives other bits."""

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._channels, self._rate_hz = channels, rate_hz
        self.reset()

    def reset(self) -> None:
        """Forgets all lines."""
        self._looks = [_Frames(FAR), _Frames(NEAR)]
        self._turn = np.zeros(0)
        self._held = np.zeros((self._channels, 0), np.complex128)
        self._notches: list[_Notch] = []

    @property
    def lines_hz(self) -> tuple[float, ...]:
        return tuple(float(turn) * self._rate_hz / (2.0 * np.pi) for turn in self._turn)

    def process(self, hop: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """hop: (M, n). Returns the same without the lines."""
        hop_s = hop.shape[1] / self._rate_hz
        far, near = self._looks
        self._take(far, hop, self._rate_hz, hop_s)
        self._take(near, _means(hop), 1.0 / hop_s, hop_s)
        if not len(self._turn):
            return hop
        return _notch(hop, self._turn, self._held, 2.0 * np.pi * BAND_HZ / self._rate_hz)

    def _take(self, frames: _Frames, part: NDArray[np.complex64], rate_hz: float, hop_s: float) -> None:
        """A part of a look's frame: notches for lines that stand still, and none any more for those that are gone."""
        looked = frames.push(part, rate_hz)
        if looked is None:
            return
        found, steady = looked
        look, apart_hz = frames.look, 2.0 * FAR.still_hz
        for notch, line in zip(self._notches, self.lines_hz, strict=True):
            if notch.look is look:
                here = any(abs(f - line) <= apart_hz for f, _ in found)
                notch.unseen_s = 0.0 if here else notch.unseen_s + look.step * hop_s
        keep = [index for index, notch in enumerate(self._notches) if notch.unseen_s <= HOLD_S]
        self._notches = [self._notches[index] for index in keep]
        self._turn, self._held = self._turn[keep], self._held[:, keep]
        for frequency, _ in sorted(steady, key=lambda line: -line[1]):
            known = self.lines_hz
            if len(known) < MOST and all(abs(frequency - line) > apart_hz for line in known):
                self._turn = np.append(self._turn, 2.0 * np.pi * frequency / self._rate_hz)
                self._held = np.append(self._held, np.zeros((self._channels, 1)), axis=1)
                self._notches.append(_Notch(look))


@dataclass
class _Notch:
    """look: what found it. unseen_s: how long it has not been found again."""

    look: Look
    unseen_s: float = 0.0


class _Frames:
    """One look: frames of what comes, the lines of each, and which of them stand still."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._parts: list[NDArray[np.complex64]] = []
        self._found: list[list[Line]] = []

    def push(self, part: NDArray[np.complex64], rate_hz: float) -> tuple[list[Line], list[Line]] | None:
        """part: (M, n) of a hop, at rate_hz. Returns, where a frame is full, its lines, and those that stood there a frame ago."""
        look = self.look
        self._parts.append(part)
        if len(self._parts) < look.hops:
            return None
        found = _lines(np.concatenate(self._parts, axis=1), look, rate_hz)
        del self._parts[: look.step]
        before, self._found = self._found, [*self._found, found][-2:]
        steady = []
        if len(before) == 2:  # the first of them ends where this frame starts
            compared = before if look.between else before[:1]
            steady = [line for line in found if all(self._stands(line, one) for one in compared)]
        return found, steady

    def _stands(self, line: Line, found: list[Line]) -> bool:
        look, (frequency, level) = self.look, line
        return any(abs(frequency - f) <= look.still_hz and abs(level - d) <= look.still_db for f, d in found)


def _lines(frame: NDArray[np.complex64], look: Look, rate_hz: float) -> list[Line]:
    """Those of a frame (M, n): its strongest microphone's."""
    count = frame.shape[1]
    power = _strongest(scipy.fft.fft(frame * _window(count), axis=1))
    around = round(look.around_hz * count / rate_hz)
    apart = max(1, around // 10)
    lowest = math.ceil(look.lowest_hz * count / rate_hz)
    lines = []
    for index in _peaks(power, _medians(power[::apart]), apart, 10.0 ** (look.line_db / 10.0), lowest):
        # A parabola through the logarithms: where between bins the line lies.
        a, b, c = 10.0 * np.log10(power[np.arange(index - 1, index + 2) % count] + 1e-300)
        shift = 0.5 * (a - c) / min(a - 2.0 * b + c, -1e-9)
        place = (index - count // 2 + shift) * rate_hz / count
        if abs(place) < look.highest_hz:
            lines.append((float(place), float(b - 0.25 * (a - c) * shift)))
    return lines


@lru_cache(maxsize=4)
def _window(count: int) -> NDArray[np.float32]:
    return scipy.signal.windows.blackmanharris(count, sym=False).astype(np.float32)


@njit(cache=True, error_model="numpy")
def _means(hop):
    """(M, 1) of a hop (M, n)."""
    means = np.zeros((len(hop), 1), np.complex64)
    for m in range(len(hop)):
        total = 0.0 + 0.0j
        for n in range(hop.shape[1]):
            total += hop[m, n]
        means[m, 0] = total / hop.shape[1]
    return means


@njit(cache=True, error_model="numpy")
def _strongest(spectra):
    """Power (n,) of the loudest microphone, spectra (M, n), from the lowest frequency to the highest; single."""
    channels, count = spectra.shape
    half = count // 2
    power = np.zeros(count, np.float32)
    for m in range(channels):
        for k in range(count):
            at = k - (count - half) if k >= count - half else k + half
            one = spectra[m, k]
            power[at] = max(power[at], one.real * one.real + one.imag * one.imag)
    return power


@njit(cache=True, error_model="numpy")
def _medians(power):
    """The upper median of the _AROUND values about each, which are mirrored beyond both ends: scipy.ndimage.percentile_filter(power, 50,
    _AROUND), at a quarter of its time."""
    count, half = len(power), _AROUND // 2
    mirrored = np.empty(count + _AROUND - 1, power.dtype)
    for n in range(len(mirrored)):
        k = (n - half) % (2 * count)
        mirrored[n] = power[min(k, 2 * count - 1 - k)]
    window = np.sort(mirrored[:_AROUND])
    medians = np.empty_like(power)
    for n in range(count - 1):
        medians[n] = window[half]
        goes, enters = mirrored[n], mirrored[n + _AROUND]
        k = 0
        while k < _AROUND - 1 and window[k] != goes:
            k += 1
        while k < _AROUND - 1 and window[k + 1] < enters:
            window[k] = window[k + 1]
            k += 1
        while k > 0 and window[k - 1] > enters:
            window[k] = window[k - 1]
            k -= 1
        window[k] = enters
    medians[count - 1] = window[half]
    return medians


@njit(cache=True, error_model="numpy")
def _peaks(power, floor, apart, above, lowest):
    """Indices of the peaks `above` times over the floor, a value of it every `apart`, and at least `lowest` off the middle."""
    count = len(power)
    found = np.empty(count, np.int64)
    number = 0
    for k in range(count):
        least = np.float32(above) * floor[k // apart]
        here = power[k]
        summit = here >= power[k - 1] and here > power[(k + 1) % count]
        if summit and here > least and abs(k - count // 2) >= lowest:
            found[number] = k
            number += 1
    return found[:number]


@njit(cache=True, error_model="numpy")
def _notch(hop, turn, held, gain):
    """held (M, L): each line as each microphone hears it; changes in place. One microphone waits for its lines while others pass theirs."""
    out = hop.copy()
    step = np.exp(1j * turn)
    for n in range(hop.shape[1]):
        for k in range(len(turn)):
            for m in range(hop.shape[0]):
                line = held[m, k] * step[k]
                rest = out[m, n] - line
                held[m, k] = line + gain * rest
                out[m, n] = rest
    return out
