"""Rows of which a plan asks for more after all that it asked for was there and looked at, or for less after any look: who sees an open verdict
may ask for as much as passes. Such rows go on taking the bounds of a look between, or stay open, until they have draws of another seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.runs.evidence import EvidenceRow, Plan
from lab.runs.findings import Grown, never
from reports.evidence import Earlier, Figures, Line, RangeLine, UnitLine
from reports.evidence_targets import verdicts


def grown(row: EvidenceRow, before: Figures | None) -> Grown:
    """Whether a row grew, by detector, stage and seeds; never where nothing was published before."""
    if before is None:
        return never

    def said(detector: str, stage: str, seeds: Sequence[int]) -> bool:
        own = row.name, detector, stage, row.build.parts.get(detector), row.scenario.hash
        looks = [other for other in before.lines if subject(other) == own]
        return _grew(looks, seeds, row.spec.asked, len(row.cells))

    return said


def as_grown(line: Line, before: Figures) -> Line:
    """Told apart where the plan was changed after a look, and with what was published of other draws."""
    for other in before.lines:
        if subject(other) == subject(line):
            grew = line.grown or _grew([other], line.seeds, line.asked, line.cells)
            apart = [
                look for look in (*other.earlier, earlier(other)) if not set(look.seeds) <= set(line.seeds)
            ]
            return line.model_copy(update={"grown": grew, "earlier": apart})
    return line


def earlier(line: Line) -> Earlier:
    """What is kept of a line whose draws count no more."""
    return Earlier(
        seeds=line.seeds,
        asked=line.asked,
        cells=line.cells,
        complete=line.complete,
        grown=line.grown,
        told=f"{line.false_alarms} in {line.hours:.1f} h"
        if line.of_hours
        else f"{line.detected} of {line.trials}",
        verdicts=verdicts(line),
    )


def ranges_as_grown(fresh: Figures, before: Figures, plan: Plan) -> list[RangeLine]:
    """Ranges of `fresh`, told apart likewise, where either of the two rows that are compared was of the same draws."""
    names = {
        row.spec.what: {row.name, row.spec.reference}
        for row in plan.rows
        if row.spec.of_reference is not None
    }
    return [
        one.model_copy(update={"grown": True})
        if _same_draws(names.get(one.what, set()), fresh, before)
        and any(
            other.grown or _all_seen([other], one.asked) for other in before.ranges if other.what == one.what
        )
        else one
        for one in fresh.ranges
    ]


def units_as_grown(fresh: Figures, before: Figures, row: str) -> list[UnitLine]:
    """Units of `fresh`, told apart likewise: they are looked at together. row: of the plan, whose cells they are."""
    asked = max((one.asked for one in fresh.units), default=0)
    looked = any(one.grown for one in before.units) or _all_seen(before.units, asked)
    if not looked or not _same_draws({row}, fresh, before):
        return fresh.units
    return [one.model_copy(update={"grown": True}) for one in fresh.units]


def _grew(lines: Iterable[Line], seeds: Sequence[int], asked: float, cells: int) -> bool:
    """lines: published of a row, with what other draws of it had found."""
    return any(_changed(look, seeds, asked, cells) for line in lines for look in (line, *line.earlier))


def _changed(look: Line | Earlier, seeds: Sequence[int], asked: float, cells: int) -> bool:
    """Whether a look at draws that count was of less, or at a part of what was asked for then and is not now."""
    if not look.seeds or not set(look.seeds) <= set(seeds):
        return False
    less = asked < look.asked or cells < look.cells
    more = look.asked < asked or look.cells < cells or len(look.seeds) < len(set(seeds))
    return look.grown or less or (look.complete and more)


def _all_seen(lines: Sequence[RangeLine | UnitLine], asked: int) -> bool:
    """Whether all pairs were there that were asked for, and those were fewer than are now. Older figures do not say what was asked for."""
    return bool(lines) and all(one.trials >= one.asked > 0 and one.asked < asked for one in lines)


def _same_draws(rows: Iterable[str | None], fresh: Figures, before: Figures) -> bool:
    of_rows = [line for line in fresh.lines if line.row in rows and fresh.tests(line.detector)]
    known = [(subject(line), line.seeds) for line in before.lines]
    return any((subject(line), line.seeds) in known for line in of_rows)


def subject(line: Line) -> tuple[str | None, ...]:
    """What a line is of, whatever was drawn."""
    return line.row, line.detector, line.stage, line.build_hash, line.scenario_hash
