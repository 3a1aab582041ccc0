"""What a folder of training keeps between runs: the weights, and the facts that the card tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.sound_events.network import Network
from lab.errors import BadInput
from lab.training.sound_events.learn import Weights

WEIGHTS, FACTS = "weights.npz", "facts.json"
# What a card tells and facts of an earlier version lack.
_TOLD = ("originals", "then", "verifier_clutter_h", "verifier_parameters")


@dataclass(frozen=True)
class Work:
    """folder: of scenes, weights and facts; it need not be there yet. The facts name a `base` once all of a training is done."""

    folder: Path

    @property
    def facts_file(self) -> Path:
        return self.folder / FACTS

    def weights(self) -> Weights:
        """Raises BadInput where there are none."""
        path = self.folder / WEIGHTS
        if not path.exists():
            raise BadInput(f"{path}: no weights to go on from; run lab train sound_events first")
        with np.load(path) as content:
            return {name: content[name] for name in content.files}

    def facts(self) -> dict:
        """What the card tells, as it was when it was saved last."""
        return json.loads(self.facts_file.read_text())

    def save(self, weights: Weights, facts: dict) -> None:
        """Both, the weights whole or not at all. Makes the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "part.npz"
        np.savez(part, **weights)
        part.replace(self.folder / WEIGHTS)
        self.save_facts(facts)

    def save_facts(self, facts: dict) -> None:
        self.facts_file.write_text(json.dumps(facts, indent=1) + "\n")

    def unpublished(self, models: Path) -> str | None:
        """Why the facts are not of the base among these models, or do not tell all that a card does; None where they do."""
        base = models / "base.onnx"
        if not self.facts_file.exists() or not base.exists():
            return f"no finished training of the base in {models}"
        facts = self.facts()
        if facts.get("base") != Network(base, []).base.id:
            return f"no finished training of the base in {models}"
        untold = sorted(set(_TOLD) - facts.keys())
        return f"of an earlier version of the training, without {', '.join(untold)}" if untold else None

    def published_facts(self, models: Path) -> dict:
        """The facts of these models. Raises BadInput where they are of another base, of an unfinished training or of an earlier version."""
        why = self.unpublished(models)
        if why is not None:
            raise BadInput(f"{self.facts_file}: {why}; run lab train sound_events first")
        return self.facts()


def note_then(facts: dict, option: str) -> None:
    """Notes what was learnt after the training itself, the last time of each."""
    facts["then"] = [one for one in facts["then"] if one != option] + [option]
