"""What a folder of training keeps between runs: the weights, and the facts that the card tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.errors import BadInput

WEIGHTS, FACTS = "weights.npz", "facts.json"


@dataclass(frozen=True)
class WorkFolder:
    """path: of the folder, which need not be there yet. trained: what `lab train` is told to train."""

    path: Path
    trained: str

    @property
    def facts_file(self) -> Path:
        return self.path / FACTS

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Raises BadInput where there are none."""
        file = self.path / WEIGHTS
        if not file.exists():
            raise BadInput(f"{file}: no weights to go on from; run lab train {self.trained} first")
        with np.load(file) as content:
            return {name: content[name] for name in content.files}

    def facts(self) -> dict:
        """What the card tells, as it was when it was saved last."""
        return json.loads(self.facts_file.read_text())

    def save(self, weights: Mapping[str, NDArray[np.float32]], facts: dict) -> None:
        """Both, the weights whole or not at all. Makes the folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        part = self.path / "part.npz"
        np.savez(part, **weights)
        part.replace(self.path / WEIGHTS)
        self.save_facts(facts)

    def save_facts(self, facts: dict) -> None:
        """The facts alone, into a folder that is there."""
        self.facts_file.write_text(json.dumps(facts, indent=1) + "\n")
