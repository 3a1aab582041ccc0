"""What the device's own music does to its tone, taken out again.

Bass moves the cone that also carries the tone. The envelope of microphone m is, with x the cone's displacement and g the
limiter's gain,

    b_m(t) = g(t) A_m (1 + a x(t)) exp(j beta_m x(t)) + sum over echoes of h_mi g(t - tau_i) exp(j beta x(t - tau_i)) + motion

so that log b_m is linear in ln g and x as long as echoes are weaker than what comes straight, and motion adds to it. Two stages work
on y_m = log b_m above 8 Hz:

1. Regression, common regressors for all microphones, least squares that forget within FORGET_S:
   playback, twice integrated (a displacement), late by 0 to 28 ms; its square and cube, as springs and coils are not straight,
   through the same integrator; ln g as the carrier itself shows it; playback itself, late by 0 to 5 ms, with which a membrane
   mixes the tone.
2. Microphones against each other (two and more). What is left of x and g has one waveform and known directions among the 2M
   real components of y: that of x as regression found it, and equal amplitude everywhere. It is projected out as far as it
   stands above the other components. Motion has a phase of its own at each microphone, and loses 1 / 2M a direction at most.

b_m exp(-what was found) goes on. S. Haykin, Adaptive Filter Theory, has the least squares; bass and a tone from one cone are
G. L. Beers and H. Belar's, Proc. IRE 31(4), 1943.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
import scipy.signal
from numpy.typing import NDArray

from detectors.errors import DetectorError

Array = NDArray[np.float64]
FORGET_S, POWER_S = 2.0, 0.5
LOW_HZ = 8.0  # slower is room and air
CONE_HZ, CONE_Q = 80.0, 0.7  # integrator: whatever the cone's own are, its lags make up for it
GAIN_HZ = 200.0
DEAD_ZONE, GAIN_FALL_PER_S = 0.02, 0.02  # of ln g: below is noise; how fast the loudest is forgotten
PLAYBACK_LATE = 4  # samples: a converter delays what the microphones hear
LOADING = 1e-7  # of the regressors' power
SILENCE = 1e-12  # mean square of playback over a hop
SPREAD = 1.2  # of log b in a hop; above it no carrier is there to be seen
# Lags in samples of a 4 kHz envelope.
CONE_LAGS = tuple(range(0, 112, 3))
CURVED_LAGS = (0, 4, 8, 16, 28)
GAIN_LAGS = tuple(range(0, 40, 4))
HEARD_LAGS = tuple(range(20))


class DistortionRemover:
    """Removes what `playback` did to the envelopes of `channels` microphones, hop by hop.

    rate_hz: of the envelopes, 4000. playback_rate_hz: a multiple of it. Raises DetectorError for other rates.
    """

    def __init__(self, channels: int, rate_hz: int, playback_rate_hz: int) -> None:
        if rate_hz != 4_000:
            raise DetectorError(f"rate_hz = {rate_hz}: distortion is removed from an envelope of 4000 Hz")
        if playback_rate_hz % rate_hz:
            raise DetectorError(f"playback_rate_hz = {playback_rate_hz}: a multiple of {rate_hz} Hz")
        if channels < 1:
            raise DetectorError(f"channels = {channels}: at least 1")
        self.channels, self._rate_hz = channels, rate_hz
        self._step = playback_rate_hz // rate_hz
        self._playback = _Filter(_below(playback_rate_hz, rate_hz), [1.0], 1)
        w = 2.0 * math.pi * CONE_HZ
        cone = scipy.signal.bilinear([w * w], [1.0, w / CONE_Q, w * w], fs=rate_hz)
        self._late = np.zeros(PLAYBACK_LATE)
        self._cone, self._curved = _Filter(*cone, 1), _Filter(*cone, 2)
        high = scipy.signal.butter(1, LOW_HZ, "high", fs=rate_hz)
        self._high, self._high_base = _Filter(*high, 2 * channels), _Filter(*high, 5)
        self._gain = _Filter(*scipy.signal.butter(1, GAIN_HZ, fs=rate_hz), 1)
        self._loudest = -math.inf
        self._phase: Array | None = None
        lags = (CONE_LAGS, CURVED_LAGS, CURVED_LAGS, GAIN_LAGS, HEARD_LAGS)
        self._reach = max(max(each) for each in lags)
        self._bases = np.zeros((len(lags), self._reach))
        self._columns = [(base, lag) for base, each in enumerate(lags) for lag in each]
        count = len(self._columns)
        self._gram = np.zeros((count, count))
        self._cross = np.zeros((count, 2 * channels))
        self._weights = np.zeros((count, 2 * channels))
        self._moved = np.zeros((2 * channels, 2 * channels))
        self._left = np.zeros((2 * channels, 2 * channels))
        self._power = np.zeros(2)

    @property
    def removed_db(self) -> float:
        """By how much the power of log b above 8 Hz fell over the last second or so, motion included; 0 for no change."""
        before, after = self._power
        return 10.0 * math.log10(before / after) if before > 0.0 and after > 0.0 else 0.0

    def process(self, hop: NDArray[np.complex64], playback: NDArray[np.float32]) -> NDArray[np.complex64]:
        """hop: (M, n). playback: (n * playback_rate_hz / rate_hz,) or with a leading axis of 1. Returns (M, n)."""
        n = hop.shape[1]
        sent = np.asarray(playback, np.float64).reshape(-1)
        if hop.shape[0] != self.channels or len(sent) != n * self._step:
            raise DetectorError(
                f"hop and playback: ({self.channels}, n) and (n x {self._step},) needed, got {hop.shape} and {playback.shape}"
            )
        y, alive = self._log(hop)
        x = self._regressors(np.where(np.isfinite(sent), sent, 0.0), y, alive, n)
        y = self._high.run(y)
        alive &= y.reshape(2, self.channels, n).std(axis=2).max(axis=0) < SPREAD
        both = np.tile(alive, 2)
        playing = bool(np.any(np.mean(x**2, axis=0) > 0.0)) and alive.any()
        if not playing:
            return hop
        y = np.where(both[:, None], y, 0.0)
        self._learn(x, y, n)
        found = (x @ self._weights).T * both[:, None]
        found += self._alike(found, y - found, alive, n)
        keep = math.exp(-n / self._rate_hz)
        self._power = keep * self._power + (1.0 - keep) * np.array([np.mean(y**2), np.mean((y - found) ** 2)])
        return (hop * np.exp(-(found[: self.channels] + 1j * found[self.channels :]))).astype(np.complex64)

    def _log(self, hop: NDArray[np.complex64]) -> tuple[Array, NDArray[np.bool_]]:
        """ln |b| over arg b, (2M, n), the phase going on from the last hop; and which microphones hear a carrier."""
        modulus = np.abs(hop).astype(np.float64)
        alive = modulus.min(axis=1) > 1e-7
        phase = np.angle(hop).astype(np.float64)
        before = phase[:, :1] if self._phase is None else self._phase[:, None]
        steps = np.diff(phase, axis=1, prepend=before)
        steps -= 2.0 * math.pi * np.round(steps / (2.0 * math.pi))
        phase = before + np.cumsum(steps, axis=1)
        self._phase = phase[:, -1]
        return np.concatenate([np.log(np.maximum(modulus, 1e-9)), phase]), alive

    def _regressors(self, sent: Array, y: Array, alive: NDArray[np.bool_], n: int) -> Array:
        u = np.concatenate([self._late, self._playback.run(sent[None])[0, :: self._step]])
        self._late, u = u[n:], u[:n]
        level = y[: self.channels][alive].mean(axis=0) if alive.any() else np.zeros(n)
        level = self._gain.run(level[None])[0]
        self._loudest = max(float(level.max()), self._loudest - GAIN_FALL_PER_S * n / self._rate_hz)
        gain = np.minimum(0.0, level - self._loudest + DEAD_ZONE)
        u = u * np.exp(gain)
        cone = self._cone.run(u[None])[0]
        curved = self._curved.run(np.stack([cone**2, cone**3]))
        bases = self._high_base.run(np.stack([cone, curved[0], curved[1], gain, u]))
        if np.mean(u**2) < SILENCE and np.mean(cone**2) < SILENCE:
            bases[:] = 0.0
        whole = np.concatenate([self._bases, bases], axis=1)
        self._bases = whole[:, n:]
        return np.stack(
            [whole[base, self._reach - lag : self._reach - lag + n] for base, lag in self._columns], axis=1
        )

    def _learn(self, x: Array, y: Array, n: int) -> None:
        keep = math.exp(-n / (FORGET_S * self._rate_hz))
        self._gram = keep * self._gram + x.T @ x
        self._cross = keep * self._cross + x.T @ y.T
        scale = 1.0 / np.sqrt(np.maximum(np.diag(self._gram), 1e-30))
        gram = self._gram * scale * scale[:, None]
        gram[np.diag_indices_from(gram)] += LOADING
        try:
            factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            return
        self._weights = scale[:, None] * scipy.linalg.cho_solve(
            factor, scale[:, None] * self._cross, check_finite=False
        )

    def _alike(self, found: Array, left: Array, alive: NDArray[np.bool_], n: int) -> Array:
        """What of the rest is alike at all microphones as only cone and limiter can make it, (2M, n)."""
        keep = math.exp(-n / (POWER_S * self._rate_hz))
        self._moved = keep * self._moved + found @ found.T
        self._left = keep * self._left + left @ left.T
        live = int(alive.sum())
        if live < 2:
            return np.zeros_like(left)
        amplitude = np.concatenate([alive, np.zeros(self.channels)]) / math.sqrt(live)
        other = np.eye(2 * self.channels) - np.outer(amplitude, amplitude)
        direction = np.linalg.eigh(other @ self._moved @ other)[1][:, -1]
        pair = np.stack([direction, amplitude], axis=1)
        own = np.einsum("ik,ij,jk->k", pair, self._left, pair)
        rest = (np.trace(self._left) - own.sum()) / max(1, 2 * live - 2)
        share = np.clip(1.0 - 3.0 * rest / np.maximum(own, 1e-30), 0.0, 1.0)
        return (pair * share) @ (pair.T @ left)


class _Filter:
    """scipy's lfilter with its state, (rows, n) at a time."""

    def __init__(self, b, a, rows: int) -> None:
        self._b, self._a = np.asarray(b), np.asarray(a)
        self._rows, self._state = rows, None

    def run(self, x: Array) -> Array:
        if self._state is None:  # as if the first sample had always been
            self._state = scipy.signal.lfilter_zi(self._b, self._a) * x[:, :1]
        out, self._state = scipy.signal.lfilter(self._b, self._a, x, axis=1, zi=self._state)
        return out


def _below(rate_hz: int, to_hz: int) -> Array:
    """Low-pass before the playback's rate is lowered: flat to 0.375 of the new one, 50 dB down from 0.625 of it."""
    count, beta = scipy.signal.kaiserord(50.0, 0.25 * to_hz / (rate_hz / 2))
    return scipy.signal.firwin(count | 1, 0.5 * to_hz, window=("kaiser", beta), fs=rate_hz)
