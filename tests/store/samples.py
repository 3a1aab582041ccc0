"""A run with one scenario, and trials that look like those of the second-screen suite."""

import hashlib

import numpy as np

from detectors.interface import Event, ScoreTrack
from lab.store.records import BatchRecord, RunRecord, ScenarioRecord, TrialRecord
from lab.store.results import (
    Accept,
    BuildIdentity,
    Detection,
    Environment,
    FalseAlarms,
    Results,
    Row,
    ScenarioResult,
)

RUN = RunRecord(
    id="2026-11-20-1",
    started="2026-11-20T08:00:00+00:00",
    seed=7,
    build_id="reference",
    build_hash="b" * 64,
    environment={"packages": {"numpy": "2.0"}, "commit": "abc"},
)
BATCH = BatchRecord(
    began="2026-11-20T08:00:05+00:00",
    ended="2026-11-20T08:00:35+00:00",
    commit="c" * 40,
    python="3.12.3",
    packages={"numpy": "2.0"},
    machine="Linux x86_64",
)
SCENARIO = ScenarioRecord(
    id="distance",
    hash="5" * 64,
    path="scenarios/second_screen/distance.toml",
    title="Watermark against distance",
    tags=("quick", "watermark"),
    effective={"id": "distance", "room": {"rt60_s": 0.3}},
    seed=7,
    origin="simulated",
    split="test",
)


def make_trial(
    index: int, *, distance_m: float = 3.0, hops: int = 375, invalid: str | None = None
) -> TrialRecord:
    """A trial that is a pure function of its arguments, as real ones are."""
    rng = np.random.default_rng([index, hops])
    tracks = tuple(
        ScoreTrack("watermark", label, 0.128, 0.016, rng.normal(size=hops).astype(np.float32), stage)
        for label, stage in (("watermark", "device"), ("watermark", "verifier"))
    )
    return TrialRecord(
        scenario_id=SCENARIO.id,
        scenario_hash=SCENARIO.hash,
        cell_key=f"distance_m={distance_m}",
        cell={"distance_m": distance_m},
        index=index,
        duration_s=6.0,
        distinct_s=5.5,
        invalid=invalid,
        drawn={"room.size_m": [8.0, 5.0, 2.7], "sources.tv.start_s": 0.1 * index},
        clusters={"room": f"room-{index % 4}", "recording": "clip-1"},
        truth=(Event(2.5, 4.55, "watermark"),),
        events=(Event(2.5, 4.9, "watermark", 6.5, "watermark", "device"),),
        segments=({"source": "tv", "recording": "clip-1", "start_s": 12.25},),
        measured={"snr_db": 19.98, "noise_to_mask_db": float("-inf")},
        capture_sha256=hashlib.sha256(f"{distance_m} {index}".encode()).hexdigest(),
        outcomes=({"label": "watermark", "detected": True, "peak": 6.5},),
        wall_s=0.05,
        tracks=tracks,
    )


def make_results(
    *,
    run: str = "2026-11-20-1",
    started: str = "2026-11-20T08:00:00+00:00",
    seed: int = 7,
    trials: int = 40,
    detected: int = 38,
    effective_trials: float = 40.0,
    hours: float = 1.0,
    false_alarms: int = 0,
    build_hash: str = "b" * 64,
    scenario_hash: str = "5" * 64,
    split: str = "test",
    origin: str = "simulated",
    threshold: float = 6.0,
) -> Results:
    """Results of a run of one scenario with one cell."""
    row = Row(
        cell={"distance_m": 3.0},
        detector="watermark",
        stage="device",
        label="watermark",
        threshold=threshold,
        detection=Detection(
            detected=detected,
            trials=trials,
            effective_trials=effective_trials,
            clusters=10,
            rate=detected / trials,
            low=0.85,
            high=0.99,
        ),
        false_alarms=FalseAlarms(
            count=false_alarms,
            hours=hours,
            distinct_hours=hours,
            per_day=24 * false_alarms / hours,
            per_day_low=0.0,
            per_day_high=71.9,
            active_fraction=0.0,
            count_squared=false_alarms,
            most=min(1, false_alarms),
        ),
        accept=[
            Accept(
                metric="detection_rate",
                label="watermark",
                where={"distance_m": 3.0},
                limit=">= 0.80",
                bound=0.85,
                verdict="pass",
            )
        ],
    )
    scenario = ScenarioResult(
        id="distance",
        title="Watermark against distance",
        path="scenarios/second_screen/distance.toml",
        tags=["quick"],
        hash=scenario_hash,
        origin=origin,
        seed=seed,
        split=split,
        trials=trials,
        invalid=0,
        verdict="pass",
        results=[row],
    )
    build = BuildIdentity(id="reference", hash=build_hash, path="detectors/builds/reference.toml")
    return Results(
        run=run,
        started=started,
        wall_s=12.0,
        verdict="pass",
        scenarios=[scenario],
        environment=Environment(build=build, packages={}, commit="abc", python="3.11", machine="x86_64"),
    )
