"""Which trials a run has, which are left, and how they are dealt to workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.errors import BadInput
from lab.runs.worker import TrialPlace
from lab.scenario.load import ScenarioFile

# Chunks short enough that an interrupt or a crash costs little, long enough that handing them over costs nothing.
_CHUNK_AUDIO_S = 240.0
_CHUNK_TRIALS = 16
EVERY = 10**9


@dataclass(frozen=True)
class Planned:
    """One scenario of a run and the trials of each of its cells; EVERY: all that are stored."""

    scenario: ScenarioFile
    trials_per_cell: int

    @property
    def trials(self) -> int:
        return self.trials_per_cell * len(self.scenario.cells())

    @property
    def audio_s(self) -> float:
        return self.trials * self.scenario.first.duration_s


@dataclass(frozen=True)
class NotRun:
    """A trial of which a bench recorded nothing, and why. scenario: its id. name: of its capture."""

    scenario: str
    name: str
    reason: str


def plan(
    scenarios: Iterable[ScenarioFile], trials: int | None = None, hours: float | None = None
) -> tuple[Planned, ...]:
    return tuple(Planned(scenario, scenario.trials_per_cell(trials, hours)) for scenario in scenarios)


def check_counts(scenarios: Sequence[ScenarioFile], trials: int | None, hours: float | None) -> None:
    """Raises BadInput for a count that no scenario here takes: each counts either trials or hours."""
    of_hours = [one for one in scenarios if one.first.hours is not None]
    if hours is not None and not of_hours:
        raise BadInput(f"--hours {hours:g}: no scenario here counts hours; --trials N is what they take")
    if trials is not None and len(of_hours) == len(scenarios):
        raise BadInput(f"--trials {trials}: no scenario here counts trials; --hours H is what they take")


def chunks(planned: Planned, seed: int, done: set[tuple[str, int]]) -> list[tuple[TrialPlace, ...]]:
    """The trials still to run, in chunks whose trials share rooms where they can.

    Trials of one room and placement stand together, cell after cell, so that a worker meets each room's
    impulse responses once and two workers seldom compute the same ones.
    """
    scenario, room = planned.scenario, planned.scenario.first.room
    waiting = [
        TrialPlace(scenario.path.resolve(), cell, index, seed, scenario.first.split)
        for index in range(planned.trials_per_cell)
        for cell in scenario.cells()
        if (cell.key, index) not in done
    ]
    waiting.sort(key=lambda p: (p.index % room.bank, (p.index // room.bank) % room.placements))
    size = max(1, min(_CHUNK_TRIALS, int(_CHUNK_AUDIO_S / scenario.first.duration_s)))
    return _split(waiting, size)


def _split(places: Sequence[TrialPlace], size: int) -> list[tuple[TrialPlace, ...]]:
    return [tuple(places[i : i + size]) for i in range(0, len(places), size)]
