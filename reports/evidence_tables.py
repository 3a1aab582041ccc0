"""The tables of a page of evidence, one function a form: (figures, section) to lines of Markdown."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from reports import evidence_cells as cells
from reports import evidence_provenance as provenance
from reports.evidence import Figures, Line, Section
from reports.evidence_cells import WORDS
from reports.evidence_heard import confusion, grids, recordings
from reports.evidence_targets import (
    MET,
    MISSED,
    OPEN,
    UNIT_LOSS,
    UNITS_SURE,
    range_kept,
    targets,
    tone,
    units_alike,
    uploads,
)
from reports.markdown import table

AGAIN = (
    "Where there are more trials than rooms, a room and the places in it come again: in other cells, with the same draws, or once all rooms "
    "had their turn, with everything else drawn anew."
)


def identity(figures: Figures) -> list[str]:
    """What was under test, as it is told apart from any other: builds with the hash of the detector in them, draws, days and commits."""
    own = [line for line in figures.lines if figures.tests(line.detector)]
    builds = sorted({f"`{line.build}` {line.detector} {line.build_hash[:12]}" for line in own})
    told = f"Under test: {', '.join(builds)}." if builds else ""
    return [" ".join(filter(None, (told, draws(own), provenance.told(figures))))]


def draws(lines: Sequence[Line]) -> str:
    """Of which seeds they are, and which rows have draws of their own; empty where nothing is known."""
    usual = Counter(seed for line in lines for seed in line.seeds).most_common(1)
    if not usual:
        return ""
    plan = {seed for line in lines if usual[0][0] in line.seeds for seed in line.seeds}
    own: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line.seeds and plan.isdisjoint(line.seeds):
            own[_listed(line.seeds)].append(line.what)
    apart = [f"; of seed {seeds}: {', '.join(dict.fromkeys(whats))}" for seeds, whats in own.items()]
    return f"Draws of seed {_listed(plan)}{''.join(apart)}."


def _listed(seeds: Iterable[int]) -> str:
    return " and ".join(map(str, sorted(seeds)))


def summary(figures: Figures) -> list[str]:
    """How many targets are met, stage by stage where there are several."""
    told = []
    by_stage = targets(figures) or {"device": []}
    for stage, said in by_stage.items():
        count = {verdict: said.count(verdict) for verdict in WORDS}
        whose = "Of" if len(by_stage) == 1 else f"{stage.capitalize()}: of"
        told.append(
            f"{whose} {len(said)} targets {count[MET]} are met, {count[MISSED]} missed, {count[OPEN]} open."
        )
    return [" ".join(told)]


def found(figures: Figures, section: Section) -> list[str]:
    lines = _own(figures, section)
    with_ceiling = any(line.ceiling_matched is not None for line in lines)
    with_presence = any(line.present is not None for line in lines)
    rows = []
    for line in lines:
        row = [line.what, line.stage, cells.found(line), cells.median_time(line)]
        if with_presence:
            row.append(cells.present(line))
        if with_ceiling:
            row.append(cells.ceiling(line))
        rows.append([*row, line.limit or "", cells.verdict(line), cells.missing(line)])
    present = ["called present in time"] if with_presence else []
    ceiling = ["ceiling; receiver of energy; trials"] if with_ceiling else []
    heads = ["what", "stage", "found", "median latency", *present, *ceiling, "target", "verdict", "missing"]
    return _staged(heads, rows)


def silent(figures: Figures, section: Section) -> list[str]:
    """Trials without an event of the label: in how many of them it was reported."""
    rows = []
    for line in _own(figures, section):
        share, high = line.silent_share or 0.0, line.silent_high
        count = f"{line.silent_alarmed}/{line.silent_trials}"
        told = "-" if high is None else f"{count} = {share:.4f}, at most {high:.4f}"
        rows.append(
            [
                line.what,
                line.stage,
                line.label,
                told,
                line.limit or "",
                cells.verdict(line),
                cells.missing(line),
            ]
        )
    heads = ["what", "stage", "called", "in trials", "target", "verdict", "missing"]
    return _staged(heads, rows)


def held(figures: Figures, section: Section) -> list[str]:
    rows = []
    for line in _own(figures, section):
        said = cells.found(line)
        if line.silent_trials:
            said = (
                f"{line.silent_share:.3f} of {line.silent_trials} half hours, at most {line.silent_high:.3f}"
                + ("" if line.rooms is None else f", in {line.rooms} rooms")
            )
        rows.append([line.what, said, line.limit or "", cells.verdict(line), cells.missing(line)])
    told = table(["what", "found", "target", "verdict", "missing"], rows)
    for line in _own(figures, section):
        if line.tone_on_limit is not None and line.occupied_duty is not None:
            verdict = WORDS[tone(line) or OPEN]
            share, limit = f"{line.occupied_duty:.0%}", f"{line.tone_on_limit:.0%}"
            low, high = line.occupied_duty_low or 0.0, min(1.0, line.occupied_duty_high or 1.0)
            said = (
                f"With somebody there the tone was on for {share} of the time, {low:.0%} to {high:.0%} at the confidence that the verdict takes "
                f"(target: at most {limit}): {verdict}{'' if line.complete else ', of as many half hours as above'}."
            )
            told += ["", said]
    return told


def exposure(figures: Figures, section: Section) -> list[str]:
    lines = _own(figures, section)
    with_others = any(line.others for line in lines)
    rows = [
        [
            line.what,
            line.stage,
            cells.false_alarms(line),
            f"{line.hours:.2f}",
            cells.played(line),
            f"{24.0 * line.false_alarms / line.hours:.2f}, at most {line.per_day_high:.3g}"
            if line.hours
            else "-",
            "-" if line.active is None else f"{line.active:.3%}",
            "-" if line.duty is None else f"{line.duty:.0%}",
            *([cells.others(line)] if with_others else []),
            line.limit or "",
            cells.verdict(line),
            cells.missing(line),
        ]
        for line in lines
    ]
    told = _staged(
        [
            "what",
            "stage",
            "alarms",
            "hours",
            "trials; rooms",
            "a day",
            "in alarm",
            "listened",
            *(["told beside"] if with_others else []),
            "target a day",
            "verdict",
            "missing",
        ],
        rows,
    )
    return told + ["", AGAIN] * any(cells.rooms_again(line) for line in lines)


def second_look(figures: Figures, section: Section) -> list[str]:
    """What the verifier makes of what the device flags, from the counts of both."""
    lines = _own(figures, section)
    rows = []
    for name in dict.fromkeys(line.row for line in lines):
        of_row = {line.stage: line for line in lines if line.row == name}
        if {"device", "cascade"} <= set(of_row):
            device, cascade = of_row["device"], of_row["cascade"]
            true = device.trials > 0
            flagged, passed = (cells.alarms(device), cells.alarms(cascade))
            share = f"{passed / flagged:.3f}" if flagged else "-"
            rows.append(
                [device.what, device.label, "true" if true else "false", str(flagged), str(passed), share]
            )
    return table(
        ["what", "called", "these are", "flagged by the device", "left by the verifier", "share"], rows
    )


def uploaded(figures: Figures, section: Section) -> list[str]:
    """Clips that leave the device, of rows that say how many may."""
    rows = []
    for line in _own(figures, section):
        limit = line.uploads_limit
        if limit is None or line.uploads is None or line.uploads_high is None or line.stage == "cascade":
            continue
        rows.append(
            [
                line.scenario,
                str(line.uploads),
                f"{line.uploads_hours or line.hours:.0f}",
                f"{line.uploads_per_day:.2f}, at most {line.uploads_high:.3g}",
                "-" if line.uploaded_s_per_day is None else f"{line.uploaded_s_per_day:.1f}",
                f"at most {limit:g}",
                WORDS[uploads(line) or OPEN],
            ]
        )
    return table(
        ["scenario", "clips", "hours", "clips a day", "seconds of audio a day", "target", "verdict"], rows
    )


def ranges(figures: Figures, section: Section) -> list[str]:
    rows = [
        [
            one.what,
            f"{one.range_m:.1f} m of {'more than ' if one.beyond else ''}{one.quiet_m:.1f} m",
            "-"
            if math.isnan(one.ratio)
            else f"{'less than ' if one.beyond else ''}{one.ratio:.0%}, {one.low:.0%} to {one.high:.0%}",
            f"at least {one.limit:.0%}",
            WORDS[range_kept(one)],
            cells.pairs(one),
        ]
        for one in figures.ranges
    ]
    return table(["what", "range", "of quiet", "target", "verdict", "paired trials a distance"], rows)


def units(figures: Figures, section: Section) -> list[str]:
    lines = figures.units
    if not lines:
        return table([], [])
    kept = sum(one.difference >= UNIT_LOSS for one in lines)
    sure = sum(one.low >= UNIT_LOSS for one in lines)
    said = (
        f"{kept} of {len(lines)} units find at most {-UNIT_LOSS:g} less than the one as designed; of {sure} the bound says so too "
        f"(target: {UNITS_SURE}): {WORDS[units_alike(lines)]}. {min(one.trials for one in lines)} paired trials a unit at least, of {max(one.asked for one in lines)}"
        + (f", {cells.GREW}." if any(one.grown for one in lines) else ".")
    )
    heads = ["unit", *(str(one.unit) for one in lines)]
    body = [
        ["difference", *(f"{one.difference:+.3f}" for one in lines)],
        ["at least", *(f"{one.low:+.3f}" for one in lines)],
    ]
    return [said, "", *table(heads, body)]


def compared(figures: Figures, section: Section) -> list[str]:
    lines = [line for line in figures.lines if line.group in section.groups]
    detectors = list(dict.fromkeys(line.detector for line in lines))
    rows = []
    for row in dict.fromkeys(line.row for line in lines):
        of_row = {line.detector: line for line in lines if line.row == row}
        first = next(iter(of_row.values()))
        told = cells.found if len(detectors) == 1 and first.trials else cells.point
        rows.append(
            [
                f"{first.what} ({cells.heard(first)})",
                *(told(of_row[name]) if name in of_row else "" for name in detectors),
            ]
        )
    return table(["what", *detectors], rows)


def text(figures: Figures, section: Section) -> list[str]:
    return [section.text.strip()] if section.text.strip() else []


def split(figures: Figures, section: Section) -> list[str]:
    """A sentence for each line that is split by what was drawn."""
    told = []
    for line in _own(figures, section):
        if line.by:
            parts = ", ".join(f"{value} {hits} of {all_}" for value, (hits, all_) in line.by.items())
            told += [
                "",
                f"{line.what[0].upper()}{line.what[1:]} ({line.stage}), by `{line.by_key}`: {parts}.",
            ]
    return told


def before(figures: Figures, section: Section) -> list[str]:
    """A sentence for each line of which other draws were published."""
    told = []
    for line in _own(figures, section):
        drawn = [
            f"seed {_listed(one.seeds)} {one.told}, {', '.join(WORDS[said] for said in one.verdicts) or 'reported'}"
            for one in line.earlier
        ]
        if drawn:
            told += [
                "",
                f"{line.what[0].upper()}{line.what[1:]} ({line.stage}), drawn before: {'; '.join(drawn)}.",
            ]
    return told


FORMS: dict[str, Callable[[Figures, Section], list[str]]] = {
    "found": found,
    "silent": silent,
    "held": held,
    "exposure": exposure,
    "second_look": second_look,
    "uploads": uploaded,
    "ranges": ranges,
    "units": units,
    "compared": compared,
    "confusion": confusion,
    "recordings": recordings,
    "grid": grids,
    "text": text,
}


def _own(figures: Figures, section: Section) -> list[Line]:
    return [line for line in figures.lines if figures.tests(line.detector) and line.group in section.groups]


def _staged(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The column of stages is left out where there is one stage."""
    if len({row[1] for row in rows}) < 2:
        heads, rows = [heads[0], *heads[2:]], [[row[0], *row[2:]] for row in rows]
    return table(heads, rows)
