"""What a body of evidence is asked for and how each of these stands: the limits of its scenarios and those that its plan states beside them."""

from __future__ import annotations

from reports.evidence import Figures, Line, RangeLine, UnitLine

MET, MISSED, OPEN = "pass", "fail", "inconclusive"
LEAST_PAIRS = 30  # for a bootstrap to mean anything
LEAST_EVENTS = 30  # for a median, or a share of the time
UNIT_LOSS, UNITS_SURE, UNITS = -0.05, 18, 20  # so many of so many units may lose no more


def targets(figures: Figures) -> dict[str, list[str]]:
    """Stage -> MET, MISSED or OPEN of each of its targets."""
    own = [
        line
        for line in figures.lines
        if figures.tests(line.detector) and not line.group.startswith("compared")
    ]
    found: dict[str, list[str]] = {}
    for line in own:
        found.setdefault(line.stage, []).extend(verdicts(line))
    if own:
        found[own[0].stage] += [range_kept(one) for one in figures.ranges]
        found[own[0].stage] += [units_alike(figures.units)] if figures.units else []
    return found


def verdicts(line: Line) -> list[str]:
    """MET, MISSED or OPEN of each target that a row has of its own; empty for one that is only reported."""
    said = [line.verdict, median(line), tone(line), None if line.stage == "cascade" else uploads(line)]
    return [one for one in said if one in (MET, MISSED, OPEN)]


def median(line: Line) -> str | None:
    return _at_most(line.median_limit_s, line.median_s, line.trials)


def tone(line: Line) -> str | None:
    return _at_most(line.tone_on_limit, line.occupied_duty, line.silent_trials)


def _at_most(limit: float | None, found: float | None, count: int) -> str | None:
    """Of what has no bound: found in so many. None where nothing is asked or found."""
    if limit is None or found is None:
        return None
    if count < LEAST_EVENTS:
        return OPEN
    return MET if found <= limit else MISSED


def uploads(line: Line) -> str | None:
    if line.uploads_limit is None or line.uploads_high is None:
        return None
    if line.uploads_high <= line.uploads_limit:
        return MET
    return MISSED if (line.uploads_low or 0.0) > line.uploads_limit else OPEN


def range_kept(one: RangeLine) -> str:
    if one.trials < LEAST_PAIRS:
        return OPEN
    return MET if one.low >= one.limit else MISSED if one.high < one.limit else OPEN


def units_alike(lines: list[UnitLine]) -> str:
    """Whether the bounds of so many units say that they lose no more than may be lost, or that they lose more."""
    if sum(one.low >= UNIT_LOSS for one in lines) >= UNITS_SURE:
        return MET
    lost = sum(one.high is not None and one.high < UNIT_LOSS for one in lines)
    return MISSED if lost > UNITS - UNITS_SURE else OPEN
