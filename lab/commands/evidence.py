"""A body of evidence: `python -m lab.commands.evidence PLAN [estimate | measure | ceiling | publish]`.

estimate    how far each row is and how long the rest takes; nothing is run
measure     measure what is missing, a slice of every row in turn; the same command goes on from where it was stopped
ceiling     what the physics leaves of each row of detections: see lab/bench/simulated/ceiling.py
publish     add what is stored to docs/results/SUITE.json, write docs/results/SUITE.md and SUITE/figures.json, and README.md's figures
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from lab.errors import BadInput
from lab.runs.campaign import SLICE_S, Campaign, measure, states, summaries
from lab.runs.evidence import Plan, load_plan
from reports.evidence_targets import OPEN, verdicts

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
CEILING_TRIALS = 40


def main(arguments: list[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    plan = load_plan(asked.plan)
    rows = _undecided(plan, asked.rows, asked.results) if asked.undecided else asked.rows
    campaign = Campaign(
        plan,
        asked.out or Path("runs") / plan.suite,
        asked.trials_scale,
        asked.hours_scale,
        tuple(rows),
        asked.slice_s,
        asked.results / f"{plan.suite}.json",
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


def _undecided(plan: Plan, rows: Sequence[str], results: Path) -> list[str]:
    """Of these rows, all where none is named, those that more measuring can still decide: without those of which no published target is
    open. Raises BadInput where none is left."""
    from reports import evidence as page

    path = results / plan.suite / "figures.json"
    said: dict[str, list[str]] = defaultdict(list)
    for line in page.read(path).lines if path.exists() else []:
        said[line.row] += verdicts(line) or [OPEN]
    named = rows or [row.name for row in plan.rows]
    left = [name for name in named if not said[name] or OPEN in said[name]]
    if not left:
        raise BadInput(f"{path}: every row asked for is decided; leave out --undecided to measure on")
    return left


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
    """Mean over the first trials of each row of detections above hearing; kept in `out`/ceiling.json."""
    from lab.bench.simulated.ceiling import ceiling

    path = campaign.out / "ceiling.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    for row in campaign.chosen:
        key = f"{row.scenario.hash} {row.name} {trials} in air"
        if row.spec.group not in ("walking", "minor", "gestures") or key in kept:
            continue
        each = max(1, trials // len(row.cells))
        found = [
            ceiling(row.scenario.draw(cell, index, campaign.plan.seed), row.spec.label)
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
    """Ledger, figures and page. What the ledger has already stays as it is, and so do published figures of more than is stored here."""
    from lab.commands.evidence_figures import figures, kept
    from lab.commands.evidence_texts import BENCHMARKS, TEXTS
    from lab.store import ledger
    from reports import evidence as page
    from reports import published

    plan = campaign.plan
    path = results / f"{plan.suite}.json"
    for found in summaries(campaign).values():
        for scenario in found.scenarios:
            with contextlib.suppress(ledger.AlreadyCounted):
                ledger.merge(found.model_copy(update={"scenarios": [scenario]}), path)
    figures_path = results / plan.suite / "figures.json"
    before = page.read(figures_path) if figures_path.exists() else None
    names = {section.title: section.text for section in plan.sections if section.text}
    unknown = sorted(set(names.values()) - {*TEXTS, *BENCHMARKS})
    if unknown:
        raise BadInput(
            f"{plan.path}: no text {unknown[0]}; there are: {', '.join(sorted({*TEXTS, *BENCHMARKS}))}"
        )
    timed = {names.get(one.title): one.text for one in (before.sections if before else [])}
    texts = {name: TEXTS[name]() for name in names.values() if name in TEXTS}
    texts |= {
        name: BENCHMARKS[name]() if benchmark else timed.get(name, "")
        for name in names.values()
        if name in BENCHMARKS
    }
    fresh = figures(campaign, texts)
    if before is not None:
        fresh = kept(fresh, before, plan)
    page.write(fresh, figures_path)
    (results / f"{plan.suite}.md").write_text(page.page(fresh))
    print(f"published: {path}, {figures_path}, {results / f'{plan.suite}.md'}")
    if results == RESULTS:
        published.main()


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
    parser.add_argument("--out", type=Path, help="folder of what is measured; default: runs/SUITE")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop after so long; default: when all is measured")
    parser.add_argument(
        "--trials-scale", type=float, default=1.0, help="of the trials that the plan asks for"
    )
    parser.add_argument("--hours-scale", type=float, default=1.0, help="of the hours that the plan asks for")
    parser.add_argument("--slice-s", type=float, default=SLICE_S, help="of one core, for a row and a round")
    parser.add_argument("--rows", nargs="*", default=[], help="only these")
    parser.add_argument(
        "--undecided", action="store_true", help="without rows that are published as met or missed"
    )
    parser.add_argument("--ceiling-trials", type=int, default=CEILING_TRIALS, help="of a row")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to publish in")
    parser.add_argument("--benchmark", action="store_true", help="time the detector anew when publishing")
    return parser


if __name__ == "__main__":
    main()
