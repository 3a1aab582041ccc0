"""How fast sources are made: seconds of audio per second of processor time, on one core.

`python -m tests.benchmarks.bench_sources` prints the table; `pytest tests/benchmarks/bench_sources.py` holds the lower limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lab.sources.media import MediaSpec, open_media
from lab.sources.noise import NoiseSpec, NoiseStream

RATE_HZ = 16_000
CHANNELS = 4
SECONDS = 120
LIMITS = {
    "speech-like": 500.0,
    "music-like": 500.0,
    "click track": 1000.0,
    "marked 6 s trial": 20.0,
    "pink noise, 4 channels": 1000.0,
    "white noise, 4 channels": 1000.0,
    "babble, 4 channels": 500.0,
    "household noise, 4 channels": 500.0,
}


def media(seed: int, seconds: float, **keys) -> None:
    spec = MediaSpec(kind="media", name="tv", distance_m=3.0, level_db_spl=70.0, **keys)
    stream = open_media(spec, seed=seed, rate_hz=RATE_HZ, duration_s=seconds, split="test")
    for _ in stream.chunks(RATE_HZ):
        pass


def marked(seed: int) -> None:
    for trial in range(10):
        media(seed + trial, 6.0, watermark={"key": "reference", "start_s": 2.5})


def noise(colour: str) -> Callable[[int], None]:
    spec = NoiseSpec(kind="noise", name="background", colour=colour, snr_db=10.0)
    stream = NoiseStream(spec, channels=CHANNELS, rate_hz=RATE_HZ, seed=1, split="test")

    def read(_: int) -> None:
        for _ in range(SECONDS):
            stream.read(RATE_HZ)

    return read


def times_real_time(work: Callable[[int], None], seconds: float, rounds: int = 5) -> float:
    """Best of some rounds, after one that compiles and fills caches."""
    work(0)
    best = float("inf")
    for seed in range(1, rounds + 1):
        start = time.process_time()
        work(seed)
        best = min(best, time.process_time() - start)
    return seconds / best


def measure(name: str) -> float:
    if name == "marked 6 s trial":
        return times_real_time(marked, 60.0, rounds=2)
    if name.endswith("channels"):
        return times_real_time(noise(name.split(",")[0].removesuffix(" noise")), SECONDS)
    keys = {
        "speech-like": {"classes": ["speech"]},
        "music-like": {"classes": ["music"]},
        "click track": {"classes": ["click_track"], "period_s": 0.128},
    }[name]
    return times_real_time(lambda seed: media(seed, SECONDS, **keys), SECONDS)


@pytest.mark.parametrize("name", LIMITS)
def test_sources_are_made_faster_than(name):
    assert measure(name) >= LIMITS[name]


if __name__ == "__main__":
    for label, limit in LIMITS.items():
        print(f"{label:30} {measure(label):8.0f} x real time   (at least {limit:.0f})")
