"""Microphones and converter: sound pressure in, full-scale samples out.

pressure -> sensitivity of each -> + self-noise -> band limits -> full scale -> clip -> quantise
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

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
        self._noise_pa = np.float32(self_noise_rms_pa(spec.noise_floor_dba, spec.rate_hz))
        self._scale = (10.0 ** (self.gain_db / 20.0))[:, None].astype(np.float32)
        self._full_scale_pa = np.float32(np.sqrt(2.0) * pa_from_db_spl(spec.full_scale_db_spl))
        self._sos = band_sos(spec.rate_hz, *spec.band_hz)
        self._state = np.zeros((len(self._sos), channels, 2), dtype=np.float32)

    def process(self, pressure_pa: NDArray) -> NDArray[np.float32]:
        """pressure_pa: (M, n) in Pa. Returns (M, n) on the converter's grid, within [-1, 1)."""
        channels, n = pressure_pa.shape
        signal = np.empty((channels, n), dtype=np.float32)
        for noise, row in zip(self._noises, signal, strict=True):
            noise.standard_normal(out=row, dtype=np.float32)
        signal *= self._noise_pa
        signal += self._scale * pressure_pa
        signal, self._state = scipy.signal.sosfilt(self._sos, signal, axis=-1, zi=self._state)
        steps = np.float32(2 ** (self.spec.bits - 1))
        signal *= steps / self._full_scale_pa
        np.rint(signal, out=signal)
        np.clip(signal, -steps, steps - 1, out=signal)
        signal /= steps
        return signal


@lru_cache(maxsize=16)
def band_sos(rate_hz: int, low_hz: float, high_hz: float) -> NDArray[np.float32]:
    """Second-order high-pass and fourth-order low-pass (Butterworth), shape (3, 6).

    The low edge is the microphone's vent, the high edge the converter's decimation filter.
    """
    low = scipy.signal.butter(2, low_hz, "highpass", fs=rate_hz, output="sos")
    high = scipy.signal.butter(4, high_hz, "lowpass", fs=rate_hz, output="sos")
    return np.concatenate([low, high]).astype(np.float32)


@lru_cache(maxsize=16)
def self_noise_rms_pa(noise_floor_dba: float, rate_hz: int) -> float:
    """RMS pressure, up to half the rate, of white noise that reads `noise_floor_dba` over 20 Hz to 20 kHz.

    The density is the microphone's own, so a slower converter hears less of the same noise.
    """
    frequency = np.arange(20.0, 20001.0)
    weighted_hz = float(np.sum(10.0 ** (a_weighting_db(frequency) / 10.0)))
    return float(pa_from_db_spl(noise_floor_dba)) * float(np.sqrt(rate_hz / 2.0 / weighted_hz))
