"""What was asked of the cells of a scenario, what became of it, and the limits that it leaves unjudged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from detectors.interface import DUT
from lab.scoring.records import Scalar
from lab.verdicts.limits import Limit, Subject


@dataclass(frozen=True)
class CellPlan:
    """trials: planned. repeated: valid ones that were played again at a bench, as often as they were."""

    cell: Mapping[str, Scalar]
    trials: int
    repeated: int = 0


@dataclass(frozen=True)
class CellTrials:
    """What became of the trials of a planned cell."""

    cell: dict[str, Scalar]
    planned: int
    not_run: int
    invalid: int
    repeated: int


@dataclass(frozen=True)
class UnjudgedLimit:
    """A limit and the planned cells in which nothing answers it. reason: why, one for all of them."""

    metric: str
    label: str | None
    where: dict[str, Scalar]
    limit: str
    cells: list[dict[str, Scalar]]
    reason: str


NOT_RUN = "no trial of it was run"
NO_DEVICE = "no device under test reports it here"
NO_BENCH = "a device under test reports on a bench only"
NO_DETECTOR = "no detector reports it here"


def cell_trials(plan: CellPlan, heard: Sequence[str | None]) -> CellTrials:
    """heard: of each trial why it is invalid, None of a valid one."""
    invalid = sum(reason is not None for reason in heard)
    return CellTrials(dict(plan.cell), plan.trials, plan.trials - len(heard), invalid, plan.repeated)


def unjudged(
    limits: Iterable[Limit], counts: Iterable[tuple[CellTrials, Sequence[Subject]]]
) -> Iterator[UnjudgedLimit]:
    """counts: of every planned cell, with who reported what in it."""
    counts = list(counts)
    for limit in limits:
        cells: dict[str, list[dict[str, Scalar]]] = {}
        for count, reported in counts:
            if limit.matches(count.cell) and (reason := _silence(limit, count, reported)):
                cells.setdefault(reason, []).append(count.cell)
        for reason, silent in cells.items():
            yield unjudged_in(limit, silent, reason)


def unjudged_in(limit: Limit, cells: Iterable[Mapping[str, Scalar]], reason: str) -> UnjudgedLimit:
    """cells: planned; those that the limit speaks of are named."""
    silent = [dict(cell) for cell in cells if limit.matches(cell)]
    return UnjudgedLimit(limit.metric, limit.label, dict(limit.where), limit.text, silent, reason)


def _silence(limit: Limit, count: CellTrials, reported: Sequence[Subject]) -> str | None:
    """Why nothing answers a limit in a cell, None where something does."""
    if count.not_run == count.planned:
        return NOT_RUN
    if any(limit.asks(subject) for subject in reported):
        return None
    return NO_DEVICE if limit.stage == DUT else NO_DETECTOR
