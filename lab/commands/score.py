"""`lab score`: judge anyone's detections or scores against a truth, with bounds and exposure hours."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

from lab.errors import BadInput
from lab.scoring.dcase import read_durations, read_events, read_scores, score_files
from lab.scoring.matching import match
from lab.scoring.outcome import Outcome
from lab.scoring.records import MatchRule, ScoredTrial
from lab.scoring.reported import REPORTED, match_reported
from lab.verdicts.decisions import Verdict
from lab.verdicts.judge import Judgement, Row, judge_scenario
from lab.verdicts.limits import Limit

FORMAT = "earshot-score/1"
_CODES = {Verdict.PASS: 0, Verdict.REPORTED: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}
_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "reported": "dim"}
_LIMIT_KEYS = ("metric", "label", "at_least", "at_most")

MaybePath = Optional[Path]  # noqa: UP045 - Typer reads the annotation at run time
MaybeFloat = Optional[float]  # noqa: UP045
MaybeLabels = Optional[list[str]]  # noqa: UP045


def score(
    truth: Annotated[Path, typer.Option(help="TSV: filename, onset, offset, event_label.")],
    durations: Annotated[
        Path, typer.Option(help="TSV: filename, duration; every file that was listened to.")
    ],
    detections: Annotated[
        MaybePath, typer.Option(help="TSV of detected events, shaped like the truth.")
    ] = None,
    scores: Annotated[
        MaybePath, typer.Option(help="Folder of FILENAME.tsv: onset, offset, one column a label.")
    ] = None,
    label: Annotated[MaybeLabels, typer.Option(help="Judge this label (repeatable); default: all.")] = None,
    threshold: Annotated[
        MaybeFloat, typer.Option(help="Operating point of --scores, chosen beforehand.")
    ] = None,
    guard_s: Annotated[float, typer.Option(min=0, help="Quiet needed before a target, s.")] = 1.0,
    latency_s: Annotated[
        float, typer.Option(min=0, help="A detection may come so long after a target's end, s.")
    ] = 1.0,
    early_s: Annotated[
        float, typer.Option(min=0, help="A detection may come so long before the marked onset, s.")
    ] = 0.2,
    refractory_s: Annotated[float, typer.Option(min=0, help="Alarms closer than this are one, s.")] = 1.0,
    limits: Annotated[
        MaybePath, typer.Option(help="TOML with \\[\\[accept]]: metric, label, at_least or at_most.")
    ] = None,
    out: Annotated[MaybePath, typer.Option(help="Write everything, curves too, as JSON.")] = None,
) -> None:
    """Judge anyone's detections: rates and false alarms with one-sided 95 % bounds.

    Exit code: 0 all limits pass (or none is given), 1 one fails, 2 one is inconclusive, 3 bad input.
    """
    if (detections is None) == (scores is None):
        raise BadInput("lab score: give either --detections or --scores")
    if scores is not None and threshold is None:
        raise BadInput("lab score: --scores needs --threshold: a verdict never reads it off the same curve")
    if detections is not None and threshold is not None:
        raise BadInput("lab score: --threshold belongs to --scores; detections carry their own")
    asked = _read_limits(limits) if limits is not None else []
    seconds = read_durations(durations)
    marked = read_events(truth, seconds)
    said = read_events(detections, seconds) if detections is not None else {}
    labels = _labels(label, marked, said, truth)
    rules = [
        MatchRule(
            label=name,
            threshold=REPORTED if threshold is None else threshold,
            refractory_s=refractory_s,
            guard_s=guard_s,
            latency_s=latency_s,
            detector="",
            stage="",
            early_s=early_s,
        )
        for name in labels
    ]
    folder = score_files(scores, seconds) if scores is not None else {}
    outcomes: list[Outcome] = []
    for index, (name, duration_s) in enumerate(seconds.items()):
        trial = ScoredTrial(
            cell={},
            index=index,
            clusters={"recording": name},
            duration_s=duration_s,
            distinct_s=duration_s,
            truth=tuple(marked[name]),
            tracks=(),
            events=tuple(said.get(name, ())),
        )
        if scores is None:
            outcomes += [match_reported(trial, rule) for rule in rules]
        else:
            tracks = read_scores(folder[name], duration_s, labels, detector="")
            outcomes += [match(trial, track, rule) for track, rule in zip(tracks, rules, strict=True)]
    judgement = judge_scenario(outcomes, asked)
    console = Console()
    if not console.is_terminal and console.width < 130:
        console = Console(width=130)  # a log has no window to fit
    _show(judgement, console)
    if out is not None:
        _write(out, judgement, rules)
    raise typer.Exit(_CODES[judgement.verdict])


def _labels(asked: Sequence[str] | None, marked: dict, said: dict, truth: Path) -> list[str]:
    known = sorted({e.label for found in (marked, said) for events in found.values() for e in events})
    if not asked:
        if not known:
            raise BadInput(f"{truth}: no event: name what to judge with --label")
        return known
    return list(dict.fromkeys(asked))


def _read_limits(path: Path) -> list[Limit]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: not a readable TOML file: {error}") from None
    tables = content.get("accept")
    if set(content) != {"accept"} or not isinstance(tables, list) or not tables:
        raise BadInput(f"{path}: needs [[accept]] tables and nothing else; keys: {', '.join(_LIMIT_KEYS)}")
    return [_limit(table, f"{path}: accept[{i}]") for i, table in enumerate(tables)]


def _limit(table: dict, where: str) -> Limit:
    for key, value in table.items():
        if key not in _LIMIT_KEYS:
            near = get_close_matches(key, _LIMIT_KEYS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(_LIMIT_KEYS)}"
            raise BadInput(f"{where}.{key} is not known{hint}")
        numeric = key in ("at_least", "at_most")
        if isinstance(value, bool) or not isinstance(value, (int, float) if numeric else str):
            raise BadInput(f"{where}.{key} must be a {'number' if numeric else 'string'}, not {value!r}")
    if "metric" not in table:
        raise BadInput(f"{where}.metric is missing")
    try:
        return Limit(**table)
    except BadInput as error:
        raise BadInput(f"{where}: {str(error).removeprefix('accept: ')}") from None


def _show(judgement: Judgement, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "label",
        "detected",
        "rate [low, high]",
        "false alarms",
        "per hour [low, high]",
        "per day [low, high]",
        "in alarm",
        "latency p50, p95 s",
    ):
        table.add_column(name.replace("[", "\\["))
    for row in judgement.rows:
        table.add_row(*_cells(row))
    console.print(table)
    console.print(f"{judgement.trials} files; bounds in brackets are one-sided, 95 % each", highlight=False)
    for row in judgement.rows:
        for accept in row.accept:
            bound = "" if accept.bound is None else f" (bound {accept.bound:.4g})"
            needed = f": needs {accept.needed}" if accept.needed else ""
            console.print(
                f"{row.label}: {accept.metric} {accept.limit}{bound}: "
                f"[{_STYLES[accept.verdict]}]{accept.verdict}[/]{needed}",
                highlight=False,
            )
        if row.per_clip is not None:
            clips = ", ".join(f"{name} {hit}/{n}" for name, (hit, n) in row.per_clip.items())
            console.print(
                f"{row.label}: fewer than 20 files, no verdict; detected per file: {clips}", highlight=False
            )


def _cells(row: Row) -> list[str]:
    found, alarms, delay = row.detection, row.false_alarms, row.latency_s
    cells = [row.label, "-", "-", "-", "-", "-", "-", "-"]
    if found is not None:
        cells[1] = f"{found.detected}/{found.trials}"
        cells[2] = f"{found.rate:.3f} \\[{found.low:.3f}, {found.high:.3f}]"
    if alarms is not None:
        hour = [value / 24 for value in (alarms.per_day, alarms.per_day_low, alarms.per_day_high)]
        cells[3] = f"{alarms.count} in {alarms.hours:.2f} h"
        cells[4] = f"{hour[0]:.3g} \\[{hour[1]:.3g}, {hour[2]:.3g}]"
        cells[5] = f"{alarms.per_day:.3g} \\[{alarms.per_day_low:.3g}, {alarms.per_day_high:.3g}]"
        cells[6] = f"{alarms.active_fraction:.3%}"
    if delay is not None:
        cells[7] = f"{delay.p50:.2f}, {delay.p95:.2f}"
    return cells


def _write(path: Path, judgement: Judgement, rules: Sequence[MatchRule]) -> None:
    document = {"format": FORMAT, "rules": [asdict(rule) for rule in rules], **asdict(judgement)}
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
        partial.replace(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such folder to write to") from None
