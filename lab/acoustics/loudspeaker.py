"""What a loudspeaker does to the music it plays, and to a tone that leaves the same cone.

Lumped model, x displacement, v velocity, i current, u voltage (W. Klippel, J. Audio Eng. Soc. 54, 907, 2006):

    Bl(x) i - Rms v - K(x) x + i^2 Le'(x) / 2 = Mms dv/dt,      u = Re i + d(Le(x) i)/dt + Bl(x) v

    Bl(x) = Bl / (1 + (1/0.82 - 1) q^2),  K(x) = K (1 + (1/0.75 - 1) q^2),  Le(x) = Le (1 - 0.1 q sqrt(2 / (1 + q^2))),  q = x / xmax

before it an equaliser of the bass, a limiter and an amplifier that clips. The cone is a small source in free field,
p = rho Sd (dv/dt) / (4 pi r). A tone of wavenumber k from the same cone becomes

    A (1 + m x(t)) exp(j kappa k x(t) cos(theta)),  theta from the axis to where it leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.device import DriverSpec
from lab.errors import BadInput

Array = NDArray[np.float64]
AIR_KG_M3 = 1.2
RATES_HZ = (16_000, 48_000, 96_000, 192_000)
# Limiter: gain falls and recovers with these time constants.
ATTACK_S, RELEASE_S = 0.002, 0.25


@dataclass(frozen=True, eq=False)
class Played:
    """What a block of music becomes, each (n,): cone displacement in m, out of the enclosure positive; pressure in Pa at 1 m
    on the axis in free field; gain of the limiter, 0 to 1, which multiplies the tone where `limiter_on_tone`, else 1."""

    displacement_m: Array
    pressure_pa: Array
    limiter_gain: Array


class Loudspeaker:
    """A cone from block to block; the cut into blocks changes no bit.

    spec: of the driver. rate_hz: of the samples, one of RATES_HZ, at which the model is solved too: at 16 kHz the
    displacement is within -65 dB of a solution at 384 kHz. rng: draws this unit's deviations from the spec: Bl, Mms, stiffness,
    and the coil's offset at rest (2 % of xmax for a tolerance of 0.05).
    """

    def __init__(self, spec: DriverSpec, rate_hz: int, rng: np.random.Generator) -> None:
        if rate_hz not in RATES_HZ:
            known = ", ".join(map(str, RATES_HZ))
            raise BadInput(f"rate_hz = {rate_hz}: a loudspeaker takes {known} samples per second")
        self.spec, self.rate_hz = spec, rate_hz
        drawn = 1.0 + spec.tolerance * np.clip(rng.standard_normal(3), -3.0, 3.0)
        self.offset_m = 0.4 * spec.tolerance * spec.xmax_m * float(np.clip(rng.standard_normal(), -3.0, 3.0))
        stiffness = spec.mms_kg * (2.0 * math.pi * spec.fs_hz) ** 2
        self.bl_tm, self.mms_kg = spec.bl_tm * drawn[0], spec.mms_kg * drawn[1]
        self.stiffness_n_m = stiffness * drawn[2]
        self.rms_kg_s = math.sqrt(stiffness * spec.mms_kg) / spec.qms
        # What the device was tuned for is the spec, not this unit.
        self.pa_per_v = AIR_KG_M3 * spec.sd_m2 * spec.bl_tm / (4.0 * math.pi * spec.re_ohm * spec.mms_kg)
        self._equaliser, self._predictor = _equaliser(spec, rate_hz), _predictor(spec, rate_hz)
        self._driver = np.array(
            [
                self.bl_tm,
                self.mms_kg,
                self.rms_kg_s,
                self.stiffness_n_m,
                spec.re_ohm,
                spec.le_h,
                spec.xmax_m,
                spec.stop_m,
                self.offset_m,
            ]
        )
        ends = (0.9 * spec.xmax_m, 0.9 * spec.supply_v) if spec.limiter else (math.inf, math.inf)
        decay = (math.exp(-1.0 / (ATTACK_S * rate_hz)), math.exp(-1.0 / (RELEASE_S * rate_hz)))
        self._amplifier = np.array([1.0 / self.pa_per_v, spec.supply_v, *ends, *decay])
        self._state = np.zeros(12)
        self._state[4] = 1.0

    def play(self, samples: NDArray) -> Played:
        """The next block. samples: (n,), the pressure wanted at 1 m in Pa: RMS 20e-6 x 10^(level / 20) for a level in dB SPL."""
        wanted = np.ascontiguousarray(samples, dtype=np.float64)
        if wanted.ndim != 1:
            raise ValueError(f"samples: (n,) needed, got {wanted.shape}")
        x, acceleration, gain = (np.empty(len(wanted)) for _ in range(3))
        _play(
            wanted,
            self._equaliser,
            self._predictor,
            self._amplifier,
            self._driver,
            1.0 / self.rate_hz,
            self._state,
            x,
            acceleration,
            gain,
        )
        if not self.spec.limiter_on_tone:
            gain = np.ones_like(gain)
        return Played(x, acceleration * (AIR_KG_M3 * self.spec.sd_m2 / (4.0 * math.pi)), gain)


def modulation(
    displacement_m: ArrayLike, kappa: ArrayLike, k: float, cos_theta: ArrayLike, am_per_m: float
) -> NDArray[np.complex128]:
    """Factor of a tone's envelope, (1 + m x) exp(j kappa k x cos(theta)).

    displacement_m: (..., n). kappa: 0 to 1, and cos_theta: -1 to 1, of any shape (...) that broadcasts against it without its
    last axis, such as (M,) for one cone and M microphones. k: rad/m. am_per_m: relative change per m.
    """
    x = np.asarray(displacement_m, dtype=np.float64)
    follow = k * np.asarray(kappa, dtype=np.float64) * np.asarray(cos_theta, dtype=np.float64)
    return (1.0 + am_per_m * x) * np.exp(1j * follow[..., None] * x)


class ToSceneRate:
    """Displacement or limiter gain from the audible rate to the envelope's, late by `latency_s`; any cut gives the same bits.

    Kaiser-windowed sinc, flat to 0.4 of the scene's rate, 80 dB down from 0.6 of it; a constant passes as it is. What the cone
    does above 0.4 of 8 kHz leaves less than -75 dB of a tone in sidebands (music of 70 dB SPL), outside what moves.
    Raises BadInput when the rates do not divide.
    """

    def __init__(self, rate_hz: int, scene_rate_hz: int) -> None:
        if rate_hz % scene_rate_hz:
            raise BadInput(f"scene_rate_hz = {scene_rate_hz}: needs a divisor of the audible rate, {rate_hz}")
        self.ratio = rate_hz // scene_rate_hz
        half = 13 * self.ratio
        n = np.arange(-half, half + 1)
        taps = np.sinc(n / self.ratio) * np.kaiser(len(n), 7.86)
        self._taps = taps / taps.sum() if self.ratio > 1 else np.array([1.0])
        self.latency_s = len(self._taps) // 2 / rate_hz
        self._history: Array | None = None

    def process(self, signal: NDArray) -> Array:
        """signal: (n,), n a multiple of `ratio`. Returns (n / ratio,). Before the first sample its value held."""
        signal = np.asarray(signal, dtype=np.float64)
        if signal.ndim != 1 or len(signal) % self.ratio:
            raise ValueError(f"signal: (n,) with n a multiple of {self.ratio} needed, got {signal.shape}")
        if self._history is None:
            self._history = np.full(len(self._taps) - 1, signal[0] if len(signal) else 0.0)
        whole = np.concatenate([self._history, signal])
        self._history = whole[len(signal) :]
        out = np.empty(len(signal) // self.ratio)
        _thin(whole, self._taps, self.ratio, out)
        return out


def displacement_m(pressure_pa: ArrayLike, frequency_hz: ArrayLike, sd_m2: float) -> Array:
    """Displacement that gives a pressure at 1 m, p 4 pi / (rho w^2 Sd); both peak, or both RMS."""
    w = 2.0 * math.pi * np.asarray(frequency_hz, dtype=np.float64)
    return np.asarray(pressure_pa, dtype=np.float64) * 4.0 * math.pi / (AIR_KG_M3 * w**2 * sd_m2)


def _equaliser(spec: DriverSpec, rate_hz: int) -> Array:
    """Lifts the closed box to a second-order roll-off at equalised_hz with Q 0.71 (S. Linkwitz); (b0, b1, b2, a1, a2)."""
    own, q = 2.0 * math.pi * spec.fs_hz, _total_q(spec)
    new = 2.0 * math.pi * spec.equalised_hz
    return _bilinear((1.0, own / q, own**2), (1.0, math.sqrt(2.0) * new, new**2), rate_hz)


def _predictor(spec: DriverSpec, rate_hz: int) -> Array:
    """Displacement in m per V at the coil, small signals, without Le."""
    own = 2.0 * math.pi * spec.fs_hz
    gain = spec.bl_tm / (spec.re_ohm * spec.mms_kg)
    return _bilinear((0.0, 0.0, gain), (1.0, own / _total_q(spec), own**2), rate_hz)


def _total_q(spec: DriverSpec) -> float:
    electrical = 2.0 * math.pi * spec.fs_hz * spec.mms_kg * spec.re_ohm / spec.bl_tm**2
    return 1.0 / (1.0 / electrical + 1.0 / spec.qms)


def _bilinear(b: tuple[float, ...], a: tuple[float, ...], rate_hz: int) -> Array:
    import scipy.signal

    numerator, denominator = scipy.signal.bilinear(b, a, fs=rate_hz)
    return np.concatenate([numerator, denominator[1:]])


@compiled
def _play(wanted, equaliser, predictor, amplifier, driver, dt, state, out_x, out_a, out_gain):
    """state: equaliser (2), predictor (2), gain, last voltage, x, v, i, envelopes of displacement and voltage, spare.

    The driver goes by the trapezoidal rule with its parameters frozen half a step ahead: linear in (v, i), stable at any rate.
    """
    volt_per_pa, supply, x_end, u_end, attack, release = amplifier
    bl0, mass, friction, k0, re, le0, xmax, stop, rest = driver
    gain, last, x, v, i = state[4], state[5], state[6], state[7], state[8]
    peak_x, peak_u = state[9], state[10]
    for n in range(len(wanted)):
        u = volt_per_pa * wanted[n]
        e = equaliser[0] * u + state[0]
        state[0] = equaliser[1] * u - equaliser[3] * e + state[1]
        state[1] = equaliser[2] * u - equaliser[4] * e
        ahead = predictor[0] * e + state[2]
        state[2] = predictor[1] * e - predictor[3] * ahead + state[3]
        state[3] = predictor[2] * e - predictor[4] * ahead
        peak_x = max(abs(ahead), peak_x * release)
        peak_u = max(abs(e), peak_u * release)
        wish = min(1.0, min(x_end / max(peak_x, 1e-12), u_end / max(peak_u, 1e-12)))
        gain = wish + (gain - wish) * (attack if wish < gain else release)
        u = min(max(gain * e, -supply), supply)
        q = (x + 0.5 * dt * v + rest) / xmax
        bl = bl0 / (1.0 + 0.2195121951219512 * q * q)
        k = k0 * (1.0 + (q * q) / 3.0)
        root = math.sqrt(1.0 + q * q)
        le = le0 * (1.0 - 0.1414213562373095 * q / root)
        slope = -0.1414213562373095 * le0 / (xmax * root * root * root)
        first = 2.0 * mass / dt * v - k * x + 0.5 * i * i * slope
        second = 2.0 * le / dt * i + 0.5 * (last + u)
        left = 2.0 * mass / dt + friction + 0.5 * dt * k
        right = 2.0 * le / dt + re + slope * v
        scale = 1.0 / (left * right + bl * bl)
        v_mean = (right * first + bl * second) * scale
        i = 2.0 * (left * second - bl * first) * scale - i
        v = 2.0 * v_mean - v
        x += dt * v_mean
        if abs(x) > stop:
            x = math.copysign(stop, x)
            v = 0.0
        last = u
        # By the forces at this sample: a difference of velocities would lag and lose treble.
        out_a[n] = (bl * i - friction * v - k * x + 0.5 * i * i * slope) / mass
        out_x[n], out_gain[n] = x, gain
    state[4], state[5], state[6], state[7], state[8] = gain, last, x, v, i
    state[9], state[10] = peak_x, peak_u


@compiled
def _thin(whole, taps, ratio, out):
    for t in range(len(out)):
        total = 0.0
        for j in range(len(taps)):
            total += taps[j] * whole[t * ratio + j]
        out[t] = total
