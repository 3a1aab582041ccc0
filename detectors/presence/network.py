"""The classifier of Doppler maps: a recurrent network in ONNX, one hop at a time, its memory in the caller's hands.

z = relu(W1 x + b1),   GRU twice (Cho et al., EMNLP 2014),   p = softmax(W2 h + b2)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.presence.features import BANDS, CHANNELS, VERSION
from detectors.runtime import session

CLASSES = ("none", "minor", "major")
State = NDArray[np.float32]


class Classifier:
    """path: of an ONNX file with inputs `features` (1, CHANNELS * BANDS) and `state` (1, S), outputs `probabilities` (1, 3) and
    `next_state`. Runs on one thread. Raises DetectorError for a file that is none, or is made for another map."""

    def __init__(self, path: Path | str) -> None:
        self._session, meta = session(path)
        if meta.get("features") != VERSION or meta.get("classes") != " ".join(CLASSES):
            raise DetectorError(
                f"{path}: made for features {meta.get('features')!r}, classes {meta.get('classes')!r}; "
                f"this stack gives {VERSION!r} and wants {' '.join(CLASSES)!r}"
            )
        self.parameters = int(meta.get("parameters", "0"))
        self._width = next(one.shape[1] for one in self._session.get_inputs() if one.name == "state")
        # Bound once: a run by names costs half as much again.
        self._heard, self._told = (
            np.zeros((1, CHANNELS * BANDS), np.float32),
            np.zeros((1, len(CLASSES)), np.float32),
        )
        self._state, self._following = self.start(), self.start()
        self._bound = self._session.io_binding()
        for name, array in (("features", self._heard), ("state", self._state)):
            self._bound.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in (("probabilities", self._told), ("next_state", self._following)):
            self._bound.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def start(self) -> State:
        """The memory of a network that has heard nothing."""
        return np.zeros((1, self._width), np.float32)

    def step(self, features: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """features: (CHANNELS, BANDS). Returns probabilities (3,) of `CLASSES`, and the memory for the next hop."""
        self._heard[0] = features.ravel()
        self._state[:] = state
        self._session.run_with_iobinding(self._bound)
        return self._told[0].copy(), self._following.copy()
