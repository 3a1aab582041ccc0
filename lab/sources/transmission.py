"""Sound through a door: what is lost by band, closed or open.

closed_door: a hollow-core leaf with ordinary gaps, of sound transmission class 20 or so; open_door: from the next room through
the opening, bent round its edge. Loss in dB at octave bands, straight between them over log frequency:

    Hz            63  125  250  500   1k   2k   4k   8k  16k
    closed_door   10   14   17   18   19   22   25   27   28
    open_door      2    3    4    5    6    8   10   12   14

Figures of the closed leaf: usual of laboratory tables for 35-40 mm hollow-core doors without seals (15-25 dB overall, +/- 4 dB between
doors). Of the opening: an estimate from edge diffraction (Maekawa 1968) half a metre into the shadow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Through = Literal["air", "open_door", "closed_door"]

BANDS_HZ = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0)
LOSS_DB: dict[str, tuple[float, ...]] = {
    "air": (0.0,) * 9,
    "closed_door": (10.0, 14.0, 17.0, 18.0, 19.0, 22.0, 25.0, 27.0, 28.0),
    "open_door": (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 14.0),
}


def loss_db(through: Through, frequency_hz: NDArray) -> NDArray[np.float64]:
    """Loss in dB at frequencies above 0 Hz; beyond the outer bands it stays as it is there."""
    return np.interp(np.log(frequency_hz), np.log(BANDS_HZ), LOSS_DB[through])


@lru_cache(maxsize=16)
def transmission_filter(through: Through, rate_hz: int) -> NDArray[np.float32]:
    """Impulse response, minimum phase (onsets stay where they are), 20 ms; within 0.1 dB of the table from 125 Hz up.

    From the cepstrum of the magnitude, folded (Oppenheim and Schafer). Shape (taps,), read-only.
    """
    n = scipy.fft.next_fast_len(rate_hz // 2, real=True)
    n += n % 2
    frequency = np.maximum(np.arange(n // 2 + 1) * (rate_hz / n), 1.0)
    cepstrum = scipy.fft.irfft(-loss_db(through, frequency) * (np.log(10.0) / 20.0), n)
    cepstrum[1 : n // 2] *= 2.0
    cepstrum[n // 2 + 1 :] = 0.0
    response = scipy.fft.irfft(np.exp(scipy.fft.rfft(cepstrum)), n)[: rate_hz // 50].astype(np.float32)
    response.flags.writeable = False
    return response
