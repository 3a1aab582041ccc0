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

    def start(self) -> State:
        """The memory of a network that has heard nothing."""
        return np.zeros((1, self._width), np.float32)

    def step(self, features: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """features: (CHANNELS, BANDS). Returns probabilities (3,) of `CLASSES`, and the memory for the next hop."""
        probabilities, following = self._session.run(
            ("probabilities", "next_state"),
            {"features": features.reshape(1, CHANNELS * BANDS), "state": state},
        )
        return probabilities[0], following
