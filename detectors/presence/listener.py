"""The network at work: what it is asked, and what it remembers of the room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class MotionClassifier(Protocol):
    """What tells motion from its map: network.Classifier, or another."""

    def start(self) -> Any:
        """The memory of one that has heard nothing."""

    def step(self, features: NDArray[np.float32], state: Any) -> tuple[Sequence[float], Any]:
        """features: (C, B) of a hop. Returns probabilities of none, minor, major, and the memory for the next hop."""


class Listener:
    """A classifier and its memory. `unheard_hops`: since it heard one. `new`: it gets to know the room, and is not asked yet."""

    def __init__(self, classifier: MotionClassifier) -> None:
        self._classifier = classifier
        self.forget()

    def forget(self) -> None:
        """As one that has heard nothing."""
        self._memory, self.unheard_hops, self.new = self._classifier.start(), 0, True

    def miss(self) -> None:
        """A hop that it cannot hear."""
        self.unheard_hops += 1

    def hear(self, features: NDArray[np.float32], fit: bool) -> Sequence[float] | None:
        """features: (C, B) of a hop, which is missed unless it is fit. Returns probabilities of none, minor, major, or None."""
        if not fit:
            self.miss()
            return None
        self.unheard_hops = 0
        probabilities, self._memory = self._classifier.step(features, self._memory)
        return probabilities
