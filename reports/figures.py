"""The curves of a report, drawn from rows of one scenario and one origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import norm

from lab.errors import BadInput
from lab.store.results import Curve, Results, Row
from reports import panels, style, words
from reports.panels import Panel

MAX_POINTS = 160  # of a threshold curve; more cannot be told apart at this size
MAX_TICKS = 8  # swept values that are named on the axis one by one
BAND = 0.16  # opacity
MISS_SPAN = (0.002, 0.998)  # a share of 0 or 1 has no place on a normal deviate scale
MISS_TICKS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.995)


def rate_over(panel: Panel, axis: str) -> Figure:
    """Detection rate at the build's threshold along one cell key, with confidence bands and limits."""
    with style.new_figure(panel.title) as (figure, axes):
        entries = []
        for index, line in enumerate(panel.lines):
            rows = [row for row in line.rows if row.detection]
            x = [row.cell[axis] for row in rows]
            entries.append(
                (_line(axes, index, x, [row.detection.rate for row in rows], marked=True), line.label)
            )
            _band(axes, index, x, [row.detection.low for row in rows], [row.detection.high for row in rows])
        entries += _mark_limits(axes, panel, axis)
        _unit_axis(axes)
        swept = sorted({row.cell[axis] for line in panel.lines for row in line.rows})
        if len(swept) <= MAX_TICKS:
            axes.set_xticks(swept, [words.number(value) for value in swept])
        axes.set_xlabel(words.axis_of(axis))
        style.legend(figure, *zip(*entries))
        return figure


def detection_curves(panel: Panel, span: tuple[float, float]) -> Figure:
    """Detection rate against threshold; the build's threshold is marked. span: of the threshold axis."""
    with style.new_figure(panel.title) as (figure, axes):
        entries = []
        for index, line in enumerate(panel.lines):
            curve = line.rows[0].curve
            columns = (curve.threshold, curve.detection_rate, curve.detection_low, curve.detection_high)
            x, value, low, high = _thin(*columns)
            entries.append((_line(axes, index, x, value), line.label))
            _band(axes, index, x, low, high)
        _unit_axis(axes)
        entries += _threshold_axis(axes, panel, span)
        style.legend(figure, *zip(*entries))
        return figure


def false_alarm_curves(panel: Panel, span: tuple[float, float]) -> Figure:
    """False alarms per hour against threshold, on a logarithmic axis. span: of the threshold axis.

    Where none was seen there is no rate to draw; the thin line above it is the upper bound, drawn throughout.
    """
    with style.new_figure(panel.title) as (figure, axes):
        entries = []
        floor = _floor(line.rows[0].curve for line in panel.lines)
        for index, line in enumerate(panel.lines):
            curve = line.rows[0].curve
            columns = (
                curve.threshold,
                curve.false_alarms_per_hour,
                curve.false_alarms_low,
                curve.false_alarms_high,
            )
            x, value, low, high = _thin(*columns)
            seen = value > 0
            entries.append((_line(axes, index, x, np.where(seen, value, np.nan)), line.label))
            _band(axes, index, x, np.maximum(low, floor), np.where(seen, high, np.nan))
            axes.plot(x, high, color=style.line_style(index).colour, linewidth=0.7)
        axes.set_yscale("log")
        axes.set_ylim(bottom=floor)
        style.plain_log(axes.yaxis)
        axes.set_ylabel("False alarms per hour")
        entries += _threshold_axis(axes, panel, span)
        style.legend(figure, *zip(*entries))
        return figure


def det_curves(panel: Panel) -> Figure:
    """Missed share against false alarms per hour as the threshold moves; a ring marks the build's threshold.

    The y axis is a normal deviate scale, so that scores spread normally give straight lines (Martin et al., The
    DET curve in assessment of detection task performance, Eurospeech 1997).
    """
    with style.new_figure(panel.title) as (figure, axes):
        entries = []
        for index, line in enumerate(panel.lines):
            row = line.rows[0]
            alarms = np.array(row.curve.false_alarms_per_hour)
            missed = np.clip(1 - np.array(row.curve.detection_rate), *MISS_SPAN)
            seen = alarms > 0
            entries.append((_line(axes, index, alarms[seen], missed[seen]), line.label))
            at = int(np.argmin(np.abs(np.array(row.curve.threshold) - row.threshold)))
            if seen[at]:
                colour = style.line_style(index).colour
                axes.plot(alarms[at], missed[at], "o", markersize=8, fillstyle="none", color=colour)
        axes.set_xscale("log")
        style.plain_log(axes.xaxis)
        axes.set_yscale("function", functions=(_deviate, norm.cdf))
        axes.set_ylim(*MISS_SPAN)
        axes.set_yticks(MISS_TICKS, [f"{100 * tick:g}" for tick in MISS_TICKS])
        axes.set_xlabel("False alarms per hour")
        axes.set_ylabel("Missed (%)")
        style.legend(figure, *zip(*entries))
        return figure


def threshold_span(rows: Sequence[Row], column: str) -> tuple[float, float]:
    """Span of thresholds that all panels of one kind share, so that they can be compared by eye.

    It ends a little after the curves have run out, or after the build's threshold when that is higher.
    """
    start, end = [], []
    for row in rows:
        threshold, value = np.array(row.curve.threshold), np.array(getattr(row.curve, column))
        alive = np.flatnonzero(value > 0)
        start.append(threshold[0])
        end += [
            threshold[min(alive[-1] + 1, len(threshold) - 1)] if len(alive) else threshold[0],
            row.threshold,
        ]
    room = 0.08 * (max(end) - min(start)) or 1.0
    return min(start), max(end) + room


def write_rate_figure(results: Results, scenario_id: str, path: Path, axis: str = "distance_m") -> None:
    """Write the detection rate of one scenario along `axis` as a PNG: its first subject, its first panel.

    Raises BadInput when the run has no such scenario, or it does not sweep `axis`.
    """
    scenario = next((one for one in results.scenarios if one.id == scenario_id), None)
    if scenario is None:
        raise BadInput(
            f"{results.run}: no scenario {scenario_id!r}; it has {[one.id for one in results.scenarios]}"
        )
    rows = next(iter(panels.by_subject(row for row in scenario.results if row.detection).values()), [])
    if axis not in panels.numeric_keys(rows):
        raise BadInput(f"{scenario_id}: {axis} is not swept; its numeric axes: {panels.numeric_keys(rows)}")
    panel = panels.over(rows, axis)[0]
    figure = rate_over(panel, axis)
    title = ", ".join(filter(None, (scenario.title, panel.title)))
    with style.look():
        style.set_title(figure.axes[0], f"{title} ({scenario.origin})")
    style.to_png(figure, path)


def has_detection_curve(row: Row) -> bool:
    return _has(row.curve, "detection_rate")


def has_false_alarm_curve(row: Row) -> bool:
    return _has(row.curve, "false_alarms_per_hour")


def _has(curve: Curve | None, column: str) -> bool:
    return curve is not None and bool(curve.threshold) and getattr(curve, column) is not None


def _line(axes: Axes, index: int, x, y, marked: bool = False) -> Line2D:
    look = style.line_style(index)
    marker = look.marker if marked else None
    return axes.plot(
        x, y, color=look.colour, linestyle=look.dash, marker=marker, clip_on=not marked, zorder=3
    )[0]


def _band(axes: Axes, index: int, x, low, high) -> None:
    axes.fill_between(x, low, high, color=style.line_style(index).colour, alpha=BAND, linewidth=0)


def _unit_axis(axes: Axes) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_ylabel("Detection rate")


def _threshold_axis(axes: Axes, panel: Panel, span: tuple[float, float]) -> list[tuple[Line2D, str]]:
    """Label the axis and mark each build threshold; returns the legend entry."""
    axes.set_xlabel("Threshold")
    axes.set_xlim(*span)
    thresholds = sorted({line.rows[0].threshold for line in panel.lines})
    marks = [axes.axvline(at, color=style.INK, linewidth=1, linestyle=(0, (2, 2))) for at in thresholds]
    return [(marks[0], "build at " + ", ".join(map(words.number, thresholds)))]


def _mark_limits(axes: Axes, panel: Panel, axis: str) -> list[tuple[Line2D, str]]:
    """A short bar wherever a detection-rate limit applies to a point of this panel; returns the legend entry."""
    points = set()
    for row in (row for line in panel.lines for row in line.rows):
        for accept in row.accept:
            stated = re.search(r"\d+(\.\d+)?([eE][+-]?\d+)?", accept.limit)
            if accept.metric == "detection_rate" and stated:
                points.add((row.cell[axis], float(stated[0])))
    if not points:
        return []
    look = {"color": style.INK, "markersize": 16, "markeredgewidth": 2, "zorder": 4}
    return [(axes.plot(*zip(*sorted(points)), "_", **look)[0], "limit")]


def _thin(*columns: Sequence[float] | None) -> list[np.ndarray]:
    """The same at most MAX_POINTS indices of every column, ends kept; a missing column becomes NaN."""
    length = len(columns[0])
    picked = np.unique(np.linspace(0, length - 1, min(length, MAX_POINTS)).round().astype(int))
    return [
        np.full(len(picked), np.nan) if column is None else np.asarray(column, float)[picked]
        for column in columns
    ]


def _floor(curves: Iterable[Curve]) -> float:
    """A power of ten below everything seen, so that no rate or bound lies on the edge."""
    seen = [
        v for c in curves for v in (*c.false_alarms_per_hour, *(c.false_alarms_high or ())) if 0 < v < np.inf
    ]
    return float(10.0 ** np.floor(np.log10(min(seen)) - 0.1)) if seen else 1e-3


def _deviate(share: np.ndarray) -> np.ndarray:
    return norm.ppf(np.clip(share, 1e-6, 1 - 1e-6))
