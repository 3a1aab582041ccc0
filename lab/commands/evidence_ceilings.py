"""What physics leaves of rows of motions: measured by `lab evidence ceiling`, kept beside the stores, carried into figures.

`OUT/ceiling.json`: scenario hash, row and trials asked for -> means of `lab.bench.simulated.ceiling.Ceiling`, how many trials they are of
(`trials`) and the seed of their draws; of those measured by an earlier release the seed was not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import BadInput
from lab.runs.campaign import Campaign
from lab.store.results import replace
from reports.evidence import Figures, Line

MOTIONS = ("walking", "minor", "gestures")  # groups of rows that have a ceiling
FILE_NAME = "ceiling.json"
NAMES = ("matched", "energy", "headroom_db")


@dataclass(frozen=True)
class RowCeiling:
    """Means over the first `trials` trials of a row. seed: of their draws, None where it was not kept."""

    matched: float
    energy: float
    headroom_db: float
    trials: int
    seed: int | None

    def told(self) -> dict[str, object]:
        """As `reports.evidence.Line` has it."""
        return {
            "ceiling_matched": self.matched,
            "ceiling_energy": self.energy,
            "headroom_db": self.headroom_db,
            "ceiling_trials": self.trials,
            "ceiling_seed": self.seed,
        }


def measure_ceiling(campaign: Campaign, trials: int) -> None:
    """Mean over the first trials of each row of detections above hearing; kept in `out`/ceiling.json."""
    from lab.bench.simulated.ceiling import ceiling

    if not any(row.spec.group in MOTIONS for row in campaign.chosen):
        raise BadInput(f"{campaign.plan.path}: no row of a group of motions: {', '.join(MOTIONS)}")
    path = campaign.out / FILE_NAME
    kept = _read(path)
    for row in campaign.chosen:
        key = f"{row.scenario.hash} {row.name} {trials} in air"
        if row.spec.group not in MOTIONS or key in kept:
            continue
        seed = campaign.plan.seed_of(row)
        found = [
            ceiling(row.scenario.draw(cell, index, seed), row.spec.label)
            for cell in row.cells
            for index in range(_each(trials, len(row.cells)))
        ]
        kept[key] = {name: sum(getattr(one, name) for one in found) / len(found) for name in NAMES}
        kept[key] |= {"trials": len(found), "seed": seed}
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, json.dumps(kept, indent=1) + "\n")
        print(row.name, kept[key], flush=True)


def ceilings(campaign: Campaign) -> dict[str, RowCeiling]:
    """Row -> its ceiling, of several the one of the most trials; of rows whose scenario is as it was."""
    rows = {row.name: row for row in campaign.plan.rows}
    found: dict[str, RowCeiling] = {}
    for key, value in _read(campaign.out / FILE_NAME).items():
        scenario_hash, name, asked, *_ = key.split()
        if name not in rows or rows[name].scenario.hash != scenario_hash:
            continue
        cells = len(rows[name].cells)
        one = RowCeiling(
            *(value[key] for key in NAMES),
            trials=value.get("trials", cells * _each(int(asked), cells)),
            seed=value.get("seed"),
        )
        if name not in found or one.trials >= found[name].trials:
            found[name] = one
    return found


def with_ceiling(line: Line, before: Figures) -> Line:
    """The ceiling as it was computed before, where it was not here: it is of the scenario, whatever the build."""
    for other in before.lines:
        same = (other.row, other.scenario_hash) == (line.row, line.scenario_hash)
        if same and line.ceiling_matched is None:
            names = ("ceiling_matched", "ceiling_energy", "headroom_db", "ceiling_trials", "ceiling_seed")
            line = line.model_copy(update={name: getattr(other, name) for name in names})
    return line


def _each(trials: int, cells: int) -> int:
    return max(1, trials // cells)


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    return json.loads(path.read_text()) if path.exists() else {}
