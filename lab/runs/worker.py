"""What a worker process does: load the scenarios once, then run the trials it is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.build import load_build
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.runs.pool import stop_requested
from lab.runs.trial import run_trial
from lab.scenario.load import ScenarioFile, load_scenario
from lab.scenario.trial import Cell
from lab.store.records import TrialRecord


@dataclass(frozen=True)
class TrialPlace:
    """One trial by name: scenario file, cell, index, seed."""

    path: Path
    cell: Cell
    index: int
    seed: int


@dataclass
class _Loaded:
    bench: SimulatedBench
    stack: Stack
    scenarios: dict[Path, ScenarioFile]


_loaded: _Loaded | None = None


def set_up(build: Path | None, corpus: Path | None) -> None:
    global _loaded
    _loaded = _Loaded(SimulatedBench(corpus=corpus), Stack(load_build(build)), {})


def run_places(places: Sequence[TrialPlace]) -> list[TrialRecord]:
    """Run these trials in order; stops early, with what is done, when the parent asks."""
    assert _loaded is not None, "set_up runs first in every worker"
    records = []
    for place in places:
        if stop_requested():
            break
        if place.path not in _loaded.scenarios:
            _loaded.scenarios[place.path] = load_scenario(place.path)
        trial = _loaded.scenarios[place.path].draw(place.cell, place.index, place.seed)
        records.append(run_trial(trial, _loaded.bench, _loaded.stack))
    return records
