"""How exact the audio path is: ten captures through PortAudio and a JACK loopback, 8 channels at 96 kHz, float32.

`python -m tests.benchmarks.bench_round_trip [RUNS] [SECONDS]` prints a row per run and one with a block lost on purpose. Signals:
a linear chirp of 20 Hz to 46 kHz on channel 1, independent white noise on the others. Exact means every sample of every
channel. The last rows are the same path in freewheel, without a clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import scipy.signal

from rigs.audio import AudioSpec, Duplex, play_record
from rigs.audio.devices import forget_devices
from rigs.emulators.freewheel import play_record_freewheel
from rigs.emulators.jack import JackServer, JackSpec, missing

RATE_HZ = 96_000
CHANNELS = 8
ALL = AudioSpec(
    outputs=CHANNELS, inputs=CHANNELS, rate_hz=RATE_HZ, exact=True, lag_samples=(1024, 1024), path_gain_db=0.0
)


class Losing(Duplex):
    """Loses the fiftieth block that the sound card delivers after the first second."""

    count = 0

    def _arrived(self, recorded, played):
        self.count += 1
        super()._arrived(recorded[:, :0] if self.count == RATE_HZ // 1024 + 50 else recorded, played)


def signal(channels: int, seconds: float, seed: int) -> np.ndarray:
    n = round(seconds * RATE_HZ)
    sound = 0.1 * np.random.default_rng(seed).standard_normal((channels, n))
    sound[0] = 0.5 * scipy.signal.chirp(np.arange(n) / RATE_HZ, 20.0, seconds, 46_000.0)
    return sound.astype(np.float32)


def row(name: str, capture, played: np.ndarray, took_s: float) -> None:
    equal = capture.samples.shape == played.shape and bool(np.array_equal(capture.samples, played))
    alignment = capture.alignment
    print(
        json.dumps(
            {
                "run": name,
                "samples": int(played.size),
                "exact": equal,
                "lag": round(alignment.lag_samples, 6),
                "tail_lag": round(alignment.tail_lag_samples, 6),
                "skew_ppm": round(alignment.skew_ppm, 6) + 0.0,
                "valid": capture.verdict.valid,
                "reason": capture.verdict.reason,
                "took_s": round(took_s, 2),
            }
        ),
        flush=True,
    )


def loopback(runs: int, seconds: float) -> None:
    for run in range(runs):
        played = signal(CHANNELS, seconds, run)
        began = time.perf_counter()
        row(f"{run + 1}", play_record(ALL, played), played, time.perf_counter() - began)
    played = signal(CHANNELS, seconds, runs)
    began = time.perf_counter()
    row("one block lost", play_record(ALL, played, duplex=Losing), played, time.perf_counter() - began)
    forget_devices()


def without_clock(seconds: float) -> None:
    spec = AudioSpec(
        device="system", outputs=2, inputs=2, rate_hz=RATE_HZ, exact=True, lag_samples=(1024, 1024)
    )
    played = signal(2, seconds, 0)
    for run in range(3):
        began = time.perf_counter()
        capture = play_record_freewheel(os.environ["JACK_DEFAULT_SERVER"], spec, played)
        row(f"freewheel {run + 1}", capture, played, time.perf_counter() - began)
    forget_devices()


def apart(server: JackServer, *arguments: str) -> list[dict]:
    """Another process of this module, that starts after the server and ends before it."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_round_trip", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | server.environment(),
    )
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    if sys.argv[1:2] == ["--loopback"]:
        return loopback(int(sys.argv[2]), float(sys.argv[3]))
    if sys.argv[1:2] == ["--freewheel"]:
        return without_clock(float(sys.argv[2]))
    if reason := missing():
        sys.exit(f"bench_round_trip: {reason}")
    runs, seconds = (sys.argv[1:] + ["10", "3"][len(sys.argv) - 1 :])[:2]
    with JackServer(JackSpec(RATE_HZ, 1024, CHANNELS)) as server:
        rows = apart(server, "--loopback", runs, seconds)
    with JackServer(JackSpec(RATE_HZ, 1024, 2, loopback=False)) as server:
        rows += apart(server, "--freewheel", "60")
    print(
        f"{'run':16}{'samples':>10} {'exact':6}{'lag':>9}{'tail lag':>10}{'skew ppm':>13}{'took s':>8}  verdict"
    )
    for one in rows:
        print(
            f"{one['run']:16}{one['samples']:10} {'yes' if one['exact'] else 'no':6}{one['lag']:9.3f}{one['tail_lag']:10.3f}"
            f"{one['skew_ppm']:13.6f}{one['took_s']:8.2f}  {one['reason'] or 'valid'}"
        )
    whole = [one for one in rows if one["run"].isdigit()]
    print(f"exact in {sum(one['exact'] for one in whole)} of {len(whole)} runs")
    return None


if __name__ == "__main__":
    main()
