"""A run as `lab run` would leave it, drawn from a known score model instead of from a detector.

Scores of marked trials are normal about a mean that falls with distance; peaks of target-free audio come as a
Poisson process with an exponential excess. Everything follows from one seed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import beta, chi2

from lab.store.results import (
    Accept,
    BuildIdentity,
    Credit,
    Curve,
    Detection,
    Environment,
    Example,
    FalseAlarms,
    Latency,
    Metric,
    Results,
    Row,
    ScenarioResult,
    write,
)

THRESHOLD = 5.2
GRID = np.linspace(2, 12, 81)
RATE_HZ = 16_000


def write_run(
    folder: Path, *, shift: float = 0.0, build: str = "reference", only: tuple[str, ...] = ()
) -> Path:
    """Write results.json and clips into `folder`. shift: added to every score of marked audio. only: scenarios."""
    folder.mkdir(parents=True, exist_ok=True)
    results = synthetic_results(shift=shift, build=build)
    if only:
        kept = [scenario for scenario in results.scenarios if scenario.id in only]
        results = results.model_copy(update={"scenarios": kept})
    for scenario in results.scenarios:
        for number, example in enumerate(scenario.examples):
            if example.clip:
                _write_clip(folder / example.clip, number)
    write(results, folder / "results.json")
    return folder


def synthetic_results(*, shift: float = 0.0, build: str = "reference") -> Results:
    """A failing sweep, an inconclusive sweep, an inconclusive exposure and a reported scenario of few clips."""
    rng = np.random.default_rng(7)
    scenarios = [
        _distance(rng, shift, trials=200),
        _snr(rng, shift),
        _exposure(rng),
        _few_clips(rng),
    ]
    return Results(
        run=f"2026-11-20T10-00-00_{build}",
        started="2026-11-20T10:00:00Z",
        wall_s=754.2,
        verdict="fail",
        scenarios=scenarios,
        environment=Environment(
            build=BuildIdentity(id=build, hash="9f8e7d6c5b4a" * 5, path=f"detectors/builds/{build}.toml"),
            packages={"numpy": "2.4.6", "pyroomacoustics": "0.10.1", "scipy": "1.17.1"},
            commit="2bac94f2bac94f2bac94f2bac94f2bac94f2bac9",
            python="3.11.9",
            machine="Linux x86_64, 2 cores",
        ),
    )


def _distance(rng: np.random.Generator, shift: float, trials: int) -> ScenarioResult:
    rows, examples = [], []
    for variant in ("pink", "babble", "household"):
        for rt60_s in (0.3, 0.6):
            for distance_m in (1.0, 2.0, 3.0, 6.1, 9.1):
                mean = (
                    9.5 - 0.55 * distance_m - 3 * (rt60_s - 0.3) - (0.8 if variant == "babble" else 0) + shift
                )
                cell = {"distance_m": distance_m, "rt60_s": rt60_s, "variant": variant}
                accept = []
                if distance_m == 3.0 and rt60_s == 0.3:
                    accept.append(("detection_rate", {"distance_m": 3.0, "rt60_s": 0.3}, 0.90))
                if distance_m == 6.1 and rt60_s == 0.6 and variant == "babble":
                    accept.append(("detection_rate", cell, 0.80))
                rows.append(_detection_row(rng, cell, mean, trials, accept))
    for number in range(6):
        examples.append(_example("miss", "distance", rows[4].cell, number, 2.0 + 0.4 * number))
    return _scenario(
        "distance", "Watermark against distance and reverberation", rows, "fail", examples, trials
    )


def _snr(rng: np.random.Generator, shift: float) -> ScenarioResult:
    rows = []
    for colour in ("pink", "babble"):
        for snr_db in (-5.0, 0.0, 5.0, 10.0, 20.0):
            mean = 5.0 + 0.2 * snr_db - (1.0 if colour == "babble" else 0) + shift
            cell = {"snr_db": snr_db, "sources.background.colour": colour}
            accept = (
                [("detection_rate", {"snr_db": 20.0}, 0.95)] if snr_db == 20.0 and colour == "pink" else []
            )
            rows.append(_detection_row(rng, cell, mean, 40, accept))
    title = 'Noise <script>document.title="owned"</script> & "SNR" at $3$ m'
    return _scenario("snr", title, rows, "inconclusive", [], 40, invalid=3)


def _exposure(rng: np.random.Generator) -> ScenarioResult:
    curve, count = _false_alarm_curve(rng, hours=72.0)
    alarms = _false_alarms(count, 72.0, 70.5)
    high = alarms.per_day_high
    row = Row(
        cell={},
        detector="watermark",
        stage="device",
        label="watermark",
        threshold=THRESHOLD,
        false_alarms=alarms,
        curve=curve,
        accept=[
            Accept(
                metric="false_alarms_per_day",
                label="watermark",
                where={},
                limit="at most 1",
                bound=high,
                verdict="pass" if high <= 1 else "inconclusive",
                needed=None if high <= 1 else "72 h without an event",
            )
        ],
    )
    examples = [_example("false_alarm", "unmarked_media", {}, 3, 6.1)]
    verdict = row.accept[0].verdict
    return _scenario("unmarked_media", "False alarms on unmarked media", [row], verdict, examples, 144)


def _few_clips(rng: np.random.Generator) -> ScenarioResult:
    row = _detection_row(rng, {}, 8.0, 12, [])
    clips = {"drama <i>one</i>": (4, 4), "news at ten": (3, 4), "song": (4, 4)}
    row = row.model_copy(update={"per_clip": clips})
    return _scenario("wake_word", "Marked wake word", [row], "reported", [], 12)


def _detection_row(rng, cell, mean, trials, limits) -> Row:
    scores = rng.normal(mean, 1.3, trials)
    detected = int((scores >= THRESHOLD).sum())
    low, high = clopper_pearson(detected, trials)
    hits = np.array([(scores >= threshold).sum() for threshold in GRID])
    curve_low, curve_high = zip(*(clopper_pearson(int(k), trials) for k in hits))
    hours = trials * 2.5 / 3600
    alarms, count = _false_alarm_curve(rng, hours)
    latencies = rng.gamma(4, 0.08, max(detected, 1))
    accept = []
    for metric, where, limit in limits:
        verdict = "pass" if low >= limit else "fail" if high < limit else "inconclusive"
        accept.append(
            Accept(
                metric=metric,
                label="watermark",
                where=where,
                limit=f"at least {limit:g}",
                bound=high if verdict == "fail" else low,
                verdict=verdict,
                needed="271 more trials" if verdict == "inconclusive" else None,
            )
        )
    return Row(
        cell=cell,
        detector="watermark",
        stage="device",
        label="watermark",
        threshold=THRESHOLD,
        detection=Detection(
            detected=detected,
            trials=trials,
            effective_trials=0.9 * trials,
            clusters=min(trials, 40),
            rate=detected / trials,
            low=low,
            high=high,
        ),
        false_alarms=_false_alarms(count, hours, hours),
        latency_s=Latency(p50=float(np.median(latencies)), p95=float(np.quantile(latencies, 0.95))),
        curve=alarms.model_copy(
            update={
                "detection_rate": (hits / trials).tolist(),
                "detection_low": list(curve_low),
                "detection_high": list(curve_high),
            }
        ),
        metrics=[
            Metric(name="noise_to_mask_db", value=-4.2, low=-4.6, high=-3.8, n=trials, unit="dB"),
            Metric(name="latency_p95_s", value=0.61, low=0.55, high=None, n=detected, unit="s"),
        ],
        accept=accept,
    )


def _false_alarms(count: int, hours: float, distinct_hours: float) -> FalseAlarms:
    days = distinct_hours / 24
    return FalseAlarms(
        count=count,
        hours=hours,
        distinct_hours=distinct_hours,
        per_day=count / days,
        per_day_low=chi2.ppf(0.05, 2 * count) / 2 / days if count else 0.0,
        per_day_high=chi2.ppf(0.95, 2 * (count + 1)) / 2 / days,
        active_fraction=2e-5 * count,
    )


def _false_alarm_curve(rng: np.random.Generator, hours: float) -> tuple[Curve, int]:
    peaks = 2.0 + rng.exponential(0.45, rng.poisson(60 * hours))
    counts = np.array([(peaks >= threshold).sum() for threshold in GRID])
    low = np.where(counts > 0, chi2.ppf(0.05, np.maximum(2 * counts, 1)) / 2, 0) / hours
    high = chi2.ppf(0.95, 2 * (counts + 1)) / 2 / hours
    curve = Curve(
        threshold=GRID.tolist(),
        detection_rate=None,
        detection_low=None,
        detection_high=None,
        false_alarms_per_hour=(counts / hours).tolist(),
        false_alarms_low=low.tolist(),
        false_alarms_high=high.tolist(),
    )
    return curve, int((peaks >= THRESHOLD).sum())


def clopper_pearson(detected: int, trials: int) -> tuple[float, float]:
    low = float(beta.ppf(0.05, detected, trials - detected + 1)) if detected else 0.0
    high = float(beta.ppf(0.95, detected + 1, trials - detected)) if detected < trials else 1.0
    return low, high


def _example(kind, scenario, cell, trial, score) -> Example:
    return Example(
        kind=kind,
        cell=cell,
        trial=trial,
        detector="watermark",
        label="watermark",
        at_s=2.5,
        score=score,
        threshold=THRESHOLD,
        clip=f"clips/{scenario} {kind} {trial}.flac",
        credits=[Credit(title="A <b>bold</b> talk", author="A. N. Author", licence="CC BY 4.0")],
        command=f"lab render scenarios/second_screen/{scenario}.toml --trial {trial} --seed 1",
    )


def _scenario(identity, title, rows, verdict, examples, trials, invalid=0) -> ScenarioResult:
    return ScenarioResult(
        id=identity,
        title=title,
        path=f"scenarios/second_screen/{identity}.toml",
        tags=["quick"],
        hash="0123456789abcdef" * 4,
        origin="simulated",
        seed=1,
        split="test",
        trials=trials * len(rows),
        invalid=invalid,
        invalid_reasons={"lost block": invalid} if invalid else {},
        verdict=verdict,
        results=rows,
        examples=examples,
    )


def _write_clip(path: Path, number: int) -> None:
    """Four channels, three seconds: a chirp in noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    chirp = 0.2 * np.sin(2 * np.pi * (300 * time_s + 400 * time_s**2))
    audio = chirp[:, None] + 0.01 * rng.standard_normal((len(time_s), 4))
    soundfile.write(path, audio, RATE_HZ, subtype="PCM_16")
