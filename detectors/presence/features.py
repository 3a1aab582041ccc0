"""The Doppler map: what the network sees of a hop of 50 ms.

CHANNELS rows of BANDS values. Rows 0 to 3 are over Doppler frequency, from -1500 to 1500 Hz, bands finer towards 0; row 4 is
over the rate at which the echo flickers, from 1 to 200 Hz.

    0  loudness     10 lg(mean over microphones of P / N) / 10: above each microphone's own noise
    1  novelty      (10 lg P - its slow median) / 10: a fan that runs for long becomes the background
    2  coherence    mean over neighbours of |R_ij|^2 / (R_ii R_jj), R smoothed over 0.2 s: 1 for one echo, small for noise
    3  steadiness   Re sum g_ij conj(q_ij) / sum |g_ij q_ij|, g = R_ij / sqrt(R_ii R_jj), q smoothed over 2 s: 1 while the bearing stays
    4  flicker      10 lg(modulation power / its mean) / 10: lines at the passing of blades, slow for a gait

N is tracked at 1250 to 1480 Hz, beyond people, so a gain before it all changes nothing; rows 2 and 3 need two microphones and are 0
with one. Signs of Doppler are kept: positive is nearing. Frames: 128 ms above 64 Hz, 500 ms below, 1 s for flicker.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.presence.front_end import HOP_S, RATE_HZ

VERSION = "doppler-map/1"
HOP = round(HOP_S * RATE_HZ)
LOW_EDGES_HZ = (2.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0, 48.0, 64.0)
HIGH_EDGES_HZ = (64.0, 90.0, 125.0, 175.0, 250.0, 350.0, 500.0, 700.0, 950.0, 1250.0, 1500.0)
NOISE_HZ = (1250.0, 1480.0)
SIDE = len(LOW_EDGES_HZ) + len(HIGH_EDGES_HZ) - 2
CHANNELS, BANDS = 5, 2 * SIDE

_FRAME, _STEP, _SLOW_FRAME, _FLICKER_FRAME = 512, 10, 200, 400
_FLICKER_EDGES_HZ = np.round(np.concatenate([np.arange(1, 17), np.geomspace(17, 200, BANDS - 15)])).astype(
    int
)
_TINY = 1e-30
_FLICKER_FROM_HZ = 60.0  # Doppler whose flicker is looked at
_QUICK, _SLOW = 0.25, 0.025  # per hop: 0.2 s and 2 s
# Medians of levels in dB step by so much per hop: quick at first, then 1 dB/s for the background, 0.5 dB/s for noise.
_BACKGROUND_DB, _NOISE_DB = 0.05, 0.025
_FILLED, _MEAN_HOPS = 40, 20
_QUICKER, _FALLING = 40.0, 120.0  # steps are longer by 1 + this / hops heard
# Hiss: from 175 Hz of shift on, so many bands off the middle; loudness and its spread in tens of dB.
_HISS_FROM = len(LOW_EDGES_HZ) - 1 + HIGH_EDGES_HZ.index(175.0)
_HISS, _HISS_SPREAD = 0.4, 0.8


class Spectra(NamedTuple):
    """Of K hops: fast (K, M, 512) and slow (K, M, 200), of the two frames, flicker (K, 201), and silent (K,), whether every microphone is."""

    fast: NDArray[np.complex64]
    slow: NDArray[np.complex64]
    flicker: NDArray[np.complex128]
    silent: NDArray[np.bool_]


class DopplerMap:
    """Hop after hop of what moves, as the clutter filter leaves it, to maps of (CHANNELS, BANDS) float32.

    channels: M, 1 or more. rate_hz: 4000. Silent and dead microphones are left out. Raises DetectorError for another rate.
    """

    def __init__(self, channels: int, rate_hz: int = RATE_HZ) -> None:
        if rate_hz != RATE_HZ:
            raise DetectorError(f"Doppler map: rate_hz = {rate_hz}: {RATE_HZ}")
        if channels < 1:
            raise DetectorError(f"Doppler map: channels = {channels}: at least 1")
        self._channels = channels
        self._window = scipy.signal.windows.blackmanharris(_FRAME, sym=False).astype(np.float32)
        self._slow_window = scipy.signal.windows.blackman(_SLOW_FRAME, sym=False).astype(np.float32)
        self._flicker_window = scipy.signal.windows.hann(_FLICKER_FRAME, sym=False)
        self._lowpass = scipy.signal.firwin(80, 200.0, window=("kaiser", 8.0), fs=RATE_HZ).astype(np.float32)
        low, high = RATE_HZ / _STEP / _SLOW_FRAME, RATE_HZ / _FRAME
        self._low = np.ceil(np.array(LOW_EDGES_HZ) / low - 1e-9).astype(np.int64)
        self._high = np.ceil(np.array(HIGH_EDGES_HZ) / high).astype(np.int64)
        self._noise_bins = np.ceil(np.array(NOISE_HZ) / high).astype(np.int64)
        # Densities per Hz, so that both frames read alike.
        self._density = 1.0 / (RATE_HZ * np.sum(self._window.astype(np.float64) ** 2))
        self._slow_density = _STEP / (RATE_HZ * np.sum(self._slow_window.astype(np.float64) ** 2))
        pairs = [(i, i + 1) for i in range(channels - 1)] + ([(channels - 1, 0)] if channels > 2 else [])
        self._pairs = np.array(pairs, np.int64).reshape(-1, 2)
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        m = self._channels
        self._fast = np.zeros((m, _FRAME), np.complex64)
        self._held = np.zeros((m, len(self._lowpass) - _STEP), np.complex64)
        self._decimated = np.zeros((m, _SLOW_FRAME), np.complex64)
        self._high_passed = np.zeros((m, 2), np.complex128)
        self._envelope = np.zeros(_FLICKER_FRAME)
        self._noise_db = np.zeros(m)
        self._background_db = np.zeros(BANDS)
        self._quick = np.zeros((BANDS, m + len(self._pairs)), np.complex128)
        self._steady = np.zeros((BANDS, len(self._pairs)), np.complex128)
        self._taught = self._noise_db, self._background_db
        self._heard = 0

    def push(self, hop: NDArray[np.complex64]) -> NDArray[np.float32]:
        """hop: (M, 200). Returns (CHANNELS, BANDS) float32, all finite."""
        return self.features(self.spectra(np.asarray(hop)[None]), 0)[0][0]

    def spectra(self, hops: NDArray[np.complex64]) -> Spectra:
        """hops: (K, M, 200), those that come next. How many are taken at once changes no bit; `features` is to be asked for each in turn."""
        if hops.shape[1:] != (self._channels, HOP):
            raise DetectorError(f"Doppler map: hops of ({self._channels}, {HOP}), got {hops.shape[1:]}")
        fast, slow, flicker, silent = _frames(
            np.ascontiguousarray(hops, np.complex64),
            self._fast,
            self._held,
            self._decimated,
            self._high_passed,
            self._envelope,
            self._lowpass,
            self._window,
            self._slow_window,
            self._flicker_window,
        )
        fast, slow = scipy.fft.fft(fast, overwrite_x=True), scipy.fft.fft(slow, overwrite_x=True)
        return Spectra(fast, slow, scipy.fft.rfft(flicker), silent)

    def features(self, spectra: Spectra, first: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Maps, (k, CHANNELS, BANDS) float32, all finite, of the hops of `spectra` from `first` on, up to the first that hisses, and (k,),
        whether each does: it is as much louder than noise at all shifts of both signs, while an echo falls off."""
        self._taught = np.empty_like(self._noise_db), np.empty_like(self._background_db)
        maps, self._heard, hissing = _maps(
            first,
            spectra.fast,
            spectra.slow,
            spectra.flicker,
            spectra.silent,
            self._low,
            self._high,
            self._noise_bins,
            _FLICKER_EDGES_HZ,
            self._density,
            self._slow_density,
            self._pairs,
            self._noise_db,
            self._background_db,
            *self._taught,
            self._quick,
            self._steady,
            self._heard,
        )
        return maps, hissing

    def unlearn(self) -> None:
        """The last hop of those that were read last is to teach nothing of what noise and background are."""
        self._noise_db, self._background_db = self._taught


@njit(cache=True, error_model="numpy")
def _hisses(features):
    least, most = np.inf, -np.inf
    for b in range(BANDS):
        if b < SIDE - _HISS_FROM or b >= SIDE + _HISS_FROM:
            least, most = min(least, features[0, b]), max(most, features[0, b])
    return least >= _HISS and most - least <= _HISS_SPREAD


@njit(cache=True, error_model="numpy")
def _frames(
    hops, fast, held, decimated, high_passed, envelope, taps, window, slow_window, flicker_window,
):  # fmt: skip
    """Moves all frames on hop by hop. Returns for each what the three transforms are of, and whether every microphone is silent."""
    count = len(hops)
    windowed = np.empty((count, *fast.shape), np.complex64)
    slow_windowed = np.empty((count, *decimated.shape), np.complex64)
    levels = np.empty((count, len(envelope)))
    silent = np.empty(count, np.bool_)
    for k in range(count):
        silent[k] = _advance(hops[k], fast, held, decimated, high_passed, envelope, taps)
        _windows(
            fast,
            window,
            windowed[k],
            decimated,
            slow_window,
            slow_windowed[k],
            envelope,
            flicker_window,
            levels[k],
        )
    return windowed, slow_windowed, levels, silent


@njit(cache=True, error_model="numpy")
def _advance(hop, fast, held, decimated, high_passed, envelope, taps):
    """Moves all frames on by a hop; answers whether every microphone is silent."""
    channels, count = hop.shape
    outputs = count // _STEP
    keep = fast.shape[1] - count
    envelope[:-outputs] = envelope[outputs:].copy()
    envelope[-outputs:] = 0.0
    silent = True
    corner = 1.0 - np.exp(-2.0 * np.pi * _FLICKER_FROM_HZ / RATE_HZ)
    width = held.shape[1]
    joined = np.empty(width + count, np.complex64)
    for m in range(channels):
        fast[m, :keep] = fast[m, count:].copy()
        fast[m, keep:] = hop[m]
        joined[:width] = held[m]
        joined[width:] = hop[m]
        held[m] = joined[count:]
        decimated[m, :-outputs] = decimated[m, outputs:].copy()
        at = decimated.shape[1] - outputs
        for k in range(outputs):
            real, imag = np.float32(0.0), np.float32(0.0)
            for i in range(len(taps)):
                sample = joined[_STEP * k + i]
                real += taps[i] * sample.real
                imag += taps[i] * sample.imag
            decimated[m, at + k] = complex(real, imag)
        first, second = high_passed[m, 0], high_passed[m, 1]
        for n in range(count):
            x = np.complex128(hop[m, n])
            if x != 0.0:
                silent = False
            first += corner * (x - first)
            x -= first
            second += corner * (x - second)
            x -= second
            envelope[len(envelope) - outputs + n // _STEP] += x.real * x.real + x.imag * x.imag
        high_passed[m, 0], high_passed[m, 1] = first, second
    return silent


@njit(cache=True, error_model="numpy")
def _windows(fast, window, windowed, slow, slow_window, slow_windowed, envelope, flicker_window, levels):
    """What the three transforms are of. Levels of the envelope have a floor, so that a moment of silence is a dip and not a chasm."""
    for m in range(len(fast)):
        for n in range(fast.shape[1]):
            windowed[m, n] = fast[m, n] * window[n]
        for n in range(slow.shape[1]):
            slow_windowed[m, n] = slow[m, n] * slow_window[n]
    floor, mean = 0.05 * envelope.mean() + _TINY, 0.0
    for n in range(len(envelope)):
        levels[n] = np.log(envelope[n] + floor)
        mean += levels[n] / len(envelope)
    for n in range(len(envelope)):
        levels[n] = (levels[n] - mean) * flicker_window[n]


@njit(cache=True, error_model="numpy")
def _stepped(level, held, step, heard, falling):
    """A median tracked in steps. It starts as the level itself while filters and frames fill, then as its mean over _MEAN_HOPS; at first its
    steps are longer, downwards by `falling`: what an adapting filter leaves behind is not there to stay."""
    if heard <= _FILLED:
        return level
    if heard <= _FILLED + _MEAN_HOPS:
        return held + (level - held) / (heard - _FILLED)
    apart = level - held
    step *= 1.0 + (falling if apart < 0.0 else _QUICKER) / heard
    return held + min(max(apart, -step), step)


@njit(cache=True, error_model="numpy")
def _db(power):
    return 10.0 * np.log10(power + _TINY)


@njit(cache=True, error_model="numpy")
def _maps(
    first, fast, slow, flicker, silent, low, high, noise_bins, flicker_edges, density, slow_density, pairs, noise_db,
    background_db, noise_before, background_before, quick, steady, heard,
):  # fmt: skip
    """Maps up to the first that hisses, hops heard, and whether each hisses; leaves what was known before the last of them."""
    maps = np.empty((len(fast) - first, 5, len(background_db)), np.float32)
    hissing = np.zeros(len(maps), np.bool_)
    for count in range(len(maps)):
        k = first + count
        noise_before[:], background_before[:] = noise_db, background_db
        heard += not silent[k]
        maps[count] = _bands(
            fast[k], slow[k], flicker[k], low, high, noise_bins, flicker_edges, density, slow_density, pairs, noise_db,
            background_db, quick, steady, 0 if silent[k] else heard,
        )  # fmt: skip
        hissing[count] = _hisses(maps[count])
        if hissing[count]:
            break
    return maps[: count + 1], heard, hissing[: count + 1]


@njit(cache=True, error_model="numpy")
def _bands(
    fast, slow, flicker, low, high, noise_bins, flicker_edges, density, slow_density, pairs, noise_db,
    background_db, quick, steady, heard,
):  # fmt: skip
    channels, bands = fast.shape[0], len(background_db)
    side = bands // 2
    lows = len(low) - 1
    features = np.zeros((5, bands), np.float32)
    noise = np.zeros(channels)
    for m in range(channels):
        total, bins = 0.0, 0
        for sign in range(2):
            for k in range(noise_bins[0], noise_bins[1]):
                one = fast[m, k] if sign else fast[m, fast.shape[1] - k]
                power = one.real * one.real + one.imag * one.imag
                total += np.log(power + 1e-37)
                bins += 1
        # The mean of the logarithm of an exponential variate is 0.577 below the logarithm of its mean.
        level = 10.0 * np.log10(np.e) * (total / bins + 0.5772) + _db(density)
        if heard > 0:
            noise_db[m] = _stepped(level, noise_db[m], _NOISE_DB, heard, _QUICKER)
        noise[m] = 10.0 ** (noise_db[m] / 10.0)
    auto = np.zeros(channels)
    cross = np.zeros(len(pairs), np.complex128)
    for b in range(bands):
        positive = b >= side
        index = b - side if positive else side - 1 - b
        spectra, scale = (slow, slow_density) if index < lows else (fast, density)
        begin = low[index] if index < lows else high[index - lows]
        end = low[index + 1] if index < lows else high[index - lows + 1]
        size = spectra.shape[1]
        auto[:] = 0.0
        cross[:] = 0.0
        for k in range(begin, end):
            at = k if positive else size - k
            for m in range(channels):
                auto[m] += spectra[m, at].real ** 2 + spectra[m, at].imag ** 2
            for p in range(len(pairs)):
                cross[p] += np.complex128(spectra[pairs[p, 0], at]) * np.conj(spectra[pairs[p, 1], at])
        share = scale / (end - begin)
        loud, alive = 0.0, 0
        for m in range(channels):
            power = auto[m] * share
            quick[b, m] += _QUICK * (power - quick[b, m])
            if noise[m] > 1e-25:
                loud += power / noise[m]
                alive += 1
        loudness = _db(loud / max(alive, 1) + 1e-3)
        if heard > 0:
            background_db[b] = _stepped(loudness, background_db[b], _BACKGROUND_DB, heard, _FALLING)
        features[0, b] = min(max(loudness / 10.0, -1.0), 8.0)
        features[1, b] = min(max((loudness - background_db[b]) / 10.0, -2.0), 5.0)
        coherence, valid, along, lengths = 0.0, 0, 0.0, 0.0
        for p in range(len(pairs)):
            now = quick[b, channels + p] + _QUICK * (cross[p] * share - quick[b, channels + p])
            quick[b, channels + p] = now
            both = quick[b, pairs[p, 0]].real * quick[b, pairs[p, 1]].real
            if both > 1e-50:
                now /= np.sqrt(both)
                was = steady[b, p]
                coherence += now.real**2 + now.imag**2
                along += now.real * was.real + now.imag * was.imag
                lengths += abs(now) * abs(was)
                steady[b, p] = was + _SLOW * (now - was)
                valid += 1
        features[2, b] = min(coherence / max(valid, 1), 1.0)
        features[3, b] = along / (lengths + _TINY)
    total = 0.0
    for k in range(1, flicker_edges[-1]):
        total += flicker[k].real ** 2 + flicker[k].imag ** 2
    mean = total / (flicker_edges[-1] - 1) + 1e-30
    for b in range(bands):
        part = 0.0
        for k in range(flicker_edges[b], flicker_edges[b + 1]):
            part += flicker[k].real ** 2 + flicker[k].imag ** 2
        part /= flicker_edges[b + 1] - flicker_edges[b]
        features[4, b] = min(max(np.log10(part / mean + 1e-3), -2.0), 2.5)
    return features
