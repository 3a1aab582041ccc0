"""Microphones and converter: sound pressure in, full-scale samples out.

pressure -> sensitivity of each -> + self-noise -> band limits -> full scale -> clip -> quantise
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.device import ConverterSpec
from lab.acoustics.levels import a_weighting_db, pa_from_db_spl


class Microphone:
    """The microphones of one stream; state runs on from block to block, whatever their length.

    spec: converter. channels: number of microphones. rng: seeds the sensitivities and the self-noise.
    """

    def __init__(self, spec: ConverterSpec, channels: int, rng: np.random.Generator) -> None:
        self.spec = spec
        self.gain_db = spec.gain_spread_db * rng.standard_normal(channels)
        # One generator per channel: a shared one would hand out its numbers by block.
        self._noises = rng.spawn(channels)
        self._steps = float(2 ** (spec.bits - 1))
        full_scale_pa = np.sqrt(2.0) * float(pa_from_db_spl(spec.full_scale_db_spl))
        self._gain = 10.0 ** (self.gain_db / 20.0) * (self._steps / full_scale_pa)
        self._noise = self_noise_rms_pa(spec.noise_floor_dba, spec.rate_hz) * (self._steps / full_scale_pa)
        self._sos = band_sos(spec.rate_hz, *spec.band_hz)
        self._state = np.zeros((len(self._sos), 2, channels))

    def process(self, pressure_pa: NDArray) -> NDArray[np.float32]:
        """pressure_pa: (M, n) in Pa. Returns (M, n) on the converter's grid, within [-1, 1)."""
        pressure = np.asarray(pressure_pa, dtype=np.float32)
        if pressure.ndim != 2 or len(pressure) != len(self._noises):
            raise ValueError(f"pressure: ({len(self._noises)}, n) needed, got {pressure.shape}")
        signal = np.empty(pressure.shape, dtype=np.float32)
        for noise, row in zip(self._noises, signal, strict=True):
            noise.standard_normal(out=row, dtype=np.float32)
        _convert(signal, pressure, self._gain, self._noise, self._sos, self._state, self._steps)
        return signal


@compiled
def _convert(signal, pressure, gain, noise, sos, state, steps):
    """Unit noise in `signal` becomes the converter's output, in one pass and in float64.

    gain (M,): steps of the converter per Pa. noise: RMS of the self-noise in steps. sos (S, 6) and
    state (S, 2, M): transposed direct form II. The channels run side by side, as each one is a long chain
    of dependent sums.
    """
    channels, samples = signal.shape
    x = np.empty(channels)
    for index in range(samples):
        for channel in range(channels):
            x[channel] = noise * signal[channel, index] + gain[channel] * pressure[channel, index]
        for section in range(sos.shape[0]):
            b0, b1, b2 = sos[section, 0], sos[section, 1], sos[section, 2]
            a1, a2 = sos[section, 4], sos[section, 5]
            for channel in range(channels):
                y = b0 * x[channel] + state[section, 0, channel]
                state[section, 0, channel] = b1 * x[channel] - a1 * y + state[section, 1, channel]
                state[section, 1, channel] = b2 * x[channel] - a2 * y
                x[channel] = y
        for channel in range(channels):
            signal[channel, index] = min(max(np.rint(x[channel]), -steps), steps - 1.0) / steps


@lru_cache(maxsize=16)
def band_sos(rate_hz: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Second-order high-pass and fourth-order low-pass (Butterworth), shape (3, 6).

    The low edge is the microphone's vent, the high edge the converter's decimation filter.
    """
    low = scipy.signal.butter(2, low_hz, "highpass", fs=rate_hz, output="sos")
    high = scipy.signal.butter(4, high_hz, "lowpass", fs=rate_hz, output="sos")
    return np.concatenate([low, high])


@lru_cache(maxsize=16)
def self_noise_rms_pa(noise_floor_dba: float, rate_hz: int) -> float:
    """RMS pressure, up to half the rate, of white noise that reads `noise_floor_dba` over 20 Hz to 20 kHz.

    The density is the microphone's own, so a slower converter hears less of the same noise.
    """
    frequency = np.arange(20.0, 20001.0)
    weighted_hz = float(np.sum(10.0 ** (a_weighting_db(frequency) / 10.0)))
    return float(pa_from_db_spl(noise_floor_dba)) * float(np.sqrt(rate_hz / 2.0 / weighted_hz))
