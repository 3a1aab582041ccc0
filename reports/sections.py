"""What the page says of one scenario: figures, tables and clips, ready for the template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from lab.store.results import Row, ScenarioResult
from reports import clips, figures, panels, style, words
from reports.clips import Allowance, Clip
from reports.panels import MIN_HOURS, Panel, Subject, listened_h
from reports.run import Run

SHOWN_ELSEWHERE = ("active_fraction", "latency_p95_s")
BANDS = "Bands are the one-sided 95 % bounds on each side."
MAX_PANELS = 12  # of one kind; the table has every cell


@dataclass(frozen=True)
class FigureGroup:
    """Figures of one kind, with the sentence that explains them once."""

    title: str
    caption: str
    drawings: tuple[Markup, ...]
    omitted: int = 0


@dataclass(frozen=True)
class SubjectSection:
    subject: Subject
    keys: list[str]
    rows: list[Row]
    figures: list[FigureGroup]

    @property
    def metrics(self) -> list[tuple[str, str]]:
        """(name, unit) of every further figure of these rows; those with a column of their own are left out."""
        found = dict.fromkeys((metric.name, metric.unit) for row in self.rows for metric in row.metrics)
        return [(name, unit) for name, unit in found if name not in SHOWN_ELSEWHERE]

    @property
    def threshold(self) -> float | None:
        """The threshold of every row, None when they differ."""
        return self.rows[0].threshold if len({row.threshold for row in self.rows}) == 1 else None

    @property
    def timed(self) -> list[Row]:
        return [row for row in self.rows if row.latency_s]

    @property
    def per_clip(self) -> list[Row]:
        return [row for row in self.rows if row.per_clip]

    @property
    def recordings(self) -> list[str]:
        """Every recording of the per-clip tables, by name."""
        return sorted({name for row in self.per_clip for name in row.per_clip})


@dataclass(frozen=True)
class ScenarioSection:
    scenario: ScenarioResult
    anchor: str
    subjects: list[SubjectSection]
    misses: list[Clip]
    false_alarms: list[Clip]
    kept: tuple[int, int]  # misses, false alarms in the run

    @property
    def limits(self) -> list[tuple[Row, object]]:
        return [(row, accept) for row in self.scenario.results for accept in row.accept]

    @property
    def unheld(self) -> list[str]:
        """What was counted and decides nothing: subjects without a limit, or in how many of their cells."""
        found = []
        for subject in self.subjects:
            free = sum(not row.accept for row in subject.rows)
            if free:
                cells = "" if free == len(subject.rows) else f" in {free} of {len(subject.rows)} cells"
                found.append(f"{subject.subject}{cells}")
        return found


@dataclass(frozen=True)
class Exposure:
    """The longest listening to target-free audio of a run, for one subject and one origin."""

    scenario: str
    row: Row


def scenario_section(
    run: Run, scenario: ScenarioResult, anchor: str, page: Path, allowance: Allowance
) -> ScenarioSection:
    exposures = longest_exposures(run)
    subjects = [
        SubjectSection(
            subject,
            panels.keys_of(rows),
            rows,
            list(_figure_groups(subject, rows, scenario, exposures.get((scenario.origin, subject)))),
        )
        for subject, rows in panels.by_subject(scenario.results).items()
    ]
    examples = clips.counted(scenario)
    found = {kind: clips.worst(examples, kind) for kind in ("miss", "false_alarm")}
    shown = {
        kind: [clips.load(example, run.folder, page, allowance) for example in worst[: clips.SHOWN]]
        for kind, worst in found.items()
    }
    kept = (len(found["miss"]), len(found["false_alarm"]))
    return ScenarioSection(scenario, anchor, subjects, shown["miss"], shown["false_alarm"], kept)


def longest_exposures(run: Run) -> dict[tuple[str, Subject], Exposure]:
    """Per origin and subject: the exposure row with the most distinct hours, `MIN_HOURS` at least, that has a false-alarm curve."""
    longest: dict[tuple[str, Subject], Exposure] = {}
    for scenario in run.results.scenarios:
        for row in scenario.results:
            if row.detection or listened_h(row) < MIN_HOURS or not figures.has_false_alarm_curve(row):
                continue
            key = (scenario.origin, Subject(row.detector, row.stage, row.label))
            known = longest.get(key)
            if known is None or known.row.false_alarms.distinct_hours < row.false_alarms.distinct_hours:
                longest[key] = Exposure(scenario.id, row)
    return longest


def _figure_groups(subject: Subject, rows: list[Row], scenario: ScenarioResult, exposure: Exposure | None):
    detected = [row for row in rows if row.detection]
    for axis in panels.axes_of(detected):
        caption = f"Share of trials detected at the build's threshold. {BANDS}"
        drawn = lambda panel, axis=axis: figures.rate_over(panel, axis)
        name = f"Detection rate against {words.name_of(axis)}"
        yield _group(name, caption, panels.over(detected, axis), drawn, scenario)
    curved = [row for row in rows if figures.has_detection_curve(row)]
    if curved:
        span = figures.threshold_span(curved, "detection_rate")
        caption = (
            f"What another threshold would have detected on these trials. {BANDS} Where a curve falls towards low "
            "thresholds, the detector was in alarm before the event, which counts as a miss."
        )
        drawn = lambda panel: figures.detection_curves(panel, span)
        yield _group("Detection rate against threshold", caption, panels.per_cell(curved), drawn, scenario)
    alarmed = [row for row in rows if figures.has_false_alarm_curve(row) and listened_h(row) >= MIN_HOURS]
    if alarmed:
        reach = figures.threshold_span(alarmed, "false_alarms_per_hour")
        caption = (
            f"Over target-free time. {BANDS} Where none was seen only the upper bound, a thin line, is drawn."
        )
        drawn = lambda panel: figures.false_alarm_curves(panel, reach)
        yield _group("False alarms against threshold", caption, panels.per_cell(alarmed), drawn, scenario)
    yield from _det_group(curved, scenario, exposure)


def _det_group(rows: Sequence[Row], scenario: ScenarioResult, exposure: Exposure | None):
    """DET curves; false alarms come from the run's longest exposure when it has one, else from the same cell."""
    caption = "A ring marks the build's threshold, where an alarm was seen there."
    if exposure:
        rows = [_with_alarms_of(row, exposure.row) for row in rows]
        heard = words.hours(exposure.row.false_alarms)
        caption = f"False alarms are those of scenario {exposure.scenario}, {heard}. {caption}"
    else:
        caption = f"False alarms are those of each cell's own target-free time. {caption}"
        rows = [row for row in rows if listened_h(row) >= MIN_HOURS]
    rows = [
        row for row in rows if figures.has_false_alarm_curve(row) and max(row.curve.false_alarms_per_hour) > 0
    ]
    if rows:
        yield _group(
            "Misses against false alarms (DET)", caption, panels.per_cell(rows), figures.det_curves, scenario
        )


def _with_alarms_of(row: Row, exposure: Row) -> Row:
    """The row with the exposure's false-alarm rate at its own thresholds; outside the exposure's span, none.

    Between two known thresholds the rate is that of the lower one, which is the higher rate.
    """
    known, rate = np.array(exposure.curve.threshold), np.array(exposure.curve.false_alarms_per_hour)
    asked = np.array(row.curve.threshold)
    below = np.clip(np.searchsorted(known, asked, side="right") - 1, 0, len(known) - 1)
    alarms = np.where((asked >= known[0]) & (asked <= known[-1]), rate[below], 0.0)
    update = {"false_alarms_per_hour": alarms.tolist(), "false_alarms_low": None, "false_alarms_high": None}
    return row.model_copy(update={"curve": row.curve.model_copy(update=update)})


def _group(
    title: str,
    caption: str,
    arranged: list[Panel],
    draw: Callable[[Panel], Figure],
    scenario: ScenarioResult,
) -> FigureGroup:
    drawings = []
    for panel in arranged[:MAX_PANELS]:
        lines = "; ".join(line.label for line in panel.lines)
        alternative = f"{title}, scenario {scenario.id}, {scenario.origin}, {panel.title or 'all cells'}. Lines: {lines}."
        drawings.append(Markup(style.to_svg(draw(panel), alternative)))
    return FigureGroup(title, caption, tuple(drawings), max(0, len(arranged) - MAX_PANELS))
