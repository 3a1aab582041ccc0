"""What the static part of the ultrasonic world costs: seconds of signal per second of processor time, one core.

`python -m tests.benchmarks.bench_ultrasonic_static` prints the table. The scene: a living room of 5 x 4 x 2.7 m, all 377
paths of up to six reflections to each of four microphones, still air. Beside ours, plain numpy does the same for the same
paths and air: every path's phase at every knot, the sum of the paths, and for a modulated tone an impulse response per
knot, convolved and joined by straight lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.interference import HissSpec, SecondDeviceSpec, make_interferer
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage
from lab.acoustics.ultrasonic.static_field import StaticField, path_weights
from lab.acoustics.ultrasonic.turbulence import KNOT_HZ, AirSpec

SIZE_M = (5.0, 4.0, 2.7)
DEVICE = np.array([1.0, 1.9, 1.2])
RING = np.array([[0.035, 0.0, 0.07], [0.0, 0.035, 0.07], [-0.035, 0.0, 0.07], [0.0, -0.035, 0.07]])
REPEATS = 5


def scene() -> Stage:
    carrier = Carrier.in_air(34_000.0, Climate())
    axis, pattern = [1.0, 0.0, 0.0], np.ones(65)
    return make_stage(SIZE_M, np.full(6, 0.9), carrier, DEVICE, DEVICE + RING, axis, pattern, image_order=6)


def walks(time_s: np.ndarray) -> tuple[np.ndarray, float, float]:
    across = 2.0 + 1.5 * np.sin(0.8 * time_s)
    return np.stack([np.full_like(time_s, 3.0), across, np.zeros_like(time_s)], axis=-1), 0.2, 1.75


def modulated(rate_hz: int) -> np.ndarray:
    return 0.2 * np.exp(0.6j * np.sin(2.0 * np.pi * 100.0 * np.arange(rate_hz) / rate_hz))


def streamed(field: StaticField, pressure: np.ndarray | float, block: int) -> Callable[[], None]:
    """One second in blocks."""

    def second() -> None:
        for start in range(0, field.rate_hz, block):
            part = pressure[start : start + block] if isinstance(pressure, np.ndarray) else pressure
            field.read(block, part)

    return second


def plain_numpy(stage: Stage, rate_hz: int, pressure: np.ndarray | float) -> Callable[[], None]:
    """The same second for every path by itself."""
    rng = np.random.default_rng(1)
    length, weight = path_weights(stage)
    delay = np.rint(length / stage.carrier.speed_m_s * rate_hz).astype(int)
    hop, taps = rate_hz // KNOT_HZ, int(delay.max()) + 1

    def second() -> None:
        phase = 0.05 * rng.standard_normal((length.shape[1], KNOT_HZ + 1))
        turned = np.exp(1j * phase)
        ramp = np.arange(hop) / hop
        for gains, delays in zip(weight, delay, strict=True):
            if isinstance(pressure, float):
                total = gains @ turned
                np.interp(np.arange(rate_hz) / hop, np.arange(KNOT_HZ + 1), total)
                continue
            signal = np.concatenate([np.zeros(taps - 1), pressure])
            response = np.zeros((KNOT_HZ + 1, taps), np.complex128)
            np.add.at(response.T, delays, gains[:, None] * turned)
            for knot in range(KNOT_HZ):
                part = signal[knot * hop : knot * hop + hop + taps - 1]
                left, right = (np.convolve(part, response[at], mode="valid") for at in (knot, knot + 1))
                left + ramp * (right - left)

    return second


def speed(second: Callable[[], None], seconds: int = 20) -> float:
    """Best of REPEATS, in times real time."""
    second()
    best = np.inf
    for _ in range(REPEATS):
        start = time.process_time()
        for _ in range(seconds):
            second()
        best = min(best, (time.process_time() - start) / seconds)
    return 1.0 / best


def interferer(spec: SecondDeviceSpec | HissSpec, stage: Stage, rate_hz: int) -> Callable[[], None]:
    one = make_interferer(spec, stage, DEVICE, rate_hz, np.random.default_rng(1))
    return lambda: one.read(rate_hz) is None


def main() -> None:
    stage = scene()

    def field(rate_hz: int, **options) -> StaticField:
        air = options.pop("air", AirSpec())
        return StaticField(stage, rate_hz, air, np.random.default_rng(1), **options)

    steady = speed(plain_numpy(stage, 4000, 0.2))
    music = {rate: speed(plain_numpy(stage, rate, modulated(rate)), 1) for rate in (4000, 16_000)}
    cycles = AirSpec(air="hvac", cycle_min=15.0)
    rows: list[tuple[str, float, float | None]] = [
        ("steady tone, 4 kHz, plain numpy", steady, None),
        ("steady tone, 4 kHz, blocks of 1 s", speed(streamed(field(4000), 0.2, 4000)), steady),
        ("steady tone, 4 kHz, blocks of 50 ms", speed(streamed(field(4000), 0.2, 200)), steady),
        ("  the same, air that switches", speed(streamed(field(4000, air=cycles), 0.2, 200)), steady),
        ("  the same, a body that walks", speed(streamed(field(4000, blockers=[walks]), 0.2, 200)), steady),
        ("steady tone, 16 kHz, blocks of 50 ms", speed(streamed(field(16_000), 0.2, 800)), steady),
    ]
    for rate, other in music.items():
        rows.append((f"modulated tone, {rate // 1000} kHz, plain numpy", other, None))
        ours = speed(streamed(field(rate), modulated(rate), rate // 20), 4)
        rows.append((f"modulated tone, {rate // 1000} kHz, blocks of 50 ms", ours, other))
    place = {"name": "other", "distance_m": 3.0}
    for spec in (SecondDeviceSpec(kind="second_device", **place), HissSpec(kind="hiss", **place)):
        rows.append((f"{spec.kind}, 4 kHz", speed(interferer(spec, stage, 4000)), None))
    for what, times, other in rows:
        ratio = "" if other is None else f"{times / other:9.1f} x plain numpy"
        print(f"{what:42s}{times:9.0f} x real time{ratio}")


if __name__ == "__main__":
    main()
