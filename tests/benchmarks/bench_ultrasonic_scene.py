"""The whole chain above hearing, one core: a trial of the bench, block by block, against real time.

    python -m tests.benchmarks.bench_ultrasonic_scene            the table
    python -m tests.benchmarks.bench_ultrasonic_scene --hours 24    memory of a long render of an empty room with a fan

Rooms are cached before the clock starts; the fan's table belongs to a room and is made before it, too, as a run reuses it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import pytest

from detectors.interface import BASEBAND, ULTRASONIC, Emission, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.scenario.load import load_scenario
from lab.scenario.trial import Trial

TONE = Emission((34_000.0,), 85.0)
SCENE = """
format = "earshot-scenario/1"
id = "bench"
title = "A room with a device that emits"
device = "ultrasonic_speaker"
trials = 1
duration_s = {seconds}
[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3
[placement]
position_m = [0.4, 2.0, 0.8]
"""
FAN = """
[[movers]]
kind = "pedestal_fan"
name = "fan"
position_m = [3.0, 1.2]
"""
WALKER = """
[[movers]]
kind = "walker"
name = "person"
route = "waypoints"
waypoints_m = [[4.0, 1.0], [1.5, 2.6], [4.0, 3.2]]
repeat = true
"""
PASSBAND = {ULTRASONIC: StreamNeed((96_000,))}
ENVELOPE = {BASEBAND: StreamNeed((4_000,))}
# What is in the room, the stream, and how many times faster than real time it must be rendered.
CASES = {
    "empty room, baseband": ("", ENVELOPE, None),
    "fan, baseband": (FAN, ENVELOPE, 300.0),
    "walker, baseband": (WALKER, ENVELOPE, None),
    "fan, 96 kHz": (FAN, PASSBAND, 100.0),
    "fan and walker, 96 kHz": (FAN + WALKER, PASSBAND, None),
}


def trial_of(parts: str, seconds: float) -> Trial:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(SCENE.format(seconds=float(seconds)) + parts)
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], 0, 1)


def times_real_time(parts: str, needs: dict[str, StreamNeed], seconds: float = 240.0) -> float:
    """Seconds of capture per second of processor time of this process, after a warm start."""
    play(trial_of(parts, 2.0), needs)
    trial = trial_of(parts, seconds)
    started = time.process_time()
    play(trial, needs)
    return seconds / (time.process_time() - started)


def play(trial: Trial, needs: dict[str, StreamNeed]) -> None:
    session = SimulatedBench().open(trial, needs)
    while session.next(TONE) is not None:
        pass


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] is not None])
def test_chain_speed(name):
    parts, needs, limit = CASES[name]
    assert max(times_real_time(parts, needs) for _ in range(3)) >= limit


def resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--hours", type=float, help="render this many hours of a fan in baseband and watch the memory"
    )
    hours = parser.parse_args().hours
    if hours:
        play(trial_of(FAN, 60.0), ENVELOPE)
        before, started = resident_mib(), time.process_time()
        play(trial_of(FAN, min(hours * 3600.0, 86_400.0)), ENVELOPE)
        spent = time.process_time() - started
        print(
            f"{hours:g} h: {hours * 3600 / spent:.0f} x real time, {resident_mib():.0f} MiB at most, {before:.0f} MiB after a minute"
        )
        return
    print(f"{'chain':<26} x real time   limit")
    for name, (parts, needs, limit) in CASES.items():
        best = max(times_real_time(parts, needs) for _ in range(3))
        print(f"{name:<26} {best:11.0f}   {'' if limit is None else f'{limit:.0f}'}")


if __name__ == "__main__":
    main()
