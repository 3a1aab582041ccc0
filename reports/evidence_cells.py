"""What stands in the cells of the tables of a page of evidence."""

from __future__ import annotations

import math

from reports.evidence import Line, RangeLine
from reports.evidence_checks import short
from reports.evidence_targets import LEAST_PAIRS, MET, MISSED, OPEN, median, range_kept

GREW = "but the plan was changed after a look: draws of another seed"
WORDS = {MET: "met", MISSED: "**missed**", OPEN: "open"}


def found(line: Line) -> str:
    """Events found, with bounds, and in which of several cells the fewest."""
    if not line.trials or line.low is None or line.high is None:
        return "-"
    rate = line.detected / line.trials
    told = f"{line.detected}/{line.trials} = {rate:.3f} [{line.low:.3f}, {line.high:.3f}]"
    if line.worst is None or line.worst[1] / line.worst[2] >= rate:
        return told
    alone = "" if (most := short(line)) is None else f", at most {most:.3f}"
    return f"{told}; {line.worst[0]}: {line.worst[1]}/{line.worst[2]} = {line.worst[1] / line.worst[2]:.3f}{alone}"


def median_time(line: Line) -> str:
    """Of those found; its bounds are of all that were tried."""
    stands, told = median(line), "-" if line.median_s is None else f"{line.median_s:.2f} s"
    if stands is None:
        return "" if line.median_s is None else told
    low, high = line.median_low_s or 0.0, line.median_high_s
    bounds = ", ".join("-" if one is None or math.isinf(one) else f"{one:.2f}" for one in (low, high))
    return f"{told} [{bounds}], at most {line.median_limit_s:g}: {WORDS[stands]}"


def present(line: Line) -> str:
    """Whoever moves so that it is told should also be present."""
    if line.present is None:
        return ""
    median_s = "" if line.present_median_s is None else f", {line.present_median_s:.2f} s"
    return f"{line.present}/{line.present_of} = {line.present / max(line.present_of, 1):.3f}{median_s}"


def others(line: Line) -> str:
    """What was told where nobody was, but called nobody present: how often, and how often a day."""
    told = []
    for name, count in sorted(line.others.items()):
        high = line.others_high.get(name)
        if count and line.hours:
            a_day = f": {24.0 * count / line.hours:.3g} a day"
            told.append(f"{name} {count}{a_day}" + ("" if high is None else f", at most {high:.3g}"))
    return "; ".join(told)


def false_alarms(line: Line) -> str:
    """How many, and in how many trials where that is fewer; trials of earlier draws are not told."""
    clumped = 0 < line.alarmed < line.false_alarms and len(line.seeds) < 2
    return f"{line.false_alarms}" + (f" in {line.alarmed} trials" if clumped else "")


def played(line: Line) -> str:
    """In how many trials hours were heard, and in how many different rooms; of the last of several draws."""
    trials = line.silent_trials if line.played is None else line.played
    told = f"{trials}; {'not kept' if line.rooms is None else line.rooms}"
    return told if len(line.seeds) < 2 else f"{told}, of seed {line.seeds[-1]} alone"


def rooms_again(line: Line) -> bool:
    return line.rooms is not None and line.played is not None and line.played > line.rooms


def heard(line: Line) -> str:
    """Of what a row is: trials, or hours, and how many of those that were asked for."""
    of = "" if line.complete else f" of {line.asked * (1 if line.of_hours else line.cells):g}"
    if line.trials:
        return f"{line.trials}{of} trials"
    rooms = "" if line.rooms is None else f"; trials {line.played}, rooms {line.rooms}"
    return f"{line.hours:.2f}{of} h{rooms}"


def ceiling(line: Line) -> str:
    """What the matched filter finds, with its headroom, what the receiver of energy does; means over how many trials, of which draws."""
    if line.ceiling_matched is None:
        return ""
    seed = "" if line.ceiling_seed is None else f", seed {line.ceiling_seed}"
    of = "n not kept" if line.ceiling_trials is None else f"n = {line.ceiling_trials}{seed}"
    return f"{line.ceiling_matched:.2f} ({line.headroom_db:+.0f} dB); {line.ceiling_energy:.2f}; {of}"


def verdict(line: Line) -> str:
    return WORDS.get(line.verdict, "")


def missing(line: Line) -> str:
    """What a verdict still takes; of rows without one, how much of what is planned is there."""
    told = [line.needed] if line.verdict == OPEN and line.needed else []
    if median(line) == OPEN and line.complete:
        whose = "its bounds of 99.9 %, as the plan was changed," if line.grown else "its bounds"
        told.append(f"the median: {whose} hold the limit between them")
    elif median(line) == OPEN:
        told.append("the median: more trials")
    if line.verdict not in WORDS and not line.complete:
        told.append(f"{_part(line)} of what is planned are there")
    return "; ".join(told)


def _part(line: Line) -> str:
    if line.of_hours:
        return f"{line.hours:.2f} of {line.asked:g} h"
    return f"{line.trials or line.silent_trials} of {line.asked * line.cells:g} trials"


def pairs(one: RangeLine) -> str:
    asked = max(LEAST_PAIRS, one.asked)
    if range_kept(one) != OPEN or one.trials < asked:
        return f"{one.trials} of {asked}"
    why = GREW if one.grown else "and the bounds hold the limit between them"
    return f"{one.trials} of {asked}: all there, {why}"


def alarms(line: Line) -> int:
    """Events found, else alarms in hours of exposure, else trials with an alarm."""
    if line.trials:
        return line.detected
    return line.false_alarms if line.of_hours else line.silent_alarmed


def point(line: Line) -> str:
    """Share found; of hours how many alarms, and a day where there were any: of none in so many hours no rate is known."""
    if line.trials:
        return f"{line.detected / line.trials:.2f}"
    if not line.hours or not line.false_alarms:
        return "0" if line.hours else "-"
    return f"{line.false_alarms}: {24.0 * line.false_alarms / line.hours:.0f} a day"
