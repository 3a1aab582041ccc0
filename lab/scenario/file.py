"""A scenario file that has passed every check: its cells, and the trials drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from lab.errors import BadInput
from lab.scenario.cells import CellTree, cell_trees
from lab.scenario.check import build_or_explain
from lab.scenario.drawn import Turn, options, parse
from lab.scenario.identity import Files
from lab.scenario.model import Scenario
from lab.scenario.tree import Tree, substitute
from lab.scenario.trial import Cell, Shares, Trial, digest, draw_index, generator
from lab.sources.library import PROCEDURAL


@dataclass(frozen=True)
class ScenarioFile:
    """What `load_scenario` answers.

    tree: merged with the suite's defaults, sources by name, variants apart. first: one corner of the first cell; what cells and trials
    never change is read from it. hash: see `identity.content_hash`.
    """

    path: Path
    tree: Tree
    variants: tuple[tuple[str, Tree], ...]
    files: Files
    first: Scenario
    hash: str

    @property
    def id(self) -> str:
        return self.first.id

    @property
    def title(self) -> str:
        return self.first.title

    @property
    def tags(self) -> tuple[str, ...]:
        return self.first.tags

    @property
    def corpora(self) -> tuple[str, ...]:
        """Corpora of recordings that some cell may play from; empty when all audio is procedural."""
        named = (
            source.get("corpus")
            for one in self._cells.values()
            for source in one.tree.get("sources", {}).values()
        )
        days = (one.tree["day"].get("corpus") for one in self._cells.values() if "day" in one.tree)
        found = {name for value in (*named, *days) for name in options(value)}
        return tuple(sorted(found - {PROCEDURAL}))

    @cached_property
    def _cells(self) -> dict[str, CellTree]:
        return {one.cell.key: one for one in cell_trees(self.tree, self.variants)}

    def cells(self) -> tuple[Cell, ...]:
        return tuple(one.cell for one in self._cells.values())

    def trials_per_cell(self, trials: int | None = None, hours: float | None = None) -> int:
        """Trials of each cell: the file's own, or `trials` where it counts trials, `hours` where it counts hours."""
        if self.first.hours is None:
            return self.first.trials if trials is None else trials
        exposure_s = 3600.0 * (self.first.hours if hours is None else hours)
        return max(1, ceil(exposure_s / self.first.duration_s - 1e-9))

    def draw(self, cell: Cell, index: int, seed: int) -> Trial:
        """Trial `index` (from 0) of a cell, every distribution drawn; `trial.digest` says from what.

        Raises BadInput when the scenario has no such cell, and where what is drawn does not go together, as a fan that stops before it runs.
        """
        if cell.key not in self._cells:
            raise BadInput(f"{self.path}: no cell {cell.key!r}; there are: {'; '.join(self._cells)}")
        shares = Shares(self.first.room.bank, self.first.room.placements)

        def drawn(path: tuple[str, ...], table: dict[str, Any]) -> Any:
            place = draw_index(path, index, shares)
            value = parse(table)
            if isinstance(value, Turn):
                return value.at(place[0] + sum(place[1:]) * shares.bank)
            return value.draw(generator(digest(self.id, seed, self.first.split, path, place)))

        one = self._cells[cell.key]
        where = f" [trial {index}, seed {seed}{f', cell {cell.key}' if cell.key else ''}]"
        spec = build_or_explain(substitute(one.tree, drawn), one, self.files, lambda _: self.path, where)
        return Trial(
            scenario_id=self.id,
            scenario_hash=self.hash,
            cell=cell,
            index=index,
            seed=seed,
            room_index=shares.room_index(index),
            placement_index=shares.placement_index(index),
            spec=spec,
        )
