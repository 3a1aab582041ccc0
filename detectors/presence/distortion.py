"""What the device's own music does to its tone, taken out again.

Bass moves the cone that also carries the tone. The envelope of microphone m is, with x the cone's displacement and g the
limiter's gain,

    b_m(t) = g(t) A_m (1 + a x(t)) exp(j beta_m x(t)) + sum over echoes of h_mi g(t - tau_i) exp(j beta x(t - tau_i)) + motion

so that log b_m is linear in ln g and x as long as echoes are weaker than what comes straight, and motion adds to it. Two stages
work on y_m = log b_m:

1. Regression on regressors common to all microphones, least squares that forget within FORGET_S: playback integrated twice (a
   displacement), late by 0 to 28 ms, as that is when echoes come; its square and cube through the same integrator, as springs and
   coils are not straight; ln g as the carrier itself shows it; playback as it is, with which a membrane mixes the tone.
2. Microphones against each other (two and more). What is left of x and g has one waveform and known directions among the 2M
   real components of y: that of x as regression found it, and equal amplitude everywhere. It is projected out as far as it
   stands above the other components. Motion has a phase of its own at each microphone, and loses 1 / 2M per direction at most.

What goes on is b_m exp(-what was found). Least squares as in S. Haykin, Adaptive Filter Theory; bass and a tone from one cone in
G. L. Beers and H. Belar, Proc. IRE 31(4), 1943. Multiplications per hop of 200 samples with N = 78 regressors and M microphones:
200 (N (N / 2 + 8 M) + 20 M^2 + 40 M) + N^3 / 6 + 2 M N^2, 1.3 million for M = 4, 27 million a second.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
import scipy.signal
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.presence.alignment import Alignment

Array = NDArray[np.float64]
FORGET_S, POWER_S = 2.0, 0.5
LEARN_HZ = 8.0  # regression looks above: slower is room and air
SLOW_HZ = 0.3  # what is taken out of the envelope goes down to here
CONE_HZ, CONE_Q = 80.0, 0.7  # integrator: whatever the cone's own are, its lags make up for it
GAIN_HZ = 200.0
DEAD_ZONE, GAIN_FALL_PER_S = (
    0.06,
    0.02,
)  # of ln g: below is motion and noise; how fast the loudest is forgotten
PLAYBACK_LATE = 4  # samples: a converter delays what the microphones hear
LOADING = 1e-7  # of the regressors' power
SILENCE = 1e-12  # mean square of playback over a hop
SPREAD = 1.2  # of log b in a hop; above it no carrier is there to be seen
MISSED = 0.2  # of what regression found, the most that it can have missed
DOUBT = 0.005  # of ln g, RMS
JUMP = 10.0  # a hop of more than this times the usual power counts no more than that: a level that is changed, a bump
RISE_HOPS = 2  # that a carrier takes to come up
LEARN_S = 0.5  # of playback, before anything is taken out; all of it after twice that
CARRIER = 1e-7  # of full scale, the least
# Lags in samples of a 4 kHz envelope: of displacement, its square, its cube, ln g, and playback.
CURVED = (0, 4, 8, 16, 28)
GAIN = 3
LAGS = (tuple(range(0, 112, 3)), CURVED, CURVED, tuple(range(0, 40, 4)), tuple(range(20)))


class DistortionRemover:
    """Removes what `playback` did to the envelopes of `channels` microphones, hop by hop.

    rate_hz: of the envelopes, 4000. playback_rate_hz: a multiple of it. Hops of one length give the same bits whatever came
    before in hops of that length. Raises DetectorError for other rates.
    """

    def __init__(self, channels: int, rate_hz: int, playback_rate_hz: int) -> None:
        if rate_hz != 4_000:
            raise DetectorError(f"rate_hz = {rate_hz}: distortion is removed from envelopes of 4000 Hz")
        if playback_rate_hz <= 0 or playback_rate_hz % rate_hz:
            raise DetectorError(f"playback_rate_hz = {playback_rate_hz}: a multiple of {rate_hz} Hz")
        if channels < 1:
            raise DetectorError(f"channels = {channels}: at least 1")
        self.channels, self._rate_hz, self._step = channels, rate_hz, playback_rate_hz // rate_hz
        self._taps = _below(playback_rate_hz, rate_hz)
        self._sent = np.zeros(len(self._taps) - 1 + PLAYBACK_LATE * self._step)
        w = 2.0 * math.pi * CONE_HZ
        self._cone = np.concatenate(scipy.signal.bilinear([w * w], [1.0, w / CONE_Q, w * w], fs=rate_hz))
        self._state, self._level = np.zeros((3, 2)), np.full(2, -np.inf)
        self._phase, self._steady = np.full(channels, np.nan), np.ones(channels, np.bool_)
        self._steady_hops = np.zeros(channels, int)
        self._means = [np.full(rows, np.nan) for rows in (2 * channels, 2 * channels, len(LAGS), len(LAGS))]
        self._reach = max(max(each) for each in LAGS)
        self._held = np.zeros((2, len(LAGS), self._reach))
        base = np.repeat(np.arange(len(LAGS)), [len(each) for each in LAGS])
        self._columns = np.stack([base, self._reach - np.concatenate(LAGS)], axis=1)
        count = len(base)
        # A limiter that hardly moves cannot be told from a person who does.
        self._doubt = np.where(base == GAIN, DOUBT**2 * FORGET_S * rate_hz, 0.0)
        self._gram = np.zeros((count, count), order="F")
        self._cross, self._weights = np.zeros((2, count, 2 * channels))
        self._found, self._left = np.zeros((2, 2 * channels, 2 * channels))
        self._acting = (np.zeros((2 * channels, count)), np.zeros_like(self._found))
        self._power, self._learnt_s = np.zeros(2), 0.0
        self.alignment = Alignment()

    @property
    def removed_db(self) -> float:
        """By how much the power of log b above 8 Hz fell over the last second, motion included; 0 for no change."""
        before, after = self._power
        return 10.0 * math.log10(before / after) if before > 0.0 and after > 0.0 else 0.0

    def process(self, hop: NDArray[np.complex64], playback: NDArray[np.float32]) -> NDArray[np.complex64]:
        """hop: (M, n). playback: (n * playback_rate_hz / rate_hz,), or with a leading axis of 1. Returns (M, n)."""
        n = hop.shape[1]
        sent = np.asarray(playback, np.float64).reshape(-1)
        if hop.shape[0] != self.channels or len(sent) != n * self._step:
            raise DetectorError(
                f"hop and playback: ({self.channels}, n) and (n x {self._step},), got {hop.shape} and {playback.shape}"
            )
        y, alive = _logarithm(np.ascontiguousarray(hop), self._phase)
        bases, playing = self._bases(sent, y, alive & self._steady)
        slow_mean, learn_mean, slow_bases, learn_bases = self._means
        y_slow = _above(y, SLOW_HZ / self._rate_hz, slow_mean)
        y = _above(y, LEARN_HZ / self._rate_hz, learn_mean)
        x_slow = self._regressors(0, _above(bases, SLOW_HZ / self._rate_hz, slow_bases))
        x = self._regressors(1, _above(bases, LEARN_HZ / self._rate_hz, learn_bases))
        self._steady = _spread(y) < SPREAD
        alive &= self._steady
        # A carrier that comes up starts anew: how it rose is no distortion.
        self._steady_hops = np.where(alive, self._steady_hops + 1, 0)
        alive = self._steady_hops > RISE_HOPS
        rising = self._steady_hops < RISE_HOPS
        if rising.any():
            for mean in (slow_mean, learn_mean):
                mean[np.tile(rising, 2)] = np.nan
        keep = math.exp(-n / self._rate_hz)
        if not (playing and alive.any()):
            self._power *= keep
            self.alignment.clear()
            return hop
        heard = np.concatenate([alive, alive])[:, None]
        if not alive.all():
            y, y_slow = y * heard, y_slow * heard
        self.alignment.push(x[0], y)
        self._learn(x, y)
        weights = (self._weights * heard.T).T
        found = weights @ x
        alike = self._alike(found, y - found, alive)
        found += alike @ (y - found)
        # What is taken out passes from the last hop's model to this one's without a step.
        self._learnt_s += n / self._rate_hz
        sure = min(1.0, max(0.0, self._learnt_s / LEARN_S - 1.0))
        was, self._acting = self._acting, (sure * weights, sure * alike)
        then, now = (_removal(x_slow, y_slow, *acting) for acting in (was, self._acting))
        self._power = keep * self._power + (1.0 - keep) * _mean_squares(y, found)
        return _without(hop, then, now)

    def _bases(self, sent: Array, y: Array, alive: NDArray[np.bool_]) -> tuple[Array, bool]:
        """Displacement, its square and cube through the integrator, ln g, playback: (5, n); and whether anything plays."""
        u, self._sent = _lowered(self._sent, sent, self._taps, self._step)
        level = _mean_level(y, alive, self._level[0])
        bases = _driven(u, level, self._cone, self._state, self._level, self._rate_hz)
        return bases, bool(_mean_square(u) > SILENCE or _mean_square(bases[0]) > SILENCE)

    def _regressors(self, which: int, bases: Array) -> Array:
        """(columns, n), each base at each of its lags."""
        return _lagged(self._held[which], bases, self._columns)

    def _learn(self, x: Array, y: Array) -> None:
        keep = math.exp(-x.shape[1] / (FORGET_S * self._rate_hz))
        usual, now = self._power[0], _mean_square(y.ravel())
        weight = min(1.0, JUMP * usual / now) if usual > 0.0 else 1.0
        # The lower half of what is symmetric, in place.
        self._gram = scipy.linalg.blas.dsyrk(
            weight, x.T, beta=keep, c=self._gram, trans=1, lower=1, overwrite_c=1
        )
        self._cross = keep * self._cross + weight * (x @ y.T)
        loaded, scale = _loaded(self._gram, self._doubt)
        factor, wanted = scipy.linalg.lapack.dpotrf(loaded, lower=1, overwrite_a=1)[0], scale * self._cross
        self._weights = scale * scipy.linalg.lapack.dpotrs(factor, wanted, lower=1)[0]

    def _alike(self, found: Array, left: Array, alive: NDArray[np.bool_]) -> Array:
        """(2M, 2M): takes from the rest what is alike at all microphones as only cone and limiter can make it."""
        keep = math.exp(-left.shape[1] / (POWER_S * self._rate_hz))
        return _alike(keep, self._found, found, self._left, left, alive)


def _removal(x: Array, y: Array, weights: Array, alike: Array) -> Array:
    found = weights @ x
    return found + alike @ (y - found)


def _below(rate_hz: int, to_hz: int) -> Array:
    """Low-pass before the playback's rate is lowered: flat to 0.375 of the new one, 50 dB down from 0.625 of it."""
    count, beta = scipy.signal.kaiserord(50.0, 0.25 * to_hz / (rate_hz / 2))
    return scipy.signal.firwin(count | 1, 0.5 * to_hz, window=("kaiser", beta), fs=rate_hz)


@njit(cache=True, error_model="numpy")
def _lowered(held, sent, taps, step):
    """Playback at the rate of envelopes, zeros for what is not finite, and what is held for the next hop."""
    whole = np.zeros(len(held) + len(sent))
    whole[: len(held)] = held
    for i in range(len(sent)):
        if math.isfinite(sent[i]):
            whole[len(held) + i] = sent[i]
    out = np.zeros(len(sent) // step)
    for i in range(len(out)):
        for k in range(len(taps)):
            out[i] += whole[i * step + k] * taps[k]
    return out, whole[len(sent) :].copy()


@njit(cache=True, error_model="numpy")
def _logarithm(hop, phase):
    """ln |b| over arg b, (2M, n), the phase (M,) going on from the last hop; and which microphones hear a carrier."""
    channels, n = hop.shape
    y, alive = np.empty((2 * channels, n)), np.ones(channels, np.bool_)
    turn = 2.0 * math.pi
    for m in range(channels):
        for i in range(n):
            re, im = float(hop[m, i].real), float(hop[m, i].imag)
            if not (math.isfinite(re) and math.isfinite(im)):
                re = im = 0.0
            modulus = math.sqrt(re * re + im * im)
            alive[m] &= modulus > CARRIER
            y[m, i] = math.log(max(modulus, CARRIER))
            angle = math.atan2(im, re)
            if not math.isnan(phase[m]):
                angle += turn * round((phase[m] - angle) / turn)
            y[channels + m, i] = phase[m] = angle
    return y, alive


@njit(cache=True, error_model="numpy")
def _mean_level(y, alive, otherwise):
    """ln |b| (n,), a mean over the microphones that live."""
    out = np.zeros(y.shape[1])
    number = 0
    for m in range(len(alive)):
        if alive[m]:
            number += 1
            for i in range(len(out)):
                out[i] += y[m, i]
    for i in range(len(out)):
        out[i] = out[i] / number if number else otherwise
    return out


@njit(cache=True, error_model="numpy")
def _mean_square(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    return total / len(x)


@njit(cache=True, error_model="numpy")
def _mean_squares(y, found):
    """Mean squares of y and of what is left of it."""
    before, after = 0.0, 0.0
    for row in range(len(y)):
        for i in range(y.shape[1]):
            before += y[row, i] ** 2
            after += (y[row, i] - found[row, i]) ** 2
    return np.array([before / y.size, after / y.size])


@njit(cache=True, error_model="numpy")
def _spread(y):
    """Standard deviation within a hop of level or phase, whichever is more, (M,)."""
    channels = len(y) // 2
    out = np.zeros(channels)
    for row in range(len(y)):
        mean, square = 0.0, 0.0
        for i in range(y.shape[1]):
            mean += y[row, i]
        mean /= y.shape[1]
        for i in range(y.shape[1]):
            square += (y[row, i] - mean) ** 2
        out[row % channels] = max(out[row % channels], math.sqrt(square / y.shape[1]))
    return out


@njit(cache=True, error_model="numpy")
def _loaded(gram, doubt):
    """The gram matrix, its lower half, loaded and scaled to unit diagonal, (N, N) by columns; and the scale, (N, 1)."""
    count = len(gram)
    out, scale = np.zeros((count, count)), np.empty((count, 1))
    for j in range(count):
        scale[j, 0] = 1.0 / math.sqrt(max(gram[j, j] + doubt[j], 1e-30))
    for j in range(count):
        out[j, j] = (gram[j, j] + doubt[j]) * scale[j, 0] ** 2 + LOADING
        for i in range(j + 1, count):
            out[j, i] = gram[i, j] * scale[i, 0] * scale[j, 0]
    return out.T, scale


@njit(cache=True, error_model="numpy")
def _alike(keep, found_power, found, left_power, left, alive):
    """See `DistortionRemover._alike`. Both powers (2M, 2M) change in place."""
    rows, channels = len(found_power), len(alive)
    now = found @ found.T
    rest_now = left @ left.T
    live = 0
    for m in range(channels):
        live += alive[m]
    for i in range(rows):
        for j in range(rows):
            found_power[i, j] = keep * found_power[i, j] + now[i, j]
            left_power[i, j] = keep * left_power[i, j] + rest_now[i, j]
    if live < 2:
        return np.zeros((rows, rows))
    pair = np.zeros((2, rows))
    other = np.eye(rows)
    for i in range(channels):
        pair[1, i] = alive[i] / math.sqrt(live)
        for j in range(channels):
            other[i, j] -= alive[i] * alive[j] / live
    pair[0] = np.linalg.eigh(other @ found_power @ other)[1][:, -1]
    out = np.zeros((rows, rows))
    own, modelled = np.zeros(2), np.zeros(2)
    trace = 0.0
    for i in range(rows):
        trace += left_power[i, i]
        for j in range(rows):
            for one in range(2):
                own[one] += pair[one, i] * left_power[i, j] * pair[one, j]
                modelled[one] += pair[one, i] * found_power[i, j] * pair[one, j]
    rest = (trace - own[0] - own[1]) / (2 * live - 2)
    for one in range(2):
        power = max(own[one], 1e-30)
        # What regression missed is a small part of what it found; more than that is something else, as a person is.
        share = min(max(1.0 - 3.0 * rest / power, 0.0), 1.0) * min(1.0, MISSED * modelled[one] / power)
        for i in range(rows):
            for j in range(rows):
                out[i, j] += share * pair[one, i] * pair[one, j]
    return out


@njit(cache=True, error_model="numpy")
def _without(hop, then, now):
    """hop exp(-what was found), which goes over from `then` to `now`."""
    channels, n = hop.shape
    out = np.empty_like(hop)
    for m in range(channels):
        for i in range(n):
            part = (i + 1.0) / n
            gain = math.exp(-(then[m, i] + part * (now[m, i] - then[m, i])))
            angle = then[channels + m, i] + part * (now[channels + m, i] - then[channels + m, i])
            out[m, i] = hop[m, i] * complex(gain * math.cos(angle), -gain * math.sin(angle))
    return out


@njit(cache=True, error_model="numpy")
def _above(x, edge, mean):
    """x less its running mean of corner `edge`, a share of the rate: (rows, n). mean: (rows,), NaN before the first sample."""
    out = np.empty_like(x)
    share = 1.0 - math.exp(-2.0 * math.pi * edge)
    for row in range(len(x)):
        m = mean[row]
        if math.isnan(m):
            m = x[row, 0]
        for i in range(x.shape[1]):
            m += share * (x[row, i] - m)
            out[row, i] = x[row, i] - m
        mean[row] = m
    return out


@njit(cache=True, error_model="numpy")
def _driven(u, level, cone, state, held, rate_hz):
    """See `_bases`. cone: b0 b1 b2 1 a1 a2. state: (3, 2), of cone, square, cube. held: smoothed level and the loudest."""
    out = np.empty((5, len(u)))
    smooth, fall = 1.0 - math.exp(-2.0 * math.pi * GAIN_HZ / rate_hz), GAIN_FALL_PER_S / rate_hz
    for i in range(len(u)):
        held[0] = level[i] if held[0] == -np.inf else held[0] + smooth * (level[i] - held[0])
        held[1] = max(held[0], held[1] - fall)
        gain = min(0.0, held[0] - held[1] + DEAD_ZONE)
        driven = u[i] * math.exp(gain)
        for row in range(3):
            x = driven if row == 0 else out[0, i] ** (row + 1)
            v = cone[0] * x + state[row, 0]
            state[row, 0] = cone[1] * x - cone[4] * v + state[row, 1]
            state[row, 1] = cone[2] * x - cone[5] * v
            out[row, i] = v
        out[3, i], out[4, i] = gain, driven
    return out


@njit(cache=True, error_model="numpy")
def _lagged(held, bases, columns):
    """Each base (B, n) at each of its lags, (columns, n); held (B, reach): what came before, changes in place."""
    reach, n = held.shape[1], bases.shape[1]
    whole = np.empty((len(bases), reach + n))
    whole[:, :reach] = held
    whole[:, reach:] = bases
    held[:] = whole[:, n:]
    out = np.empty((len(columns), n))
    for row in range(len(columns)):
        base, start = columns[row]
        out[row] = whole[base, start : start + n]
    return out
