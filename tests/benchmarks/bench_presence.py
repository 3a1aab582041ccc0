"""How fast the presence detector listens: seconds of audio per second of processor time, one core, and its slowest hop.

`python -m tests.benchmarks.bench_presence` prints the table; `pytest tests/benchmarks/bench_presence.py` holds what is asked of a core,
and the ratios to scipy's in the same run, which hold on slower ones as well. Blocks of 50 ms unless it says otherwise; a carrier, noise
and a walker's line; the shipped network. The simulated bench gives blocks of 200 ms while the emission stays the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from detectors.build import BUILDS
from detectors.interface import BASEBAND, PLAYBACK, ULTRASONIC, Block, StreamFormat
from detectors.presence.budget import table
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.detector import HOP_S, Phase, PresenceDetector, PresenceSettings
from detectors.presence.network import Classifier
from detectors.presence.power import PowerSettings

NETWORK = BUILDS.parent / "models" / "presence.onnx"
CARRIER_HZ, PLAYBACK_HZ = 34_000.0, 16_000
RATES_HZ = {ULTRASONIC: 96_000, BASEBAND: 4_000}
# Over decimation of four channels from 96 to 4 kHz by scipy alone, in the same run.
ULTRASONIC_RATIO, BASEBAND_RATIO = 2.0, 5.0
# Asked of a core, in times real time.
ULTRASONIC_TARGET, BASEBAND_TARGET = 40.0, 300.0


class Listening:
    """A detector after calibration, and the next block of so many hops to feed it."""

    def __init__(self, stream: str, channels: int = 4, music: bool = False, hops: int = 1) -> None:
        block_s = hops * HOP_S
        rate, n = RATES_HZ[stream], round(RATES_HZ[stream] * block_s)
        settings = PresenceSettings(
            CalibrationSettings(carrier_hz=CARRIER_HZ, level_db_spl=85.0), power=PowerSettings(off_s=0.0)
        )
        self.detector = PresenceDetector(
            "presence", (stream, PLAYBACK), lambda: Classifier(NETWORK), settings
        )
        form = StreamFormat(rate, channels, CARRIER_HZ if stream == BASEBAND else None)
        self.detector.open({stream: form, PLAYBACK: StreamFormat(PLAYBACK_HZ, 1)})
        rng, played = np.random.default_rng(1), round(PLAYBACK_HZ * block_s)
        clock = max(rate, PLAYBACK_HZ)
        self._blocks = []
        for k in range(40 // hops):
            t = (k * n + np.arange(n)) / rate
            noise = 1e-5 * rng.standard_normal((2, channels, n))
            envelope = 0.1 + 1e-4 * np.exp(2j * np.pi * 240.0 * t) + noise[0] + 1j * noise[1]
            if stream == ULTRASONIC:
                samples = np.real(envelope * np.exp(2j * np.pi * CARRIER_HZ * t)).astype(np.float32)
            else:
                samples = envelope.astype(np.complex64)
            sound = (
                0.1 * rng.standard_normal((1, played)).astype(np.float32)
                if music
                else np.zeros((1, played), np.float32)
            )
            self._blocks.append(Block(0, round(clock * block_s), clock, {stream: samples, PLAYBACK: sound}))
        self._next, self.hops = 0, hops
        while self.detector.phase is not Phase.SENSING:
            self.block()

    def block(self) -> None:
        self.detector.feed(self._blocks[self._next % len(self._blocks)])
        self._next += 1


def decimation() -> Callable[[], None]:
    samples = np.random.default_rng(1).standard_normal((4, 4_800)).astype(np.float32)
    taps = scipy.signal.firwin(483, 2_000.0, fs=96_000).astype(np.float32)
    turn = np.exp(-2j * np.pi * CARRIER_HZ / 96_000 * np.arange(4_800)).astype(np.complex64)
    return lambda: scipy.signal.upfirdn(taps, samples * turn, 1, 24, axis=1)


def hop_ms(block: Callable[[], None], hops: int = 1, rounds: int = 5) -> tuple[float, float]:
    """Processor time of a hop in ms, in blocks of so many: mean of the best round, and the slowest block's of all rounds."""
    for _ in range(60):
        block()
    means, slowest = [], []
    for _ in range(rounds):
        times = []
        for _ in range(200 // hops):
            began = time.process_time_ns()
            block()
            times.append((time.process_time_ns() - began) * 1e-6 / hops)
        means.append(sum(times) / len(times))
        slowest.append(max(times))
    return min(means), max(slowest)


def listening_ms(stream: str, channels: int = 4, music: bool = False, hops: int = 1) -> tuple[float, float]:
    return hop_ms(Listening(stream, channels, music, hops).block, hops)


@pytest.fixture(scope="module")
def decimation_ms() -> float:
    return hop_ms(decimation())[0]


def test_the_whole_detector_costs_half_a_decimation_at_most(decimation_ms):
    assert ULTRASONIC_RATIO * listening_ms(ULTRASONIC)[0] <= decimation_ms


def test_from_a_baseband_it_costs_a_fifth_of_one_at_most(decimation_ms):
    assert BASEBAND_RATIO * listening_ms(BASEBAND)[0] <= decimation_ms


@pytest.mark.parametrize("music", [False, True])
def test_at_96_khz_it_is_as_fast_as_is_asked(music):
    assert listening_ms(ULTRASONIC, music=music)[0] <= 1e3 * HOP_S / ULTRASONIC_TARGET


@pytest.mark.parametrize("hops", [4, 20])
def test_from_a_baseband_in_silence_it_is_as_fast_as_is_asked(hops):
    assert listening_ms(BASEBAND, hops=hops)[0] <= 1e3 * HOP_S / BASEBAND_TARGET


def main() -> None:
    rows = [
        ("4 microphones at 96 kHz", listening_ms(ULTRASONIC), ULTRASONIC_TARGET),
        ("  while music plays", listening_ms(ULTRASONIC, music=True), ULTRASONIC_TARGET),
        ("1 microphone at 96 kHz", listening_ms(ULTRASONIC, 1), None),
        ("6 microphones at 96 kHz", listening_ms(ULTRASONIC, 6), None),
        ("4 microphones, baseband", listening_ms(BASEBAND), None),
        ("  while music plays", listening_ms(BASEBAND, music=True), None),
        ("  blocks of 200 ms", listening_ms(BASEBAND, hops=4), BASEBAND_TARGET),
        ("  blocks of 200 ms, music", listening_ms(BASEBAND, music=True, hops=4), None),
        ("  blocks of 1 s", listening_ms(BASEBAND, hops=20), BASEBAND_TARGET),
        ("decimation by scipy, 4 channels", hop_ms(decimation()), None),
    ]
    for name, (mean, slowest), target in rows:
        pace = 1e3 * HOP_S / mean
        said = (
            "" if target is None else f" (target: {target:g} x, {'met' if pace >= target else 'missed'} here)"
        )
        print(f"{name:34}{pace:7.0f} x real time{mean:8.3f} ms a hop, slowest{slowest:7.3f} ms{said}")
    print(table(4, 96_000, Classifier(NETWORK).parameters))


if __name__ == "__main__":
    main()
