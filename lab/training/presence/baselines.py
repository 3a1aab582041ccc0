"""Thresholds of the baselines that give them the false alarms of the detector under test, on clutter of the tune split.

`python -m lab.training.presence.baselines` runs build `presence_compared` over scenarios/training/presence/tune_clutter.toml, all
detectors in one pass, and prints false alarms an hour at ascending thresholds and the threshold at which each baseline has as many as
the detector under test, or at most `--per-hour`. The thresholds then go into the build file by hand.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectors.build import load_build
from lab.errors import BadInput
from lab.runs import worker
from lab.runs.pool import run_chunks
from lab.runs.worker import TrialPlace
from lab.scenario.load import load_scenario
from lab.scoring import curves
from lab.scoring.outcome import Outcome

SCENARIO = Path(__file__).parents[3] / "scenarios" / "training" / "presence" / "tune_clutter.toml"
BUILD, BASELINES, LABEL, SEED = "presence_compared", ("doppler_cfar", "prediction", "notch"), "presence", 1
STEP_DB = 0.5


def heard(path: Path, build: Path, trials: int, jobs: int) -> dict[str, list[Outcome]]:
    """Detector -> outcomes of LABEL over all cells. Raises BadInput for a scenario that is not of the tune split."""
    scenario = load_scenario(path)
    if scenario.first.split != "tune":
        raise BadInput(f'{path}: split = "{scenario.first.split}"; thresholds are set on "tune"')
    chunks = [
        (TrialPlace(path.resolve(), cell, index, SEED),)
        for index in range(trials)
        for cell in scenario.cells()
    ]
    found: dict[str, list[Outcome]] = defaultdict(list)

    def keep(records) -> None:
        for record in records:
            for stored in record.outcomes:
                outcome = Outcome.from_json(stored)
                if outcome.rule.label == LABEL:
                    found[outcome.rule.detector].append(outcome)

    run_chunks(chunks, worker.run_places, worker.set_up, (build, None), jobs, keep)
    return dict(found)


def threshold_for(outcomes: Sequence[Outcome], per_hour: float) -> float:
    """The lowest threshold, in steps of STEP_DB, with at most so many false alarms an hour."""
    hours = curves.free_hours(outcomes)
    levels = sorted((level.score for outcome in outcomes for level in outcome.levels), reverse=True)
    allowed = int(per_hour * hours + 1e-9)
    if len(levels) <= allowed:
        lowest = curves.floor(outcomes)
        return float(lowest) if np.isfinite(lowest) else 0.0
    return float((np.floor(levels[allowed] / STEP_DB) + 1.0) * STEP_DB)


def told(found: dict[str, list[Outcome]], per_hour: float | None) -> str:
    """per_hour: allowed; None: as many as the last detector of the build has at its own threshold."""
    under_test = next(reversed(found))
    own = found[under_test]
    hours = curves.free_hours(own)
    count = sum(len(outcome.false_alarms) for outcome in own)
    allowed = count / hours if per_hour is None else per_hour
    lines = [
        f"{under_test}: {count} false alarms in {hours:.2f} h at its threshold; allowed: {allowed:.3f} an hour"
    ]
    for name in (name for name in BASELINES if name in found):
        threshold = threshold_for(found[name], allowed)
        grid = np.arange(-4.0, 5.0) * 2.0 * STEP_DB + threshold
        counts = curves.false_alarm_counts(found[name], grid) / curves.free_hours(found[name])
        rates = "  ".join(f"{at:g}: {rate:.2f}" for at, rate in zip(grid, counts, strict=True))
        lines.append(f"{name}: threshold = {threshold:g}    an hour at  {rates}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.training.presence.baselines", description=__doc__)
    parser.add_argument("--trials", type=int, default=4, help="of each kind of clutter")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--per-hour", type=float, help="false alarms allowed; default: those of the detector under test"
    )
    asked = parser.parse_args(arguments)
    build = load_build(Path(BUILD)).path
    print(told(heard(SCENARIO, build, asked.trials, asked.jobs), asked.per_hour))


if __name__ == "__main__":
    main()
