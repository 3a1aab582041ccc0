"""How fast a moving source is rendered: seconds of audio per second of processor time, one core; and how exactly.

`python -m tests.benchmarks.bench_moving` prints the table; `pytest tests/benchmarks/bench_moving.py` holds the lower limits. The scene: a
source walks 1.2 m/s to and fro in a room of 5 x 4 x 2.7 m at 0.4 s; four microphones; images of order 3 (63 of each microphone) with the
losses of walls and air by octave, over a late tail. The rival is one impulse response of the library every 10 ms, crossfaded,
early images alone, of which a second is rendered.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from lab.acoustics.moving import Course, MovingSource
from lab.acoustics.room import RoomSpec, calibrate
from tests.acoustics.moving_reference import reference, residual_db, tones

SECONDS = 20
ROOM = RoomSpec(size_m=(5.0, 4.0, 2.7), rt60_s=0.4)
MICROPHONES = np.array([3.0, 2.5, 0.8]) + [
    [0.035, 0.0, 0.05],
    [0.0, 0.035, 0.05],
    [-0.035, 0.0, 0.05],
    [0.0, -0.035, 0.05],
]
LIMITS = {16_000: 150.0, 48_000: 40.0}
LIMIT_DB = -60.0
SPEED_M_S = 1.2
HOP_S = 0.01


def to_and_fro() -> Course:
    """A walk along x, turning smoothly, never faster than SPEED_M_S."""

    def at(time_s: np.ndarray) -> np.ndarray:
        x = 2.5 + 1.9 * np.sin(SPEED_M_S / 1.9 * np.asarray(time_s))
        return np.stack([x, np.full(len(x), 1.2), np.full(len(x), 1.5)], axis=1)

    return Course(at, at(np.linspace(0.0, 5.0, 40)), SPEED_M_S)


def speech_like(rate_hz: int) -> Callable[[int], np.ndarray]:
    """A signal that is stored, as its making is timed elsewhere."""
    signal, position = np.random.default_rng(1).standard_normal((SECONDS + 2) * rate_hz).astype(np.float32), 0

    def read(samples: int) -> np.ndarray:
        nonlocal position
        position += samples
        return signal[position - samples : position]

    return read


def times_real_time(rate_hz: int, tail: bool = True, channels: int | None = None, rounds: int = 5) -> float:
    """Best of some rounds, after a second that compiles and fills caches."""
    room, best = calibrate(ROOM, 3), float("inf")
    for _ in range(rounds):
        moving = MovingSource(
            room, to_and_fro(), MICROPHONES, rate_hz, speech_like(rate_hz), 1, tail=tail, channels=channels
        )
        moving.read(rate_hz)
        began = time.process_time()
        for _ in range(SECONDS - 1):
            moving.read(rate_hz)
        best = min(best, (time.process_time() - began) / (SECONDS - 1))
    return 1.0 / best


def exactness_db(rate_hz: int) -> float:
    """Residual of the early images alone against tones solved sample by sample, up to 0.46 of the rate, relative to them."""
    room, course, order = calibrate(ROOM, 3), to_and_fro(), 3
    source = tones(40, 60.0, 0.4625 * rate_hz, 1)
    moving = MovingSource(room, course, MICROPHONES, rate_hz, source.reader(rate_hz), 1, tail=False)
    heard = moving.read(rate_hz)
    at = np.arange(rate_hz // 2, rate_hz, 23)
    return residual_db(
        heard[:, at], reference(room, course, MICROPHONES, source, at / rate_hz, order, rate_hz)
    )


def piecewise(rate_hz: int) -> tuple[float, float]:
    """The library: times real time, and residual in dB as above."""
    import pyroomacoustics as pra

    pra.constants.set("num_threads", 1)
    room, course = calibrate(ROOM, 3), to_and_fro()
    source = tones(40, 60.0, 0.4625 * rate_hz, 1)
    dry = source.at(np.arange(rate_hz) / rate_hz)
    hop, began = round(HOP_S * rate_hz), time.process_time()
    heard = np.zeros((len(MICROPHONES), 2 * rate_hz))
    fade = np.bartlett(2 * hop + 1)[:-1]
    padded = np.concatenate([np.zeros(hop), dry, np.zeros(hop)])
    walls = {
        name: pra.Material(
            {"coeffs": list(room.absorption[index]), "center_freqs": [125.0 * 2**k for k in range(7)]}
        )
        for index, name in enumerate(("west", "east", "south", "north", "floor", "ceiling"))
    }
    for number in range(rate_hz // hop + 1):
        box = pra.ShoeBox(list(ROOM.size_m), fs=rate_hz, materials=walls, max_order=3)
        box.add_source(course.at(np.array([number * hop / rate_hz]))[0])
        box.add_microphone_array(MICROPHONES.T)
        box.compute_rir()
        part = padded[number * hop : (number + 2) * hop] * fade
        for channel, (response,) in enumerate(box.rir):
            wet = scipy.signal.fftconvolve(part, response[40:])
            first = (number - 1) * hop
            skipped = max(0, -first)
            heard[channel, first + skipped : first + len(wet)] += wet[skipped:]
    took = time.process_time() - began
    at = np.arange(rate_hz // 2, rate_hz, 23)
    wanted = reference(room, course, MICROPHONES, source, at / rate_hz, 3, rate_hz)
    # It knows nothing of scattering: what that takes is one factor for each order, so the best single gain is allowed.
    found = heard[:, at]
    gain = (found * wanted).sum() / (found**2).sum()
    return 1.0 / took, residual_db(gain * found, wanted)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_speed(rate_hz):
    assert times_real_time(rate_hz) >= LIMITS[rate_hz]


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_exactness(rate_hz):
    assert exactness_db(rate_hz) <= LIMIT_DB


def main() -> None:
    rows = []
    for rate_hz in (16_000, 48_000):
        kilohertz = f"{rate_hz // 1000} kHz"
        whole, early, one = (
            times_real_time(rate_hz),
            times_real_time(rate_hz, tail=False),
            times_real_time(rate_hz, channels=1),
        )
        rows += [
            (f"moving source, {kilohertz}, order 3, 4 microphones, with tail", whole, "x real time"),
            ("  early images alone", early, "x real time"),
            ("  one microphone, with tail", one, "x real time"),
            ("  residual of the early images", exactness_db(rate_hz), "dB"),
        ]
        if rate_hz == 16_000:
            speed, residual = piecewise(rate_hz)
            rows += [
                ("responses of the library every 10 ms, crossfaded, no tail", speed, "x real time"),
                ("  residual", residual, "dB"),
                ("  ratio of speed, early images", early / speed, ""),
            ]
    for name, value, unit in rows:
        print(f"{name:64}{value:8.1f} {unit}")


if __name__ == "__main__":
    main()
