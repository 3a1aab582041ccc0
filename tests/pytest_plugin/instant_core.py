"""Stands where `lab.runs.run` does and answers at once; writes into `out` as the core does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from detectors.build import load_build
from detectors.errors import DetectorFault
from lab.errors import LabFailure
from lab.runs.options import RunOptions
from lab.scenario.load import load_scenario
from lab.store import results as results_file
from lab.store.results import (
    Accept,
    BuildIdentity,
    Detection,
    Environment,
    Example,
    Results,
    Row,
    ScenarioResult,
)

__all__ = ["RunOptions", "run_scenarios"]


def run_scenarios(paths: Sequence[Path], options: RunOptions, on_progress: object = None) -> Results:
    (path,) = paths
    scenario = load_scenario(path)
    if "broken detector" in scenario.title:
        raise DetectorFault("mine.toml: detector 'level': KeyError: 'left'", 'File "level.py", line 3\n')
    if "interrupted" in scenario.title:
        raise KeyboardInterrupt
    if "disk" in scenario.title:
        raise LabFailure(f"{options.out}: cannot store trials: No space left on device")
    build = load_build(options.build)
    options.out.mkdir(parents=True, exist_ok=True)
    verdict = next(v for v in ("fail", "inconclusive", "reported", "pass") if v in scenario.title)
    planned = options.trials or scenario.first.trials
    not_run = 1 if "unfinished" in scenario.title else 0
    trials = planned - not_run
    low, high = {"fail": (0.0, 0.15), "inconclusive": (0.1, 0.6)}.get(verdict, (0.4, 1.0))
    rate = Detection(
        detected=trials // 2,
        trials=trials,
        effective_trials=float(trials),
        clusters=2,
        rate=0.5,
        low=low,
        high=high,
    )
    limit = Accept(
        metric="detection_rate",
        label="watermark",
        where={},
        limit="at least 0.2",
        bound=high if verdict == "fail" else low,
        verdict="pass" if verdict == "reported" else verdict,
        needed="12 more trials" if verdict == "inconclusive" else None,
    )
    row = Row(
        cell={},
        detector="watermark",
        stage="device",
        label="watermark",
        threshold=5.5,
        detection=rate,
        accept=[] if verdict == "reported" else [limit],
    )
    seed = options.seed if options.seed is not None else 1
    miss = Example(
        kind="miss",
        cell={},
        trial=3,
        detector="watermark",
        label="watermark",
        at_s=2.5,
        score=1.25,
        threshold=5.5,
        clip="clips/miss-3.flac",
        command=f"lab render {path} --trial 3 --seed {seed}",
    )
    (options.out / "clips").mkdir(exist_ok=True)
    (options.out / "clips" / "miss-3.flac").write_bytes(b"")
    results = Results(
        run="0123456789ab",
        started=time.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        wall_s=0.1,
        verdict=verdict,
        scenarios=[
            ScenarioResult(
                id=scenario.id,
                title=scenario.title,
                path=str(path),
                tags=list(scenario.tags),
                hash=scenario.hash,
                origin=options.origin.value,
                scope=options.scope,
                seed=seed,
                split=scenario.first.split,
                trials=trials,
                invalid=1 if "sick" in scenario.title else 0,
                invalid_reasons={"lost block: 1 gap": 1} if "sick" in scenario.title else {},
                planned=planned,
                not_run=not_run,
                not_run_reasons={"nobody to ask: place the tv": 1} if not_run else {},
                verdict=verdict,
                results=[row],
                examples=[miss],
            )
        ],
        environment=Environment(
            build=BuildIdentity(id=build.id, hash="b" * 64, path="reference.toml"),
            packages={},
            commit="unknown",
            python="3.11",
            machine="test",
        ),
    )
    results_file.write(results, options.out / "results.json")
    return results
