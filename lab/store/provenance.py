"""Which code on which machine made how many of the trials that figures are of, and when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from lab.store.records import BatchRecord
from lab.store.results import Record


class Provenance(Record):
    """Trials made by one commit, with one set of packages, on one type of machine.

    commit: `+changes` where the checkout differed from it, `unknown` outside one. first, last: ISO 8601 days, UTC.
    """

    commit: str
    python: str
    packages: dict[str, str]
    machine: str
    first: str
    last: str
    trials: int

    @property
    def made_with(self) -> tuple[str, ...]:
        return self.commit, self.python, json.dumps(self.packages, sort_keys=True), self.machine


def of_batches(batches: Iterable[tuple[BatchRecord | None, int]]) -> list[Provenance]:
    """batches: and how many trials each brought; None, of which nothing was kept, are left out."""
    return added(
        Provenance(
            commit=batch.commit,
            python=batch.python,
            packages=dict(batch.packages),
            machine=batch.machine,
            first=batch.began[:10],
            last=batch.ended[:10],
            trials=trials,
        )
        for batch, trials in batches
        if batch is not None
    )


def added(parts: Iterable[Provenance]) -> list[Provenance]:
    """One for each code and machine, trials added up, the earliest first."""
    found: dict[tuple[str, ...], Provenance] = {}
    for part in parts:
        known = found.get(part.made_with)
        if known is not None:
            days = {"first": min(part.first, known.first), "last": max(part.last, known.last)}
            part = part.model_copy(update={**days, "trials": part.trials + known.trials})
        found[part.made_with] = part
    return sorted(found.values(), key=lambda one: (one.first, one.last, one.made_with))


def either(some: Sequence[Provenance], others: Sequence[Provenance]) -> list[Provenance]:
    """Of counts that were taken in part from `some` and in part from `others`: of each code and machine at least so many."""
    most = {one.made_with: one for one in sorted([*some, *others], key=lambda one: one.trials)}
    return added(most.values())


def at_most(parts: Sequence[Provenance], trials: int) -> list[Provenance]:
    """Of so many trials, without those that came last: a store may grow between a look at its trials and one at how they were made."""
    surplus, found = sum(one.trials for one in parts) - trials, []
    for one in sorted(parts, key=lambda one: one.last, reverse=True):
        left = one.trials - min(one.trials, max(0, surplus))
        surplus -= one.trials - left
        if left:
            found.append(one.model_copy(update={"trials": left}))
    return added(found)
