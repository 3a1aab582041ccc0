"""The echo of something that moves, as a stream."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Echo(Protocol):
    """What comes back of a steady tone of unit pressure (1 Pa at 1 m on the loudspeaker's axis).

    rate_hz: of the complex envelope. Blocks of any length give the same samples.
    """

    rate_hz: int

    def read(self, samples: int) -> NDArray[np.complex128]:
        """The next samples at every microphone, (M, samples), in Pa per Pa."""
