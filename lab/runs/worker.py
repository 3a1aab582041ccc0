"""What a worker process does: load the scenarios once, then run the trials it is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from detectors.build import load_build
from detectors.errors import DetectorFault
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.runs.pool import stop_requested
from lab.runs.render import render_command
from lab.runs.trial import run_trial
from lab.scenario.load import ScenarioFile, load_scenario
from lab.scenario.trial import Cell
from lab.store.records import TrialRecord


@dataclass(frozen=True)
class TrialPlace:
    """One trial by name: scenario file, cell, index, seed, and the split it is drawn from, None for the file's own."""

    path: Path
    cell: Cell
    index: int
    seed: int
    split: str | None = None


@dataclass
class Loaded:
    """What a process keeps from trial to trial: a bench, the stack of one build, scenario files as they are needed."""

    bench: SimulatedBench
    stack: Stack
    scenarios: dict[tuple[Path, str | None], ScenarioFile]


_loaded: Loaded | None = None


def loaded(build: Path | None, corpus: Path | None) -> Loaded:
    return Loaded(SimulatedBench(corpus=corpus), Stack(load_build(build)), {})


def set_up(build: Path | None, corpus: Path | None) -> None:
    global _loaded
    _loaded = loaded(build, corpus)


def run_places(places: Sequence[TrialPlace]) -> list[TrialRecord]:
    """Run these trials in order; stops early, with what is done, when the parent asks."""
    assert _loaded is not None, "set_up runs first in every worker"
    return run_with(_loaded, places)


def run_timed(places: Sequence[TrialPlace]) -> tuple[list[TrialRecord], str, str]:
    """As `run_places`, with when it began and ended."""
    began = now()
    return run_places(places), began, now()


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_with(kept: Loaded, places: Sequence[TrialPlace]) -> list[TrialRecord]:
    """As `run_places`, with what the caller keeps. A DetectorFault says how to hear the trial."""
    records = []
    for place in places:
        if stop_requested():
            break
        key = place.path, place.split
        if key not in kept.scenarios:
            kept.scenarios[key] = load_scenario(*key)
        trial = kept.scenarios[key].draw(place.cell, place.index, place.seed)
        try:
            records.append(run_trial(trial, kept.bench, kept.stack))
        except DetectorFault as fault:
            raise fault.told(f"to hear it: {render_command(place.path, trial)}") from None
    return records
