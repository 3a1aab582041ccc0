"""How fast music is taken out of the tone, and how well: seconds of audio per second of processor time, one core.

`python -m tests.benchmarks.bench_distortion` prints both tables; `pytest tests/benchmarks/bench_distortion.py` holds the speed to that
of a recursive least squares with the same regressors, updated at every sample.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.signal
from numba import njit

from detectors.interface import PLAYBACK, ULTRASONIC, Emission, StreamNeed
from detectors.presence.distortion import FORGET_S, LAGS, DistortionRemover
from detectors.presence.front_end import Mixer

RATE, PLAYED, HOP, SECONDS, RATIO = 4_000, 16_000, 200, 4, 3.0
LEVELS_DB = (55.0, 65.0, 75.0, 85.0)
ONSET_S, MEASURED_S, LENGTH_S = 15.0, 3.0, 18.0
SCENARIO = """
format = "earshot-scenario/1"
id = "distortion"
title = "Music, and a person at 3 m"
trials = 1
duration_s = {length}
device = "ultrasonic_speaker"
room = {{size_m = [5.0, 4.0, 2.7], rt60_s = 0.3, temperature_c = 20.0, humidity_percent = 50.0, bank = 1000, placements = 1}}
placement = {{rule = "shelf"}}
[[sources]]
kind = "playback"
name = "own"
classes = ["music"]
level_db_spl = {{sweep = {levels}}}
[[variant]]
name = "empty"
[[variant]]
name = "person"
movers.person = {{kind = "walker", distance_m = 3.0, clothing_loss_db = 4.0, start_s = {onset}, route = "radial"}}
"""
RNG = np.random.default_rng(1)
MUSIC = (0.05 * RNG.standard_normal(SECONDS * PLAYED)).astype(np.float32)
ENVELOPE = 0.05 * np.exp(0.01j * RNG.standard_normal((6, SECONDS * RATE))).astype(np.complex64)


def removal(channels: int) -> Callable[[], None]:
    def work() -> None:
        cleaned(ENVELOPE[:channels], MUSIC)

    return work


def every_sample(channels: int = 4) -> Callable[[], None]:
    count = sum(len(lags) for lags in LAGS)
    regressors = RNG.standard_normal((SECONDS * RATE // 4, count))
    wanted = RNG.standard_normal((len(regressors), 2 * channels))

    def work() -> None:
        for _ in range(4):
            _recursive(regressors, wanted, np.exp(-1.0 / (FORGET_S * RATE)))

    return work


@njit(cache=True)
def _recursive(regressors, wanted, keep):
    count = regressors.shape[1]
    inverse, weights = np.eye(count) * 1e3, np.zeros((count, wanted.shape[1]))
    for n in range(len(regressors)):
        x = regressors[n]
        gain = inverse @ x
        gain /= keep + x @ gain
        weights += np.outer(gain, wanted[n] - x @ weights)
        inverse = (inverse - np.outer(gain, x @ inverse)) / keep
    return weights


def times_real_time(work: Callable[[], None], rounds: int = 4) -> float:
    """Best of some rounds, after one that compiles and fills caches."""
    work()
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return SECONDS / best


def test_hop_by_hop_outruns_sample_by_sample():
    assert times_real_time(removal(4)) >= RATIO * times_real_time(every_sample(), 1)


def cleaned(envelope, playback):
    remover, step = DistortionRemover(len(envelope), RATE, PLAYED), HOP * PLAYED // RATE
    parts = [
        remover.process(envelope[:, i * HOP : (i + 1) * HOP], playback[i * step : (i + 1) * step])
        for i in range(envelope.shape[1] // HOP)
    ]
    return np.concatenate(parts, axis=1)


def band_db(envelope, carrier):
    """20 to 1200 Hz on both sides while the person walks, mean over microphones of each one's dB re its carrier."""
    part = envelope[:, round(ONSET_S * RATE) : round((ONSET_S + MEASURED_S) * RATE)].astype(complex)
    frequency, power = scipy.signal.welch(
        part, RATE, "blackmanharris", 512, return_onesided=False, detrend="linear"
    )
    band = (np.abs(frequency) >= 20.0) & (np.abs(frequency) <= 1200.0)
    return float(np.mean(10.0 * np.log10(power[:, band].sum(axis=1) * RATE / 512 / carrier)))


def quality(folder: Path, trials: int) -> None:
    """Mean over trials. `kept` is what the person's echo has lost: cleaned with less cleaned without, against heard."""
    from lab.bench.simulated.bench import SimulatedBench
    from lab.scenario.load import load_scenario

    file = folder / "distortion.toml"
    file.write_text(SCENARIO.format(length=LENGTH_S, levels=list(LEVELS_DB), onset=ONSET_S))
    scenario = load_scenario(file)

    def heard(cell, trial):
        needs = {ULTRASONIC: StreamNeed((96_000,)), PLAYBACK: StreamNeed((PLAYED,))}
        session, mixer = (
            SimulatedBench().open(scenario.draw(cell, trial, 1), needs),
            Mixer(96_000, RATE, 34_000.0, 4),
        )
        envelope, playback = [], []
        while (block := session.next(Emission((34_000.0,), 85.0))) is not None:
            envelope.append(mixer.mix(block.streams[ULTRASONIC]))
            playback.append(block.streams[PLAYBACK])
        return np.concatenate(envelope, axis=1), np.concatenate(playback, axis=1)[0]

    cells = {(c.values["variant"], c.values["level_db_spl"]): c for c in scenario.cells()}
    print(
        "music  microphones   before    after  removed   person  person lost   dB re carrier, 20 to 1200 Hz"
    )
    for level in LEVELS_DB:
        rows: dict[int, list[list[float]]] = {1: [], 2: [], 4: []}
        for trial in range(trials):
            (alone, playback), (both, _) = (heard(cells[name, level], trial) for name in ("empty", "person"))
            carrier = np.abs(alone[:, RATE:].mean(axis=1)) ** 2
            for channels, row in rows.items():
                a, b, c = alone[:channels], both[:channels], carrier[:channels]
                left = cleaned(a, playback)
                moving, kept = band_db(b - a, c), band_db(cleaned(b, playback) - left, c)
                row.append([band_db(a, c), band_db(left, c), moving, moving - kept])
        for channels, row in rows.items():
            before, after, moving, lost = np.mean(row, axis=0)
            print(
                f"{level:5.0f}{channels:13d}{before:9.1f}{after:9.1f}{before - after:9.1f}{moving:9.1f}{lost:13.1f}"
            )


def main() -> None:
    import tempfile

    for channels in (1, 2, 4, 6):
        print(f"{channels} microphones{times_real_time(removal(channels)):24.0f} x real time")
    print(f"4, at every sample{times_real_time(every_sample(), 1):20.0f} x real time")
    with tempfile.TemporaryDirectory() as folder:
        quality(Path(folder), 6)


if __name__ == "__main__":
    main()
