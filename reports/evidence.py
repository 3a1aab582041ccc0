"""The page of a body of evidence: targets with their bounds and verdicts, and what is still missing.

`Figures` is all that the page says, as `docs/results/<suite>/figures.json` keeps it; counts are those of the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from lab.store.ledger import Entry
from lab.store.results import Record, parse_document, replace

FORMAT = "earshot-figures/1"
LATENCY_S = 0.6  # asked of the median
LEAST_PAIRS = 30  # for a bootstrap to mean anything


class Line(Record):
    """One row of the plan by one detector, all its cells together. asked: trials or hours of the plan. bounds are one-sided, 95 %.
    trials, detected: of events; of silent trials and those without an alarm where `share_of_trials`. ceiling: see the page."""

    row: str
    group: str
    what: str
    scenario: str
    scenario_hash: str
    build: str
    build_hash: str
    detector: str
    label: str
    cells: int
    asked: float
    detected: int = 0
    trials: int = 0
    low: float | None = None
    high: float | None = None
    median_s: float | None = None
    false_alarms: int = 0
    hours: float = 0.0
    per_day_high: float | None = None
    active: float | None = None
    silent_share: float | None = None
    silent_high: float | None = None
    silent_trials: int = 0
    duty: float | None = None
    ceiling_matched: float | None = None
    ceiling_energy: float | None = None
    headroom_db: float | None = None
    limit: str | None = None
    bound: float | None = None
    verdict: str = "reported"
    needed: str | None = None


class UnitLine(Record):
    unit: int
    trials: int
    difference: float
    low: float


class RangeLine(Record):
    what: str
    trials: int
    range_m: float
    quiet_m: float
    ratio: float
    low: float
    high: float
    limit: float


class Figures(Record):
    """mining, budget, benchmark: Markdown made elsewhere."""

    format: str = FORMAT
    title: str
    under_test: str
    lines: list[Line]
    units: list[UnitLine] = Field(default_factory=list)
    ranges: list[RangeLine] = Field(default_factory=list)
    mining: str = ""
    budget: str = ""
    benchmark: str = ""


def read(path: Path) -> Figures:
    """Raises BadInput like `lab.store.results.parse`."""
    return parse_document(path.read_bytes(), path, Figures, FORMAT)


def write(figures: Figures, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, figures.model_dump_json(indent=1) + "\n")


def unsupported(figures: Figures, entries: Sequence[Entry]) -> list[str]:
    """Lines whose counts are not those of a current entry of the ledger; empty when all are."""
    current = {(entry.scenario_hash, entry.build_hash): entry for entry in entries if entry.current}
    wrong = []
    for line in figures.lines:
        entry = current.get((line.scenario_hash, line.build_hash))
        rows = (
            []
            if entry is None
            else [r for r in entry.totals() if (r.detector, r.label) == (line.detector, line.label)]
        )
        if line.detected > sum(r.detected for r in rows) or line.hours > sum(r.hours for r in rows) + 1e-6:
            wrong.append(f"{line.row}: {line.detector}: the ledger holds less")
    return wrong


def page(figures: Figures) -> str:
    own = [line for line in figures.lines if line.detector == figures.under_test and line.group != "compared"]
    parts = [
        f"# {figures.title}: what was measured",
        "",
        "Everything is simulated. Bounds are one-sided, 95 %: of trials Clopper-Pearson on what they are worth with rooms shared, of hours",
        "exact Poisson. A verdict takes a bound beyond the limit; between, it stays open, and the last column tells what is missing. Verdicts are",
        "of the threshold stored in the build. Cells of a row count together. The page is made by",
        "`python -m lab.commands.evidence scenarios/presence/evidence.toml publish`; counts are in [presence.json](presence.json).",
        "",
        _summary(own),
        "",
        "## Found",
        "",
        *_found([line for line in own if line.group in ("walking", "minor")]),
        "",
        "Ceiling: what a matched filter that knows the person's echo to the last sample finds in the device's noise alone, one false alarm in ten",
        "days, and what it has to spare; energy: a receiver that knows no more than that something moves. No fan, no curtain, no music for either.",
        "",
        "## Held",
        "",
        *_held([line for line in own if line.group == "hold"]),
        "",
        "## False presence",
        "",
        *_false([line for line in own if line.group == "exposure"]),
        "",
        "## Reported without a limit",
        "",
        *_false([line for line in own if line.group == "reported"]),
        "",
        "## Range at a rate of 0.90",
        "",
        *_ranges(figures.ranges),
        "",
        "## Units",
        "",
        *_units(figures.units),
        "",
        "## Compared in one pass",
        "",
        "All hear the same captures under the same tone. Baselines have thresholds that give them, on the tune split, the false alarms of the",
        "detector under test. Point estimates.",
        "",
        *_compared([line for line in figures.lines if line.group == "compared"]),
    ]
    for title, text in (
        ("Mining", figures.mining),
        ("Budget", figures.budget),
        ("Benchmark", figures.benchmark),
    ):
        if text:
            parts += ["", f"## {title}", "", text]
    return "\n".join(parts) + "\n"


def _summary(lines: Sequence[Line]) -> str:
    count = {v: sum(line.verdict == v for line in lines) for v in ("pass", "fail", "inconclusive")}
    return f"Of {sum(count.values())} targets {count['pass']} are met, {count['fail']} missed, {count['inconclusive']} open."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["Nothing measured yet."]
    return ["| " + " | ".join(one) + " |" for one in (heads, ["---"] * len(heads), *rows)]


def _found(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        slow = line.median_s is not None and line.median_s > LATENCY_S and line.group == "walking"
        ceiling = (
            ""
            if line.ceiling_matched is None
            else (f"{line.ceiling_matched:.2f} ({line.headroom_db:+.0f} dB), {line.ceiling_energy:.2f}")
        )
        median = "" if line.median_s is None else f"{line.median_s:.2f} s" + (" (over 0.6)" if slow else "")
        rows.append([line.what, _rate(line), median, ceiling, line.limit or "", _verdict(line), _still(line)])
    return _table(
        ["what", "found", "median latency", "ceiling, energy", "target", "verdict", "missing"], rows
    )


def _rate(line: Line) -> str:
    if not line.trials or line.low is None or line.high is None:
        return "-"
    return (
        f"{line.detected}/{line.trials} = {line.detected / line.trials:.3f} [{line.low:.3f}, {line.high:.3f}]"
    )


def _held(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        found = _rate(line)
        if line.silent_trials:
            found = (
                f"{line.silent_share:.3f} of {line.silent_trials} half hours, at most {line.silent_high:.3f}"
            )
        duty = f"{line.duty:.0%}" if line.silent_trials and line.duty is not None else ""
        rows.append([line.what, found, duty, line.limit or "", _verdict(line), _still(line)])
    return _table(["what", "found", "tone on", "target", "verdict", "missing"], rows)


def _false(lines: Sequence[Line]) -> list[str]:
    rows = [
        [
            line.what,
            str(line.false_alarms),
            f"{line.hours:.2f}",
            f"{24.0 * line.false_alarms / line.hours:.2f}, at most {line.per_day_high:.3g}"
            if line.hours
            else "-",
            "-" if line.active is None else f"{line.active:.3%}",
            line.limit or "",
            _verdict(line),
            _still(line),
        ]
        for line in lines
    ]
    return _table(
        ["what", "alarms", "hours", "a day", "in alarm", "target a day", "verdict", "missing"], rows
    )


def _verdict(line: Line) -> str:
    return {"pass": "met", "fail": "**missed**", "inconclusive": "open"}.get(line.verdict, "")


def _still(line: Line) -> str:
    return "" if line.verdict != "inconclusive" else line.needed or ""


def _ranges(lines: Sequence[RangeLine]) -> list[str]:
    rows = [
        [
            one.what,
            f"{one.range_m:.1f} m of {one.quiet_m:.1f} m",
            "-" if math.isnan(one.ratio) else f"{one.ratio:.0%}, at least {one.low:.0%}",
            f"at least {one.limit:.0%}",
            _range_verdict(one),
            str(one.trials),
        ]
        for one in lines
    ]
    return _table(["what", "range", "of quiet", "target", "verdict", "paired trials a distance"], rows)


def _range_verdict(one: RangeLine) -> str:
    if one.trials < LEAST_PAIRS:
        return f"open: {LEAST_PAIRS} trials at least"
    return "met" if one.low >= one.limit else "**missed**" if one.high < one.limit else "open"


def _units(lines: Sequence[UnitLine]) -> list[str]:
    if not lines:
        return ["Nothing measured yet."]
    kept = sum(one.difference >= -0.05 for one in lines)
    sure = sum(one.low >= -0.05 for one in lines)
    said = (
        f"{kept} of {len(lines)} units find at most 0.05 less than the one as designed; of {sure} the bound says so too (target: 18 of 20). "
        f"{min(one.trials for one in lines)} paired trials a unit at least."
    )
    heads = ["unit", *(str(one.unit) for one in lines)]
    body = [
        ["difference", *(f"{one.difference:+.3f}" for one in lines)],
        ["at least", *(f"{one.low:+.3f}" for one in lines)],
    ]
    return [said, "", *_table(heads, body)]


def _compared(lines: Sequence[Line]) -> list[str]:
    detectors = list(dict.fromkeys(line.detector for line in lines))
    rows = []
    for row in dict.fromkeys(line.row for line in lines):
        of_row = {line.detector: line for line in lines if line.row == row}
        first = next(iter(of_row.values()))
        much = f"{first.trials} trials" if first.trials else f"{first.hours:.2f} h, a day"
        rows.append([f"{first.what} ({much})", *(_point(of_row.get(name)) for name in detectors)])
    return _table(["what", *detectors], rows)


def _point(line: Line | None) -> str:
    if line is None:
        return ""
    if line.trials:
        return f"{line.detected / line.trials:.2f}"
    return f"{24.0 * line.false_alarms / line.hours:.1f}" if line.hours else "-"
