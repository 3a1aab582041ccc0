"""What was asked of the cells of a scenario, what became of it, and the limits that it leaves unjudged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.scoring.records import Scalar
from lab.verdicts.limits import Limit


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
    """A limit and the planned cells that it speaks of and of which nothing was heard."""

    metric: str
    label: str | None
    where: dict[str, Scalar]
    limit: str
    cells: list[dict[str, Scalar]]


def cell_trials(plan: CellPlan, heard: Sequence[str | None]) -> CellTrials:
    """heard: of each trial why it is invalid, None of a valid one."""
    invalid = sum(reason is not None for reason in heard)
    return CellTrials(dict(plan.cell), plan.trials, plan.trials - len(heard), invalid, plan.repeated)


def unjudged(limits: Iterable[Limit], counts: Iterable[CellTrials]) -> Iterator[UnjudgedLimit]:
    silent = [one.cell for one in counts if one.not_run == one.planned]
    for limit in limits:
        if cells := [cell for cell in silent if limit.matches(cell)]:
            yield UnjudgedLimit(limit.metric, limit.label, dict(limit.where), limit.text, cells)
