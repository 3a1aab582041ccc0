"""What a run was asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab.bench.protocol import Origin, origin_of
from rigs.rig_file import RigFile


def default_jobs() -> int:
    """One worker for each core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class RunOptions:
    """trials: per cell, instead of the scenario's own. hours: per exposure cell. seed: of all draws.

    build: a build file, None for the reference. out: the run's directory. jobs: worker processes, >= 1. split: of rooms, clips and
    draws, instead of the scenarios' own. resume: do what is left of the run in `out`. tags: only scenarios that carry all of them.
    corpus: folder of recordings, None for the cache. store: database URL, None for SQLite in `out`. examples: clips of the worst misses
    and false alarms kept per scenario. rig: run on this bench instead of in simulated rooms. lifted: safety limits of the bench that a
    person there has lifted for this run. operator: who runs it, by name.
    """

    out: Path
    trials: int | None = None
    hours: float | None = None
    seed: int | None = None
    build: Path | None = None
    split: str | None = None
    jobs: int = 1
    resume: bool = False
    tags: tuple[str, ...] = ()
    corpus: Path | None = None
    store: str | None = None
    examples: int = 6
    rig: RigFile | None = None
    lifted: frozenset[str] = frozenset()
    operator: str | None = None

    @property
    def origin(self) -> Origin:
        return Origin.SIMULATED if self.rig is None else origin_of(self.rig)

    @property
    def scope(self) -> str | None:
        """What verdicts of this run speak of where that is less than all rooms."""
        one_room = self.rig is not None and self.rig.kind == "physical"
        return f"room {self.rig.room} only" if one_room else None
