"""What a row found, split by what was drawn: which of five motions was lost, in which kind of room it rang."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.scoring.outcome import Outcome
from lab.store.records import TrialRecord


def value_at(values: Any, key: str) -> str | None:
    """What stands at `movers.person.gesture` in drawn values, members of lists by their name; None where nothing does."""
    at = values
    for part in key.split("."):
        if isinstance(at, Mapping):
            at = at.get(part)
        elif isinstance(at, list | tuple):
            at = next((one for one in at if isinstance(one, Mapping) and one.get("name") == part), None)
        else:
            return None
    return None if at is None or isinstance(at, Mapping | list | tuple) else str(at)


def by_drawn(
    key: str, records: Iterable[TrialRecord], subject: tuple[str, str, str], expected: bool
) -> dict[str, tuple[int, int]]:
    """Value of a cell or of what was drawn -> (events found, events); where none is expected (trials with a false alarm, trials).
    subject: detector, stage, label.
    """
    found: dict[str, tuple[int, int]] = {}
    for record in records:
        value = value_at(record.cell, key) or value_at(record.drawn, key)
        for outcome in map(Outcome.from_json, record.outcomes):
            if value is None or outcome.invalid is not None or outcome.key != subject:
                continue
            if expected:
                hits, all_ = (
                    sum(t.detected(outcome.rule.threshold) for t in outcome.targets),
                    len(outcome.targets),
                )
            else:
                hits, all_ = int(bool(outcome.false_alarms)), 1
            before = found.get(value, (0, 0))
            found[value] = before[0] + hits, before[1] + all_
    return dict(sorted(found.items()))
