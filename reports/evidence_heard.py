"""Tables of what was reported beside what was asked for: confusion of labels, recordings, grids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from reports.evidence import Figures, GridLine, HeardLine, Section
from reports.markdown import table

ALARMS = ("smoke_alarm", "co_alarm", "legacy_smoke_alarm")
LEAST_RATE = 0.9  # of a point of a grid
SHOWN = 6  # worst points


def confusion(figures: Figures, section: Section) -> list[str]:
    """What sounded against what was reported: trials in which each label was, stage by stage."""
    parts: list[str] = []
    lines = [one for one in figures.heard if one.group in section.groups and not one.recording]
    labels = sorted({label for one in lines for label in one.labels}, key=_rank)
    for stage in dict.fromkeys(one.stage for one in lines):
        rows = [
            [
                one.kind,
                str(one.trials),
                *(str(one.labels.get(label, 0)) for label in labels),
                str(one.nothing),
            ]
            for one in lines
            if one.stage == stage
        ]
        parts += ["", f"By the {stage}:", "", *table(["what sounds", "trials", *labels, "nothing"], rows)]
    return parts[1:] or table([], [])


def recordings(figures: Figures, section: Section) -> list[str]:
    """Every recording of the groups, in how many of its plays what was reported; then those of which nothing was, counted."""
    lines = [one for one in figures.heard if one.group in section.groups and one.recording]
    stages = list(dict.fromkeys(one.stage for one in lines))
    rows, quiet = [], {}
    for kind, path in dict.fromkeys((one.kind, one.recording) for one in lines):
        of_clip = {one.stage: one for one in lines if (one.kind, one.recording) == (kind, path)}
        plays = max(one.trials for one in of_clip.values())
        if all(not one.labels for one in of_clip.values()):
            quiet[kind] = (quiet.get(kind, (0, 0))[0] + 1, quiet.get(kind, (0, 0))[1] + plays)
            continue
        told = [_said(of_clip[stage]) if stage in of_clip else "-" for stage in stages]
        rows.append([kind, f"`{PurePosixPath(path).stem[:60]}`", str(plays), *told])
    if not lines:
        return table([], [])
    parts = [*alarms_on_recordings(lines), "", *table(["played as", "recording", "plays", *stages], rows)]
    if quiet:
        told = [f"{kind}: {clips} ({plays} plays)" for kind, (clips, plays) in quiet.items()]
        parts += ["", "Recordings of which nothing was reported: " + "; ".join(told) + "."]
    return parts


def alarms_on_recordings(lines: Sequence[HeardLine]) -> list[str]:
    """Smoke and CO alarms on recordings that are none, in a sentence."""
    told = []
    for stage in dict.fromkeys(one.stage for one in lines):
        of_stage = [one for one in lines if one.stage == stage and "smoke_alarm" not in one.kind.split()]
        wrong = sum(one.labels.get(label, 0) for one in of_stage for label in ALARMS[:2])
        clips = {one.recording for one in of_stage if any(one.labels.get(label) for label in ALARMS[:2])}
        plays = sum(one.trials for one in of_stage)
        told.append(
            f"{stage}: {wrong} smoke or CO alarms in {plays} plays of {len({one.recording for one in of_stage})} recordings that are none"
            + (f" (on {len(clips)} of them)" if wrong else "")
        )
    return [told[0][0].upper() + "; ".join(told)[1:] + "."] if told else []


def grids(figures: Figures, section: Section) -> list[str]:
    """Rate by carrier over all timings, the points under LEAST_RATE, and the worst corners of timing."""
    parts: list[str] = []
    names = {line.row: line.what for line in figures.lines if line.group in section.groups}
    for row, what in names.items():
        points = [one for one in figures.grids if one.row == row]
        if not points:
            continue
        stages = sorted({one.stage for one in points}, key=lambda stage: (stage != "device", stage))
        carriers = sorted({float(one.values["carrier_hz"]) for one in points})
        rows = [
            [
                f"{hz:g} Hz",
                *(
                    _share([p for p in points if p.stage == s and p.values["carrier_hz"] == hz])
                    for s in stages
                ),
            ]
            for hz in carriers
        ]
        parts += [
            "",
            f"**{what}**",
            "",
            *table(["carrier", *stages], rows),
            "",
            *(_under(points, stage) for stage in stages),
        ]
    return parts[1:] or table([], [])


def _under(points: Sequence[GridLine], stage: str) -> str:
    """The corners of timing with all carriers together, then the single points, that were found too seldom."""
    own = [one for one in points if one.stage == stage]
    timings: dict[tuple, list[GridLine]] = {}
    for one in own:
        key = tuple((name, value) for name, value in one.values.items() if name != "carrier_hz")
        timings.setdefault(key, []).append(one)
    rates = {key: _rate(group) for key, group in timings.items()}
    worst = min(rates, key=lambda key: rates[key])
    corner = ", ".join(f"{name.removesuffix('_s')} {value:g} s" for name, value in worst)
    low = sorted((one for one in own if _rate([one]) < LEAST_RATE), key=lambda one: _rate([one]))
    each = min(one.trials for one in own)
    told = (
        f"{stage.capitalize()}: the worst of {len(timings)} timings is found at {_share(timings[worst])} ({corner}); of {len(own)} points of "
        f"timing and carrier, each tried {each} times or more, {len(low)} lie under {LEAST_RATE:g}"
    )
    shown = "; ".join(
        f"{one.values['carrier_hz']:g} Hz, "
        + ", ".join(f"{k.removesuffix('_s')} {v:g}" for k, v in one.values.items() if k != "carrier_hz")
        + f": {one.detected}/{one.trials}"
        for one in low[:SHOWN]
    )
    return told + (f": {shown}" + (" and so on" if len(low) > SHOWN else "") if low else "") + "."


def _rate(points: Sequence[GridLine]) -> float:
    trials = sum(one.trials for one in points)
    return sum(one.detected for one in points) / trials if trials else 0.0


def _share(points: Sequence[GridLine]) -> str:
    trials = sum(one.trials for one in points)
    return f"{sum(one.detected for one in points)}/{trials} = {_rate(points):.3f}" if trials else "-"


def _said(line: HeardLine) -> str:
    return ", ".join(f"{label} {line.labels[label]}" for label in sorted(line.labels, key=_rank)) or "nothing"


def _rank(label: str) -> tuple[int, str]:
    return (ALARMS.index(label) if label in ALARMS else len(ALARMS), label)
