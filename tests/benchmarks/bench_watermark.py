"""Seconds of audio a core works off per second: `python -m pytest tests/benchmarks/bench_watermark.py -s`."""

import time

import numpy as np
import pytest

from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.watermark.detector import WatermarkDetector
from detectors.watermark.embedder import embed
from detectors.watermark.key import load_named

RATE_HZ = 16_000
KEY = load_named("reference")


def times_real_time(channels: int, seconds: float = 60.0, block_s: float = 0.05) -> float:
    audio = 0.1 * np.random.default_rng(1).standard_normal((channels, round(seconds * RATE_HZ))).astype(
        np.float32
    )
    size = round(block_s * RATE_HZ)
    detector = WatermarkDetector(KEY, channels=channels)
    best = 0.0
    for _ in range(3):
        detector.open({AUDIBLE: StreamFormat(RATE_HZ, channels)})
        began = time.process_time()
        for start in range(0, audio.shape[1], size):
            block = audio[:, start : start + size]
            detector.feed(Block(start, block.shape[1], RATE_HZ, {AUDIBLE: block}))
        best = max(best, seconds / (time.process_time() - began))
    return best


@pytest.mark.parametrize(("channels", "at_least"), [(1, 200.0), (4, 50.0)])
def test_detector_speed(channels, at_least):
    speed = times_real_time(channels)
    print(f"\nwatermark detector, {channels} microphone(s), 50 ms blocks: {speed:.0f} x real time")
    assert speed >= at_least


def test_embedder_speed():
    host = 0.1 * np.random.default_rng(2).standard_normal(60 * RATE_HZ).astype(np.float32)
    began = time.process_time()
    embed(host, RATE_HZ, KEY)
    speed = 60 / (time.process_time() - began)
    print(f"\nwatermark embedder, 16 kHz mono: {speed:.0f} x real time")
    assert speed >= 10
