"""What a body of evidence is asked for and how each of these stands: the limits of its scenarios and those that its plan states beside them."""

from __future__ import annotations

from reports.evidence import Figures, Line, RangeLine, UnitLine

MET, MISSED, OPEN = "pass", "fail", "inconclusive"
LEAST_PAIRS = 30  # for a bootstrap to mean anything
LEAST_EVENTS = 30  # the same, of a share of the time
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
    """None where nothing is asked or tried. Of all that was tried: what is not found is later than any."""
    if line.median_limit_s is None or not line.trials:
        return None
    return _at_most(line.median_limit_s, line.median_low_s, line.median_high_s)


def tone(line: Line) -> str | None:
    """None where nothing is asked or found."""
    if line.tone_on_limit is None or line.occupied_duty is None:
        return None
    if line.silent_trials < LEAST_EVENTS:
        return OPEN
    return _at_most(line.tone_on_limit, line.occupied_duty_low, line.occupied_duty_high)


def _at_most(limit: float, low: float | None, high: float | None) -> str:
    if high is not None and high <= limit:
        return MET
    return MISSED if low is not None and low > limit else OPEN


def uploads(line: Line) -> str | None:
    if line.uploads_limit is None or line.uploads_high is None:
        return None
    if line.uploads_high <= line.uploads_limit:
        return MET
    return MISSED if (line.uploads_low or 0.0) > line.uploads_limit else OPEN


def range_kept(one: RangeLine) -> str:
    """A reference whose range was not reached lets the ratio only be missed. One that grew waits for other draws."""
    if one.grown or one.trials < max(LEAST_PAIRS, one.asked):
        return OPEN
    if one.high < one.limit:
        return MISSED
    return MET if one.low >= one.limit and not one.beyond else OPEN


def units_alike(lines: list[UnitLine]) -> str:
    """Whether the bounds of so many units say that they lose no more than may be lost, or that they lose more. If they grew they wait for
    other draws."""
    if any(one.grown or one.trials < one.asked for one in lines):
        return OPEN
    if sum(one.low >= UNIT_LOSS for one in lines) >= UNITS_SURE:
        return MET
    lost = sum(one.high is not None and one.high < UNIT_LOSS for one in lines)
    return MISSED if lost > UNITS - UNITS_SURE else OPEN
