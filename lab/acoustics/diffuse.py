"""Noise that comes from everywhere: the coherence of a spherically isotropic field.

Between two microphones a distance d apart the complex coherence is sin(k d) / (k d), k = 2 pi f / c
(Cook et al. 1955). Independent noises are mixed by the symmetric square root of that matrix at each
frequency (after Habets, Cohen and Gannot 2008, who use a Cholesky or eigenvalue factor).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.convolve import FrameFilter


def coherence(microphones_m: ArrayLike, frequency_hz: ArrayLike, speed_m_s: float) -> NDArray[np.float64]:
    """Coherence matrix of a spherically isotropic field. Positions (M, 3). Returns (F, M, M)."""
    points = np.asarray(microphones_m, dtype=np.float64)
    distance = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=-1)
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    return np.sinc(2.0 * frequency[:, None, None] * distance[None] / speed_m_s)


def mixing_filters(
    microphones_m: ArrayLike, rate_hz: float, speed_m_s: float, taps: int = 256
) -> NDArray[np.float64]:
    """Linear-phase filters that give independent noises the coherence of a diffuse field.

    Returns (M, M, taps), delay taps // 2 samples. Each output keeps the power of the inputs.
    """
    frequency = scipy.fft.rfftfreq(taps, 1.0 / rate_hz)
    values, vectors = np.linalg.eigh(coherence(microphones_m, frequency, speed_m_s))
    root = np.einsum("fij,fj,fkj->fik", vectors, np.sqrt(np.maximum(values, 0.0)), vectors)
    filters = scipy.fft.irfft(np.moveaxis(root, 0, -1), taps, axis=-1)
    filters = np.roll(filters, taps // 2, axis=-1) * np.hanning(taps + 1)[:-1]
    # The window takes a little power from each row; give it back so levels stay what they were.
    power = np.sum(np.square(filters), axis=(1, 2), keepdims=True)
    return filters / np.sqrt(power)


class DiffuseField:
    """Turns independent noises into a spherically isotropic field at the microphones.

    microphones_m: (M, 3). speed_m_s: of sound. The first frame is silent while the filter fills, so the
    noise is read one frame ahead: `read(n)` gives the next (M, n) of it, independent rows of equal power.
    """

    def __init__(
        self,
        microphones_m: ArrayLike,
        rate_hz: float,
        speed_m_s: float,
        read: Callable[[int], NDArray],
    ) -> None:
        self._filter = FrameFilter(mixing_filters(microphones_m, rate_hz, speed_m_s))
        self._noise = read
        self._primed = False

    def read(self, n: int) -> NDArray[np.float32]:
        """The next n samples at the microphones, shape (M, n), of the power of the noise."""
        if not self._primed:
            self._filter.process(self._noise(self._filter.latency))
            self._primed = True
        return self._filter.process(self._noise(n))
