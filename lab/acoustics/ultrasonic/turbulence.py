"""What moving and warming air does to the phase of a path.

    variance of a path of length L:  s^2 = q sqrt(pi) k^2 m^2 L l,   m^2 = (dT / 2T)^2 + (u / c)^2
    q = (1 + atan(D) / D) / 2,  D = 4 L / (k l^2)    (1 at short range, 1/2 far away)
    short paths, L < l:              s^2 = k^2 m^2 int int_0^L exp(-(s - s')^2 / l^2) ds ds'
    two paths from one point:        C_ij ~ int_0^min(L) exp(-s^2 |u_i - u_j|^2 / l^2) ds,  u the directions
    spectrum:                        S(f) ~ (1 + (f / f_c)^2)^(-4/3),  f_c = U / (2 pi l);  cut at f_m = 5.92 U / (2 pi l_0)
    warming by dT:                   phase + k L dT / (2 T)

(Chernov, Wave Propagation in a Random Medium, 1960, Gaussian correlation of scale l, for variance and q; Taylor's frozen
eddies carried at U; Kolmogorov's -8/3 for the phase of a path, inner scale l_0 as in Tatarskii 1971.) Levels fluctuate
less than phases at these lengths and are left alone. Phases come at KNOT_HZ, so what lies above half of it is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.special import erf

from lab.acoustics.air import REFERENCE_K, speed_of_sound_m_s
from lab.acoustics.ultrasonic.stage import Carrier
from lab.spec import Spec

Array = NDArray[np.float64]

KNOT_HZ = 200
FRAME = 200  # knots that are made at once, 1 s
GATE_S = 5.0  # how fast moving air starts and dies away
DAY_S = 86_400.0
PAIR_START, PAIR_STEP = 1.75, 6.0  # poles after the first, fitted to (1 + x^2)^(-4/3) over four decades


@dataclass(frozen=True)
class Air:
    """kelvin: RMS of temperature. speed_m_s: RMS of velocity. flow_m_s: at which eddies go by. inner_m: smallest eddy.

    Priors, not measurements: phases of 0.11, 0.54 and 1.5 rad on 6 m; flows give corners of 0.5, 0.8 and 3 Hz with
    eddies of 0.2 m; inner scales follow from the rate at which velocity of that scale dissipates.
    """

    kelvin: float
    speed_m_s: float
    flow_m_s: float
    inner_m: float

    def index_variance(self, temperature_k: float, sound_m_s: float) -> float:
        """m^2, variance of the refractive index."""
        return (self.kelvin / (2.0 * temperature_k)) ** 2 + (self.speed_m_s / sound_m_s) ** 2


AIRS = {
    "quiet": Air(0.05, 0.03, 0.63, 0.015),
    "hvac": Air(0.3, 0.1, 1.0, 0.006),
    "fan_jet": Air(0.5, 0.5, 3.8, 0.002),
}


class AirSpec(Spec):
    """How the air of the room moves and warms.

    air: quiet, hvac (a system that blows) or fan_jet (the device stands in the stream of a fan). cycle_min: length of a
    cycle of an hvac that switches, 2 to 120 min, blowing on_fraction of it (0.05 to 0.95) and warming the room by swing_k
    (0 to 5 K); without it the state lasts. drift_k_per_h: RMS rate of a slow drift, 0 to 10. sun_k: what a day's sun adds
    at noon, 0 to 15 K, with clouds. eddy_m: correlation length l, 0.1 to 0.3.
    """

    air: Literal["quiet", "hvac", "fan_jet"] = "quiet"
    cycle_min: float | None = Field(None, ge=2.0, le=120.0)
    on_fraction: float = Field(0.4, ge=0.05, le=0.95)
    swing_k: float = Field(1.0, ge=0.0, le=5.0)
    drift_k_per_h: float = Field(0.2, ge=0.0, le=10.0)
    sun_k: float = Field(0.0, ge=0.0, le=15.0)
    eddy_m: float = Field(0.2, ge=0.1, le=0.3)


def phase_variance(
    wavenumber: float, index_variance: float, length_m: ArrayLike, eddy_m: float = 0.2
) -> Array:
    """s^2 in rad^2 of paths of these lengths, both formulas of the page in one; goes to (k m L)^2 for L << l."""
    length = np.asarray(length_m, dtype=np.float64)
    ratio = length / eddy_m
    overlap = eddy_m**2 * (math.sqrt(math.pi) * ratio * erf(ratio) - 1.0 + np.exp(-(ratio**2)))
    return wavenumber**2 * index_variance * overlap * phase_share(wavenumber, length, eddy_m)


def phase_share(wavenumber: float, length_m: ArrayLike, eddy_m: float) -> Array:
    """q: how much of the fluctuation is phase, the rest being level; 1/2 to 1."""
    spread = np.maximum(4.0 * np.asarray(length_m) / (wavenumber * eddy_m**2), 1e-9)
    return 0.5 * (1.0 + np.arctan(spread) / spread)


def correlation(direction: Array, length_m: Array, eddy_m: float) -> Array:
    """Correlation (P, P) of the phases of paths that leave one point with these directions (P, 3) and lengths (P,).

    Never indefinite: for every s the kernel is a Gaussian of the directions.
    """
    apart = np.linalg.norm(direction[:, None] - direction[None], axis=-1) / eddy_m
    shared = np.minimum(length_m[:, None], length_m[None])
    x = np.maximum(apart * shared, 1e-9)
    integral = shared * math.sqrt(math.pi) / 2.0 * erf(x) / x
    return integral / np.sqrt(length_m[:, None] * length_m[None])


def shaping(corner_hz: float, cut_hz: float, rate_hz: float = KNOT_HZ) -> Array:
    """Second-order sections (S, 6) that give white noise the spectrum of the page, with unit variance.

    A pole at the corner, and for the missing third of an order poles and zeros in turn, PAIR_STEP apart (within 0.2 dB of
    the formula before it is sampled), moved to discrete time by the matched z-transform: 1.4 dB up to a quarter of the rate.
    """
    top = 0.45 * rate_hz
    pairs = max(0, math.ceil(math.log(top / (PAIR_START * corner_hz)) / math.log(PAIR_STEP)))
    paired = PAIR_START * corner_hz * PAIR_STEP ** np.arange(pairs)
    per_sample = -2.0 * math.pi / rate_hz
    poles = np.exp(per_sample * np.append(corner_hz, paired))
    zeros = np.exp(per_sample * paired * PAIR_STEP ** (1.0 / 3.0))
    sections = scipy.signal.zpk2sos(zeros, poles, 1.0)
    if cut_hz < top:
        sections = np.concatenate([sections, scipy.signal.butter(2, cut_hz, fs=rate_hz, output="sos")])
    _, response = scipy.signal.sosfreqz(sections, worN=1 << 18, fs=rate_hz)
    sections[0, :3] /= math.sqrt(np.mean(np.abs(response) ** 2))
    return sections


class Gusts:
    """Correlated noise with the spectrum of one air and unit variance per row, endless, 1 s at a time."""

    def __init__(self, air: Air, root: Array, eddy_m: float, rng: np.random.Generator) -> None:
        self._root = root
        self._rng = rng
        self._sections = shaping(
            air.flow_m_s / (2.0 * math.pi * eddy_m), 5.92 * air.flow_m_s / (2.0 * math.pi * air.inner_m)
        )
        self._state = np.zeros((len(self._sections), len(root), 2))
        for _ in range(math.ceil(10.0 * 2.0 * math.pi * eddy_m / air.flow_m_s)):
            self.frame()  # until the start is forgotten

    def frame(self) -> Array:
        """(P, FRAME)."""
        noise = self._rng.standard_normal((len(self._root), FRAME), dtype=np.float32)
        shaped, self._state = scipy.signal.sosfilt(self._sections, noise, axis=-1, zi=self._state)
        return self._root @ shaped


class Climbing:
    """The temperature of the room against its start, in K at the end of every second, and how much the hvac blows.

    Bounded for ever: the drift's rate forgets itself in 20 min, its sum in 6 h; hvac and sun are followed with delay.
    """

    def __init__(self, spec: AirSpec, rng: np.random.Generator) -> None:
        self._spec = spec
        self._rng = rng
        self._rate = spec.drift_k_per_h / 3600.0 * rng.standard_normal()
        self._drift = self._warm = self._sun = 0.0
        self._hour = rng.uniform(0.0, DAY_S)
        self._cloud = 0.5
        self._blows = rng.random() < spec.on_fraction
        self._left_s = self._stretch() * rng.random()
        self._gate = float(self._blows)
        self._warm = spec.swing_k * spec.on_fraction if spec.cycle_min is not None else 0.0
        self._sun = self._shine()
        self._start = self._warm + self._sun
        self.now = (0.0, self._gate)

    def step(self) -> tuple[float, float]:
        """One second later: temperature above the start in K, hvac 0 to 1."""
        spec = self._spec
        if spec.cycle_min is not None:
            self._left_s -= 1.0
            if self._left_s <= 0.0:
                self._blows = not self._blows
                self._left_s = self._stretch()
            self._gate += (float(self._blows) - self._gate) / GATE_S
            self._warm += (spec.swing_k * float(self._blows) - self._warm) / 300.0
        if spec.drift_k_per_h > 0.0:
            memory = 1.0 / 1200.0
            kick = spec.drift_k_per_h / 3600.0 * math.sqrt(2.0 * memory) * self._rng.standard_normal()
            self._rate += kick - memory * self._rate
            self._drift += self._rate - self._drift / 21_600.0
        if spec.sun_k > 0.0:
            self._hour = (self._hour + 1.0) % DAY_S
            self._cloud += (0.5 - self._cloud) / 600.0 + 0.25 * math.sqrt(
                2.0 / 600.0
            ) * self._rng.standard_normal()
            self._sun += (self._shine() - self._sun) / 900.0
        self.now = (self._drift + self._warm + self._sun - self._start, self._gate)
        return self.now

    def _shine(self) -> float:
        noon = max(0.0, math.sin(2.0 * math.pi * (self._hour / DAY_S - 0.25)))
        return self._spec.sun_k * noon * min(max(self._cloud, 0.0), 1.0)

    def _stretch(self) -> float:
        if self._spec.cycle_min is None:
            return math.inf
        share = self._spec.on_fraction if self._blows else 1.0 - self._spec.on_fraction
        return 60.0 * self._spec.cycle_min * share * self._rng.uniform(0.7, 1.3)


class Turbulence:
    """Phases of P paths, endless.

    direction (P, 3), unit vectors from the device, and length_m (P,) of the paths. rng: one made anew of the same seed
    gives every carrier the same air.
    """

    def __init__(
        self,
        spec: AirSpec,
        carrier: Carrier,
        direction: Array,
        length_m: Array,
        rng: np.random.Generator,
    ) -> None:
        kelvin = REFERENCE_K * (carrier.speed_m_s / speed_of_sound_m_s(20.0)) ** 2
        root = np.linalg.cholesky(
            correlation(direction, length_m, spec.eddy_m) + 1e-9 * np.eye(len(length_m))
        )
        climate, *seeds = rng.spawn(3)
        self._climbing = Climbing(spec, climate)
        self._warming = (carrier.wavenumber / (2.0 * kelvin) * length_m)[:, None]

        def spread(mu2: float) -> Array:
            return np.sqrt(phase_variance(carrier.wavenumber, mu2, length_m, spec.eddy_m))[:, None]

        still, moving = (AIRS[name].index_variance(kelvin, carrier.speed_m_s) for name in ("quiet", spec.air))
        cycles = spec.air == "hvac" and spec.cycle_min is not None
        self._steady = Gusts(AIRS["quiet" if cycles else spec.air], root, spec.eddy_m, seeds[0])
        self._steady_spread = spread(still if cycles else moving)
        self._blown = Gusts(AIRS["hvac"], root, spec.eddy_m, seeds[1]) if cycles else None
        self._blown_spread = spread(moving - still) if cycles else None
        self._ahead = np.arange(1, FRAME + 1) / FRAME

    def frame(self) -> Array:
        """Phases in rad at the next FRAME knots, (P, FRAME)."""
        before, gate_before = self._climbing.now
        after, gate_after = self._climbing.step()
        phase = self._steady.frame()
        phase *= self._steady_spread
        if self._blown is not None:
            gate = gate_before + (gate_after - gate_before) * self._ahead
            phase += self._blown.frame() * (self._blown_spread * gate)
        phase += self._warming * (before + (after - before) * self._ahead)
        return phase
