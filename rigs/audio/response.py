"""The response of a whole path - converter, amplifier, loudspeaker, air, microphone - by an exponential sweep.

    x(t) = sin(2 pi f1 L (exp(t / L) - 1)),  L = T / ln(f2 / f1)

Division by its spectrum gives the impulse response; what a nonlinear path adds in harmonic k lands L ln(k) seconds before it,
so distortion is read beside the response, not in it (Farina, AES 108, 2000; Novak et al., J. Audio Eng. Soc. 63, 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from rigs.audio.capture import play_record
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import AudioVerdict
from rigs.errors import AudioFault

RING_S = 0.5  # how long a path may ring
BEFORE_S = 0.1  # a band-limited response rings before its peak too


@dataclass(frozen=True)
class Sweep:
    """low_hz, high_hz: edges, high below half the rate. seconds: T. level_dbfs: over a full-scale sine, at most 0."""

    rate_hz: int
    low_hz: float = 50.0
    high_hz: float = 7000.0
    seconds: float = 3.0
    level_dbfs: float = -12.0

    def __post_init__(self) -> None:
        if not 0.0 < self.low_hz < self.high_hz < 0.5 * self.rate_hz or self.level_dbfs > 0.0:
            raise ValueError(
                f"sweep: 0 < low_hz < high_hz < {0.5 * self.rate_hz:g} and level_dbfs <= 0 are allowed"
            )

    @property
    def growth_s(self) -> float:
        return self.seconds / math.log(self.high_hz / self.low_hz)

    def samples(self) -> NDArray[np.float32]:
        """The sweep with 10 ms of fading at both ends, shape (n,)."""
        t = np.arange(round(self.seconds * self.rate_hz)) / self.rate_hz
        wave = np.sin(2.0 * np.pi * self.low_hz * self.growth_s * np.expm1(t / self.growth_s))
        fade = round(0.01 * self.rate_hz)
        slope = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
        wave[:fade] *= slope
        wave[-fade:] *= slope[::-1]
        return (10.0 ** (self.level_dbfs / 20.0) * wave).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Response:
    """impulse: (inputs, n), the linear part, no delay at sample `zero`. harmonics_db: (inputs, 2), energy of the second and
    third harmonic over the fundamental, from four times the lowest to half the highest frequency."""

    sweep: Sweep
    impulse: NDArray[np.float64]
    zero: int
    harmonics_db: NDArray[np.float64]

    def gain_db(self, frequency_hz: ArrayLike) -> NDArray[np.float64]:
        """Magnitude at some frequencies within the sweep's edges, shape (inputs, frequencies)."""
        frequency_hz = np.atleast_1d(np.asarray(frequency_hz, np.float64))
        spectrum = scipy.fft.rfft(self.impulse, axis=-1)
        grid = scipy.fft.rfftfreq(self.impulse.shape[-1], 1.0 / self.sweep.rate_hz)
        with np.errstate(divide="ignore"):
            level = 20.0 * np.log10(np.abs(spectrum))
        return np.stack([np.interp(frequency_hz, grid, row) for row in level])

    def delay_s(self) -> NDArray[np.float64]:
        """Per input, where the impulse response is largest."""
        return (np.argmax(np.abs(self.impulse), axis=-1) - self.zero) / self.sweep.rate_hz


def deconvolve(recorded: NDArray, sweep: Sweep) -> Response:
    """recorded: (inputs, n), from the moment the sweep began and `RING_S` beyond its end."""
    played = sweep.samples().astype(np.float64)
    size = scipy.fft.next_fast_len(recorded.shape[-1] + len(played), real=True)
    reference = scipy.fft.rfft(played, size)
    frequency = scipy.fft.rfftfreq(size, 1.0 / sweep.rate_hz)
    power = np.square(np.abs(reference))
    inside = (frequency >= sweep.low_hz) & (frequency <= sweep.high_hz)
    # Outside its band the sweep holds nothing to divide by.
    floor = np.where(inside, 1e-8, 1.0) * np.max(power)
    quotient = scipy.fft.rfft(recorded.astype(np.float64), size) * np.conj(reference) / (power + floor)
    # Half way to where the second harmonic lands.
    zero = round(min(BEFORE_S, 0.5 * math.log(2.0) * sweep.growth_s) * sweep.rate_hz)
    response = scipy.fft.irfft(quotient, size)
    impulse = np.roll(response, zero, axis=-1)[:, : zero + round(RING_S * sweep.rate_hz)]
    # Sharp edges ring as long as the harmonics are away, so these are read well inside the band and between soft edges.
    inner = scipy.fft.irfft(quotient * _soft_band(frequency, 4.0 * sweep.low_hz, 0.5 * sweep.high_hz), size)
    linear, *harmonics = (_energy_of_order(inner, sweep, order) for order in (1, 2, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_db = 10.0 * np.log10(np.stack(harmonics, axis=-1) / linear[:, None])
    return Response(sweep, impulse, zero, ratio_db)


def _soft_band(frequency_hz: NDArray, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """1 between the edges, 0 an octave outside, a raised cosine of log frequency between."""
    octaves = np.log2(np.maximum(frequency_hz, 1e-3))
    rise = np.clip(octaves - math.log2(low_hz / 2.0), 0.0, 1.0)
    fall = np.clip(math.log2(2.0 * high_hz) - octaves, 0.0, 1.0)
    return np.square(np.sin(0.5 * np.pi * rise) * np.sin(0.5 * np.pi * fall))


def _energy_of_order(response: NDArray, sweep: Sweep, order: int) -> NDArray[np.float64]:
    """Energy of what arrives where harmonic `order` does, until shortly before the next lower one, per input."""
    rate_hz = sweep.rate_hz
    early = round(sweep.growth_s * math.log(order) * rate_hz)
    gap = sweep.growth_s * math.log(order / (order - 1)) if order > 1 else RING_S
    length = round(min(RING_S, 0.8 * gap) * rate_hz)
    before = round(0.1 * sweep.growth_s * math.log(1.5) * rate_hz)
    rolled = np.roll(response, early + before, axis=-1)
    return np.sum(np.square(rolled[:, : before + length]), axis=-1)


def measure_response(
    spec: AudioSpec, output: int, sweep: Sweep | None = None
) -> tuple[Response, AudioVerdict]:
    """Sweep one output (from 0) and listen on all inputs. Raises AudioFault where the pilot does not come back."""
    sweep = sweep or Sweep(spec.rate_hz)
    played = sweep.samples()
    playback = np.zeros((spec.outputs, len(played) + round(RING_S * spec.rate_hz)), np.float32)
    playback[output, : len(played)] = played
    capture = play_record(spec, playback)
    if capture.body_at is None:
        raise AudioFault(f"response of output {spec.out_connectors[output]}: {capture.verdict.reason}")
    return deconvolve(np.asarray(capture.samples), sweep), capture.verdict
