"""How fast the sound-event detector listens: seconds of audio per second of processor time, one core.

`python -m tests.benchmarks.bench_sound_events` prints the table; `pytest tests/benchmarks/bench_sound_events.py` holds the device stage,
patterns and all, to spectra of the same audio by scipy in the same run. Blocks of 1 s; an evening: a quiet room, an alarm that beeps
for a third of the time, and bursts. The network is the shipped one, whose cost does not depend on what it hears.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.fft

from detectors.build import BUILDS, load_build
from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.sound_events import features
from detectors.sound_events.budget import table
from detectors.sound_events.network import Network
from detectors.sound_events.patterns import PatternEvidence
from detectors.stack import Stack

SECONDS = 120
# Of the speed of scipy's spectra, 512 points each millisecond, in the same run: where those make 2000 x real time, it makes 300 x.
OF_SPECTRA = 0.15


def evening(rate_hz: int) -> np.ndarray:
    t = np.arange(SECONDS * rate_hz) / rate_hz
    rng = np.random.default_rng(1)
    audio = 1e-3 * rng.standard_normal(len(t))
    beeping = (t > 60.0) & (t < 100.0) & (t % 4.0 < 3.0) & (t % 1.0 < 0.5)
    audio += 0.03 * beeping * np.sin(2.0 * np.pi * 3_100.0 * t)
    for at_s in range(3, SECONDS, 7):
        first = at_s * rate_hz
        audio[first : first + rate_hz // 5] += 0.05 * rng.standard_normal(rate_hz // 5)
    return audio.astype(np.float32)


def detector(build: str, rate_hz: int = features.RATE_HZ, **settings) -> Callable[[], None]:
    """One pass of a build's detector over the evening."""
    loaded = load_build(BUILDS / f"{build}.toml")
    spec = loaded.detectors[0]
    changed = replace(spec, settings=dict(spec.settings) | settings)
    stack, audio = Stack(replace(loaded, detectors=(changed,))), evening(rate_hz)

    def listen() -> None:
        stack.open({AUDIBLE: StreamFormat(rate_hz, 1)})
        for first in range(0, len(audio), rate_hz):
            stack.feed(Block(first, rate_hz, rate_hz, {AUDIBLE: audio[None, first : first + rate_hz]}))
        stack.finish()

    return listen


def hops(push: Callable[[np.ndarray], object]) -> Callable[[], None]:
    audio = evening(features.RATE_HZ)

    def listen() -> None:
        for first in range(0, len(audio), features.HOP):
            push(audio[first : first + features.HOP])

    return listen


def network() -> Callable[[], None]:
    spec = load_build(BUILDS / "sound_events.toml").detectors[0]
    heads = [path for path in spec.weights if path.name.startswith("head_")]
    made = Network(spec.model, heads)
    frames = features.of(evening(features.RATE_HZ)).reshape(-1, features.FRAMES_PER_HOP, 2, features.MELS)

    def listen() -> None:
        state = made.start()
        for hop in frames:
            _, state = made.step(hop, state)

    return listen


def spectra() -> Callable[[], None]:
    audio = evening(features.RATE_HZ)
    window = np.hanning(features.WINDOW).astype(np.float32)

    def listen() -> None:
        frames = np.lib.stride_tricks.sliding_window_view(audio, features.WINDOW)[::16]
        for first in range(0, len(frames), 1_000):
            np.abs(scipy.fft.rfft(frames[first : first + 1_000] * window, axis=1))

    return listen


def times_real(listen: Callable[[], None], rounds: int = 3) -> float:
    """Seconds of audio per second of processor time, the best round."""
    listen()
    took = []
    for _ in range(rounds):
        began = time.process_time()
        listen()
        took.append(time.process_time() - began)
    return SECONDS / min(took)


@pytest.fixture(scope="module")
def device_stage() -> float:
    return times_real(detector("sound_events", verifier="none"))


def test_the_device_stage_makes_300_times_real_time_where_spectra_make_2000(device_stage):
    assert device_stage >= OF_SPECTRA * times_real(spectra())


def test_the_verifier_hears_clips_and_costs_little_in_an_evening(device_stage):
    assert times_real(detector("sound_events")) >= 0.5 * device_stage


def main() -> None:
    rows = [
        ("device stage at 16 kHz", detector("sound_events", verifier="none")),
        ("device stage at 48 kHz", detector("sound_events", 48_000, verifier="none")),
        ("device stage, int8", detector("sound_events_int8", verifier="none")),
        ("with the verifier in process", detector("sound_events")),
        ("  log-mel", hops(features.LogMel().push)),
        ("  base and heads", network()),
        ("  patterns", hops(PatternEvidence().push)),
        ("spectra each millisecond by scipy", spectra()),
    ]
    for name, listen in rows:
        speed = times_real(listen)
        print(f"{name:34}{speed:7.0f} x real time{1e3 * features.HOP_S / speed:8.3f} ms a hop")
    print(table(48_000, 8))


if __name__ == "__main__":
    main()
