"""Whether figures are those of the ledger, and whether their counts bear their verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lab.store.counts import Counts
from lab.store.ledger import Entry
from lab.verdicts.decisions import MAX_ACTIVE_FRACTION
from lab.verdicts.exposure import HOURS_A_DAY
from lab.verdicts.intervals import CONFIDENCE, INTERIM, Bounds, proportion, rate
from reports.evidence import Figures, Line

Cell = Mapping[str, object]


def unsupported(figures: Figures, entries: Sequence[Entry], cells: Mapping[str, Sequence[Cell]]) -> list[str]:
    """What is wrong with lines whose counts are not those of a current entry of the ledger, or do not bear their verdicts; empty when
    nothing is. cells: of each row of the plan."""
    current = {
        (entry.scenario_hash, entry.build_hash): entry
        for entry in entries
        if entry.current and entry.origin == "simulated" and entry.scope is None
    }
    wrong = []
    for line in figures.lines:
        entry = current.get((line.scenario_hash, line.build_hash))
        told = f"{line.row}: {line.detector} ({line.stage})"
        if entry is None:
            wrong.append(f"{told}: the ledger has no current entry of it")
        elif not _agree(line, _counts(line, entry, cells.get(line.row, ()))):
            wrong.append(f"{told}: the ledger holds other counts")
        if not borne(line):
            wrong.append(f"{told}: its counts do not bear that it is called {line.verdict}")
    return wrong


def borne(line: Line) -> bool:
    """Whether counts bear a verdict even if every trial and alarm tells something of its own, which is the most that they can be worth.
    Before all is there that the plan asks for, or where it asks for more since a look at all of it, with the confidence of a look between."""
    if line.verdict not in ("pass", "fail") or line.limit is None:
        return True
    least, limit = _asked(line)
    if line.verdict == "fail" and short(line) is not None:
        return True
    if line.verdict == "fail" and line.of_hours and (line.active or 0.0) > MAX_ACTIVE_FRACTION:
        return True
    if line.trials and not least:  # a time, of which the line has not all that was counted
        return True
    found = _bounds(line, _confidence(line))
    if line.verdict == "pass" and short(line) is not None:
        return False
    if line.verdict == "pass":
        return found.low >= limit if least else found.high <= limit
    return found.high < limit if least else found.low > limit


def short(line: Line) -> float | None:
    """The most that the rate of the cell that found least can be, where that is below the row's limit, however much the others make up
    for it: a bound of what the verdict takes, shared among the cells, as the least of several is the least by chance as well."""
    if line.limit is None or line.worst is None or not line.trials:
        return None
    least, limit = _asked(line)
    _, found, trials = line.worst
    high = proportion(found, trials, 1.0 - (1.0 - _confidence(line)) / line.cells).high
    return high if least and high < limit else None


def _asked(line: Line) -> tuple[bool, float]:
    """Whether `at least`, and how much."""
    assert line.limit is not None
    return line.limit.startswith("at least"), float(line.limit.split()[-1])


def _confidence(line: Line) -> float:
    return CONFIDENCE if line.complete and not line.grown else INTERIM


def _bounds(line: Line, confidence: float) -> Bounds:
    if line.of_hours:
        return rate(line.false_alarms, line.hours / HOURS_A_DAY, confidence)
    if line.trials:
        return proportion(line.detected, line.trials, confidence)
    return proportion(line.silent_alarmed, line.silent_trials, confidence)


def _counts(line: Line, entry: Entry, cells: Sequence[Cell]) -> list[Counts]:
    """Those of a line's cells, of all its draws."""
    own = line.detector, line.stage, line.label
    return [
        one
        for share in entry.shares
        if share.seed in line.seeds
        for one in share.rows
        if (one.detector, one.stage, one.label) == own and one.cell in cells
    ]


def _agree(line: Line, rows: Sequence[Counts]) -> bool:
    same = [
        math.isclose(line.hours, sum(one.hours for one in rows), abs_tol=1e-6),
        line.false_alarms == sum(one.false_alarms for one in rows),
    ]
    if line.trials:
        same.append(line.trials == sum(one.trials for one in rows))
        same.append(line.detected == sum(one.detected for one in rows))
    silent = [one.silent for one in rows if one.silent is not None]
    if (
        line.silent_trials and len(silent) == len(rows) and len(line.seeds) < 2
    ):  # trials are told of the last draw
        same.append(line.silent_trials == sum(trials for _, trials in silent))
        same.append(line.silent_alarmed == sum(alarmed for alarmed, _ in silent))
    return bool(rows) and all(same)
