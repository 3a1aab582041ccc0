"""From what a campaign has measured to the figures of its page."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lab.commands.evidence_ceilings import RowCeiling, ceilings, with_ceiling
from lab.commands.evidence_growth import as_grown, grown, ranges_as_grown, subject, units_as_grown
from lab.runs.campaign import Campaign
from lab.runs.evidence import EvidenceRow, Plan
from lab.runs.findings import Finding, findings, needed_of, ranges, units
from lab.runs.heard import by_recording, grid, reported
from reports.evidence import Figures, GridLine, HeardLine, Line, RangeLine, Section, UnitLine
from reports.evidence_checks import borne, short

RANGE_RATE = 0.90
UNITS = "units"
GRID_SOURCE, GRID_KEYS = "alarm", ("carrier_hz", "on_s", "off_s", "pause_s")
LATE_KEYS = ("carrier_hz", "on_s", "off_s", "late_pause_s")


def figures(campaign: Campaign, texts: Mapping[str, str], before: Figures | None = None) -> Figures:
    """texts: Markdown for the sections that have a name of one. before: what was published last, by which rows are told apart that grew."""
    plan = campaign.plan
    rows = {row.name: row for row in plan.rows}
    sections = [
        Section(
            title=one.title,
            form=one.form,
            groups=list(one.groups),
            text=texts.get(one.text, "") if one.text else "",
            note=one.note.strip(),
        )
        for one in plan.sections
    ]
    physical = ceilings(campaign)
    return Figures(
        title=plan.title,
        suite=plan.suite,
        under_test=plan.detector,
        note=plan.note.strip(),
        lines=[
            by_cells(_line(one, physical.get(row.name)))
            for row in plan.rows
            for one in findings(campaign, row, grown(row, before))
        ],
        units=_units(campaign, rows),
        ranges=_ranges(campaign, rows),
        heard=[
            line
            for one in sections
            if one.form in ("confusion", "recordings")
            for line in _heard(campaign, one)
        ],
        grids=[
            line
            for one in sections
            if one.form == "grid"
            for row in plan.rows
            if row.spec.group in one.groups
            for line in _grid(campaign, row)
        ],
        sections=sections,
    )


def kept(fresh: Figures, before: Figures, plan: Plan) -> Figures:
    """`fresh` with what was published before of rows of which less is stored here: recordings that are elsewhere, or a folder that is gone.

    Figures of another scenario or build than the plan's are not kept, nor those of draws that do not count in it, and a verdict only where
    the counts bear it.
    """
    now = {row.name: row for row in plan.rows}
    much = {row: 0.0 for row in now}
    for line in fresh.lines:
        much[line.row] = max(much[line.row], _much(line))
    older = [
        line
        for line in before.lines
        if line.row in now
        and is_of(line, now[line.row])
        and line.seeds
        and {plan.seed_of(now[line.row]), *plan.counted_with_of(now[line.row])}.issuperset(line.seeds)
        and _much(line) > much[line.row]
    ]
    rows = {line.row for line in older}
    groups = {line.group for line in older}
    order = list(now)
    lines = [
        with_ceiling(with_uploads(as_borne(as_grown(line, before)), before), before)
        for line in fresh.lines
        if line.row not in rows
    ] + [with_median(as_borne(by_cells(line)), fresh) for line in older]
    return fresh.model_copy(
        update={
            "lines": sorted(lines, key=lambda line: order.index(line.row)),
            "heard": _either(fresh.heard, before.heard, lambda one: one.group in groups),
            "grids": _either(fresh.grids, before.grids, lambda one: one.row in rows),
            "units": before.units if UNITS in rows else units_as_grown(fresh, before, UNITS),
            "ranges": before.ranges if rows & _ranged(now) else ranges_as_grown(fresh, before, plan),
        }
    )


def by_cells(line: Line) -> Line:
    """Missed where one cell alone shows it: what is easy elsewhere does not make up for it."""
    return line if short(line) is None else line.model_copy(update={"verdict": "fail", "needed": None})


def as_borne(line: Line) -> Line:
    """Open where its counts do not bear the verdict that was published."""
    if borne(line):
        return line
    missing = f"{needed_of(line.grown and line.complete)} as it stands it would {line.verdict}"
    return line.model_copy(update={"verdict": "inconclusive", "needed": missing})


def with_uploads(line: Line, before: Figures) -> Line:
    """Clips that left the device as they were counted before, where that was of more hours: hours add up over draws, clips do not."""
    for other in before.lines:
        if subject(other) != subject(line):
            continue
        if other.uploads is not None and (other.uploads_hours or other.hours) > (line.uploads_hours or 0.0):
            other = other.model_copy(update={"uploads_hours": other.uploads_hours or other.hours})
            told = {name: value for name, value in dict(other).items() if name.startswith("upload")}
            return line.model_copy(update=told)
    return line


def with_median(line: Line, fresh: Figures) -> Line:
    """Bounds of the median by the trials that are at hand, where those published hold none."""
    for other in fresh.lines:
        if subject(other) == subject(line) and line.median_low_s is None and line.median_high_s is None:
            names = ("median_low_s", "median_high_s")
            return line.model_copy(update={name: getattr(other, name) for name in names})
    return line


def _ranged(rows: Mapping[str, EvidenceRow]) -> set[str]:
    """Rows whose range is compared, and those that it is compared with."""
    compared = [
        (row.spec.name, row.spec.reference) for row in rows.values() if row.spec.reference is not None
    ]
    return {name for pair in compared for name in pair}


def _either(fresh: list, before: list, older) -> list:
    return [one for one in fresh if not older(one)] + [one for one in before if older(one)]


def is_of(line: Line, row: EvidenceRow) -> bool:
    """Whether a line is of a row's scenario and build as they are now."""
    return (line.scenario_hash, line.build_hash) == (row.scenario.hash, row.build.parts.get(line.detector))


def _much(line: Line) -> float:
    return line.hours if line.of_hours else line.hours + line.trials + line.silent_trials


def _line(one: Finding, ceiling: RowCeiling | None) -> Line:
    row, result = one.row, one.result
    said: dict[str, object] = {}
    if result.detection is not None:
        d = result.detection
        said |= {"detected": d.detected, "trials": d.trials, "low": d.low, "high": d.high}
        said |= {"median_low_s": max(0.0, one.median_s[0]), "median_high_s": one.median_s[1]}
    if result.latency_s is not None:
        said["median_s"] = result.latency_s.p50
    if one.occupied_duty is not None:
        said |= dict(
            zip(("occupied_duty", "occupied_duty_low", "occupied_duty_high"), one.occupied_duty, strict=True)
        )
    if one.present is not None:
        said |= {"present": one.present.in_time, "present_of": one.present.targets}
        said["present_median_s"] = _finite(one.present.median_s)
    if result.false_alarms is not None:
        f = result.false_alarms
        said |= {
            "false_alarms": f.count,
            "hours": f.hours,
            "per_day_high": f.per_day_high,
            "active": f.active_fraction,
        }
    for metric in result.metrics:
        if metric.name == "false_alarm_rate":
            said |= {"silent_share": metric.value, "silent_high": metric.high, "silent_trials": metric.n}
        if metric.name == "uploads_per_day":
            said |= {"uploads": metric.n, "uploads_per_day": metric.value, "uploads_hours": one.played_hours}
            said |= {"uploads_low": metric.low, "uploads_high": metric.high}
        if metric.name == "uploaded_s_per_day":
            said["uploaded_s_per_day"] = metric.value
    if result.accept:
        accept = result.accept[0]
        said |= {
            "limit": accept.limit,
            "bound": accept.bound,
            "verdict": str(accept.verdict),
            "needed": accept.needed,
        }
    if ceiling is not None:
        said |= ceiling.told()
    spec = row.spec
    return Line(
        row=row.name,
        group=spec.group,
        what=spec.what,
        scenario=row.scenario.id,
        scenario_hash=row.scenario.hash,
        build=row.build.id,
        build_hash=one.build_hash,
        detector=one.detector,
        stage=one.stage,
        label=spec.label,
        cells=len(row.cells),
        asked=spec.asked,
        of_hours=spec.hours is not None,
        median_limit_s=spec.median_s,
        uploads_limit=spec.uploads_per_day,
        duty=None if math.isnan(one.duty) else one.duty,
        complete=one.complete,
        grown=one.grown,
        alarmed=one.alarmed,
        played=one.played,
        rooms=one.rooms,
        others={name: count for name, (count, _) in one.others.items()},
        others_high={name: high for name, (_, high) in one.others.items()},
        worst=one.worst,
        by_key=spec.by or "",
        by=one.by,
        tone_on_limit=spec.tone_on,
        seeds=list(one.seeds),
        **said,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _units(campaign: Campaign, rows: Mapping[str, EvidenceRow]) -> list[UnitLine]:
    if UNITS not in rows:
        return []
    return [
        UnitLine(
            unit=unit,
            trials=one.trials,
            asked=campaign.wanted(rows[UNITS]),
            difference=one.value,
            low=one.low,
            high=one.high,
        )
        for unit, one in units(campaign, rows[UNITS]).items()
        if one.trials
    ]


def _ranges(campaign: Campaign, rows: Mapping[str, EvidenceRow]) -> list[RangeLine]:
    lines = []
    for row in rows.values():
        limit, reference = row.spec.of_reference, row.spec.reference
        if limit is None or reference is None:
            continue
        one = ranges(campaign, row, rows[reference], RANGE_RATE)
        if one is not None:
            lines.append(
                RangeLine(
                    what=row.spec.what,
                    trials=one.trials,
                    asked=min(campaign.wanted(row), campaign.wanted(rows[reference])),
                    beyond=one.beyond,
                    range_m=one.range_m,
                    quiet_m=one.reference_m,
                    ratio=one.ratio,
                    low=one.low,
                    high=one.high,
                    limit=limit,
                )
            )
    return lines


def _heard(campaign: Campaign, section: Section) -> list[HeardLine]:
    lines = []
    for group in section.groups:
        rows = [row for row in campaign.plan.rows if row.spec.group == group]
        if section.form == "confusion":
            found = [(one.what, "", one) for one in reported(campaign, rows)]
        else:
            by = by_recording(campaign, rows)
            found = [(kind, path, one) for (kind, path), stages in by.items() for one in stages]
        lines += [
            HeardLine(
                group=group,
                kind=kind,
                recording=path,
                stage=one.stage,
                trials=one.trials,
                nothing=one.nothing,
                labels=dict(sorted(one.labels.items())),
            )
            for kind, path, one in found
        ]
    return lines


def _grid(campaign: Campaign, row: EvidenceRow) -> list[GridLine]:
    late = "late" in row.scenario.id
    return [
        GridLine(row=row.name, stage=one.stage, values=one.values, detected=one.detected, trials=one.trials)
        for one in grid(campaign, row, GRID_SOURCE, LATE_KEYS if late else GRID_KEYS)
    ]
