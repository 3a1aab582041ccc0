"""What decimation to the audible rate leaves of the tones above hearing: each at its alias.

    x_m(n) = 10^(-a / 20) sum_c Re{e_cm(n / rate) exp(j 2 pi f_c n / rate)}

a: `decimation_db` of the unit. A tone of 34 kHz comes to lie at 2 kHz of a stream of 16 kHz. Envelopes are joined by straight lines: a
part 500 Hz off its carrier loses 0.9 dB at a scene rate of 4 kHz, and its images are 34 dB down.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.filters import Oscillator
from lab.bench.simulated.tones import Complex


class FoldedTones:
    """A component of the audible sound field, in Pa. It is told what sounds above hearing, block by block, before it is read.

    rate_hz: of the audible stream, a multiple of scene_rate_hz or a divisor of it. channels: of the audible stream.
    """

    def __init__(self, rate_hz: int, scene_rate_hz: int, channels: int, decimation_db: float) -> None:
        self._rate_hz, self._scene_rate_hz, self._channels = rate_hz, scene_rate_hz, channels
        self._gain = 10.0 ** (-decimation_db / 20.0)
        self._told: Mapping[float, Complex] = {}
        self._last: dict[float, Complex] = {}
        self._position = 0

    def tell(self, envelopes: Mapping[float, Complex]) -> None:
        """The next block: carrier in Hz -> (M, n) in Pa, peak, at the scene's rate."""
        self._told = envelopes

    def read(self, samples: int) -> NDArray[np.float32]:
        """The same block at the audible rate, (channels, samples)."""
        out = np.zeros((self._channels, samples), np.float32)
        at = (np.arange(samples) + 1.0) * (self._scene_rate_hz / self._rate_hz)
        for carrier_hz, envelope in self._told.items():
            heard = envelope[np.minimum(np.arange(self._channels), len(envelope) - 1)]
            before = self._last.get(carrier_hz, np.zeros((self._channels, 1), np.complex128))
            known = np.concatenate([before, heard], axis=1)
            self._last[carrier_hz] = known[:, -1:]
            whole = np.minimum(at.astype(np.int64), known.shape[1] - 2)
            joined = known[:, whole] + (at - whole) * (known[:, whole + 1] - known[:, whole])
            turn = Oscillator(carrier_hz, self._rate_hz).read(self._position, samples)
            out += (self._gain * (joined * turn).real).astype(np.float32)
        for gone in self._last.keys() - self._told.keys():
            del self._last[gone]
        self._position += samples
        return out
