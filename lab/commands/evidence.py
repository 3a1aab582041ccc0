"""A body of evidence: `python -m lab.commands.evidence PLAN [estimate | measure | ceiling | publish]`.

estimate    how far each row is and how long the rest takes; nothing is run
measure     measure what is missing, a slice of every row in turn; the same command goes on from where it was stopped
ceiling     what the physics leaves of each row of detections: see lab/bench/simulated/ceiling.py
publish     add what is stored to docs/results/SUITE.json, and write docs/results/SUITE.md and SUITE/figures.json
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
from pathlib import Path

from lab.errors import BadInput
from lab.runs.campaign import SLICE_S, Campaign, measure, states, summaries
from lab.runs.evidence import EvidenceRow, load_plan

ROOT = Path(__file__).parents[2]
RESULTS, MODELS = ROOT / "docs" / "results", ROOT / "detectors" / "models"
RANGE_RATE, RANGE_LIMITS = 0.90, {"range_fan": 0.80, "range_music": 0.70}
CEILING_TRIALS = 40


def main(arguments: list[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    plan = load_plan(asked.plan)
    campaign = Campaign(
        plan, asked.out, asked.trials_scale, asked.hours_scale, tuple(asked.rows), asked.slice_s
    )
    unknown = sorted(set(asked.rows) - {row.name for row in plan.rows})
    if unknown:
        raise BadInput(
            f"{asked.plan}: no row {unknown[0]}; there are: {', '.join(r.name for r in plan.rows)}"
        )
    if asked.what == "measure":
        measure(campaign, asked.jobs, asked.minutes, lambda line: print(line, flush=True))
    if asked.what == "ceiling":
        measure_ceiling(campaign, asked.ceiling_trials)
    if asked.what == "publish":
        publish(campaign, asked.results, asked.benchmark)
    else:
        print(estimate(campaign, asked.jobs))


def estimate(campaign: Campaign, jobs: int) -> str:
    """A table: row, trials done and wanted, pace, minutes left on `jobs` cores."""
    lines = [f"{'row':28}{'trials':>14}{'hours':>9}{'pace':>8}{'minutes left':>14}"]
    total = 0.0
    for state in states(campaign):
        total += state.left_s
        hours = state.wanted * state.row.scenario.first.duration_s / 3600
        lines.append(
            f"{state.row.name:28}{f'{state.trials}/{state.wanted}':>14}{hours:>9.2f}{state.pace:>7.0f}x"
            f"{state.left_s / 60 / jobs:>14.1f}"
        )
    return "\n".join([*lines, f"{'all':28}{'':31}{total / 60 / jobs:>14.1f}"])


def measure_ceiling(campaign: Campaign, trials: int) -> None:
    """Mean over the first trials of each row of detections that has one target; kept in `out`/ceiling.json."""
    from lab.bench.simulated.ceiling import ceiling
    from lab.runs.campaign import SEED

    path = campaign.out / "ceiling.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    for row in campaign.chosen:
        key = f"{row.scenario.hash} {row.name} {trials}"
        if row.spec.group not in ("walking", "minor") or key in kept:
            continue
        each = max(1, trials // len(row.cells))
        found = [
            ceiling(row.scenario.draw(cell, index, SEED), row.spec.label)
            for cell in row.cells
            for index in range(each)
        ]
        kept[key] = {
            name: sum(getattr(one, name) for one in found) / len(found)
            for name in ("matched", "energy", "headroom_db")
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=1))
        print(row.name, kept[key], flush=True)


def publish(campaign: Campaign, results: Path, benchmark: bool) -> None:
    """Ledger, figures and page. What the ledger has already stays as it is."""
    from lab.store import ledger
    from reports import evidence as page

    suite = campaign.plan.path.resolve().parent.name
    path = results / f"{suite}.json"
    for found in summaries(campaign).values():
        for scenario in found.scenarios:
            with contextlib.suppress(ledger.AlreadyCounted):
                ledger.merge(found.model_copy(update={"scenarios": [scenario]}), path)
    figures_path = results / suite / "figures.json"
    before = page.read(figures_path) if figures_path.exists() else None
    figures = _figures(campaign)
    timed = _benchmark() if benchmark else (before.benchmark if before else "")
    figures = figures.model_copy(update={"benchmark": timed})
    page.write(figures, figures_path)
    (results / f"{suite}.md").write_text(page.page(figures))
    print(f"published: {path}, {figures_path}, {results / f'{suite}.md'}")


def _figures(campaign: Campaign):
    from lab.runs.findings import findings, ranges, units
    from reports.evidence import Figures, RangeLine, UnitLine

    ceilings = _ceilings(campaign)
    rows = {row.name: row for row in campaign.plan.rows}
    lines = [
        _line(campaign, one, ceilings.get(row.name))
        for row in rows.values()
        for one in findings(campaign, row)
    ]
    found_units, found_ranges = [], []
    if "units" in rows:
        found_units = [
            UnitLine(unit=unit, trials=one.trials, difference=one.value, low=one.low)
            for unit, one in units(campaign, rows["units"]).items()
            if one.trials
        ]
    for name, limit in RANGE_LIMITS.items():
        if name not in rows or "range_quiet" not in rows:
            continue
        one = ranges(campaign, rows[name], rows["range_quiet"], RANGE_RATE)
        if one is not None:
            found_ranges.append(
                RangeLine(
                    what=rows[name].spec.what,
                    trials=one.trials,
                    range_m=one.range_m,
                    quiet_m=one.reference_m,
                    ratio=one.ratio,
                    low=one.low,
                    high=one.high,
                    limit=limit,
                )
            )
    return Figures(
        title=campaign.plan.title,
        under_test="presence",
        lines=lines,
        units=found_units,
        ranges=found_ranges,
        mining=_mining(),
        budget=_budget(),
    )


def _line(campaign: Campaign, one, ceiling: dict[str, float] | None):
    from reports.evidence import Line

    row: EvidenceRow = one.row
    result = one.result
    said: dict[str, object] = {}
    if result.detection is not None:
        d = result.detection
        said |= {"detected": d.detected, "trials": d.trials, "low": d.low, "high": d.high}
    if result.latency_s is not None:
        said["median_s"] = result.latency_s.p50
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
    if result.accept:
        accept = result.accept[0]
        said |= {
            "limit": accept.limit,
            "bound": accept.bound,
            "verdict": str(accept.verdict),
            "needed": accept.needed,
        }
    if ceiling is not None:
        said |= {
            "ceiling_matched": ceiling["matched"],
            "ceiling_energy": ceiling["energy"],
            "headroom_db": ceiling["headroom_db"],
        }
    asked = row.spec.hours if row.spec.hours is not None else row.spec.trials
    return Line(
        row=row.name,
        group=row.spec.group,
        what=row.spec.what,
        scenario=row.scenario.id,
        scenario_hash=row.scenario.hash,
        build=row.build.id,
        build_hash=one.build_hash,
        detector=one.detector,
        label=row.spec.label,
        cells=len(row.cells),
        asked=float(asked),
        duty=None if math.isnan(one.duty) else one.duty,
        **said,
    )


def _ceilings(campaign: Campaign) -> dict[str, dict[str, float]]:
    path = campaign.out / "ceiling.json"
    if not path.exists():
        return {}
    hashes = {row.scenario.hash for row in campaign.plan.rows}
    return {
        key.split()[1]: value
        for key, value in json.loads(path.read_text()).items()
        if key.split()[0] in hashes
    }


def _mining() -> str:
    """As the model's card tells it."""
    card = (MODELS / "presence.md").read_text()
    return card.partition("## Mining\n")[2].partition("\n## ")[0].strip()


def _budget() -> str:
    from detectors.presence.budget import WEIGHTS_BYTES, table
    from detectors.presence.network import Classifier

    small = MODELS / "presence_int8.onnx"
    said = f"Weights in 8 bits: {small.stat().st_size:,} bytes of {WEIGHTS_BYTES:,}. Four microphones at 96 kHz, a hop of 50 ms:"
    return said + "\n\n" + table(4, 96_000, Classifier(MODELS / "presence.onnx").parameters)


def _benchmark() -> str:
    from tests.benchmarks import bench_presence

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        bench_presence.main()
    timed = said.getvalue().partition("| stage")[0].rstrip()
    return (
        "One core, seconds of sound per second (`python -m tests.benchmarks.bench_presence`):\n\n```\n"
        + timed
        + "\n```"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.commands.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("plan", type=Path)
    parser.add_argument(
        "what", choices=("estimate", "measure", "ceiling", "publish"), nargs="?", default="estimate"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/presence"), help="folder of what is measured")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop after so long; default: when all is measured")
    parser.add_argument(
        "--trials-scale", type=float, default=1.0, help="of the trials that the plan asks for"
    )
    parser.add_argument("--hours-scale", type=float, default=1.0, help="of the hours that the plan asks for")
    parser.add_argument("--slice-s", type=float, default=SLICE_S, help="of one core, for a row and a round")
    parser.add_argument("--rows", nargs="*", default=[], help="only these")
    parser.add_argument("--ceiling-trials", type=int, default=CEILING_TRIALS, help="of a row")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to publish in")
    parser.add_argument("--benchmark", action="store_true", help="time the detector anew when publishing")
    return parser


if __name__ == "__main__":
    main()
