"""How fast the echo of a walker is rendered, one core: `python -m tests.benchmarks.bench_ultrasonic_field`.

Rates are in simulated seconds per second of processor time, and millions of (scatterer, image, sample) per second. All
rows come from one run; the machine's limit is that of a loop of square root, reciprocal, sine and cosine by polynomial and
sum over an array in the L1 cache, timed right beside. Scene: room of 5 x 4 x 2.7 m, four microphones, 34 kHz, 2 kHz
envelopes, poses at 250 Hz from a few lines of numpy. Brute force delays an analytic tone at 96 kHz by 32 taps; the library
makes new impulse responses each millisecond (which leaves -34 dB at 0.1 m/s), without filtering anything by them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from lab.acoustics.compiled import fused
from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.bodies import Points, Spheroids
from lab.acoustics.ultrasonic.directivity import lobed
from lab.acoustics.ultrasonic.field import (
    C0,
    C2,
    C4,
    C6,
    C8,
    C10,
    KNOTS,
    ROUND_32,
    S1,
    S3,
    S5,
    S7,
    S9,
    S11,
    TILE,
    field_product,
)
from lab.acoustics.ultrasonic.product import ProductEcho
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage

CARRIER = Carrier.in_air(34_000.0, Climate())
SIZE_M = (5.0, 4.0, 2.7)
LOUDSPEAKER = np.array([2.5, 0.3, 0.8])
MICROPHONES = LOUDSPEAKER + 0.035 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
RATE_HZ, PASSBAND_HZ, TAPS = 2_000, 96_000, 32
# Samples of the past at 96 kHz: 28 m.
HISTORY = 8192
# Least share of the machine's limit that the field loop reaches.
SHARE = 0.5


class Limbs:
    """Scatterers that walk back and forth and swing, at up to 3 m/s."""

    name, top_speed_m_s, pose_rate_hz = "limbs", 3.0, 250.0

    def __init__(self, count: int, spheroids: bool):
        self.count, self.spheroids = count, spheroids

    def pose(self, t):
        phase = np.arange(self.count)[:, None]
        x = 2.5 + 1.5 * np.sin(0.9 * t) + 0.2 * np.sin(6.0 * t + phase)
        centre = np.stack([x, 2.0 + 0.02 * phase + 0 * t, 0.1 * phase + 0.1 + 0 * t], axis=-1)
        if not self.spheroids:
            return (Points(centre, np.full(self.count, 0.1)),)
        tilt = 0.5 * np.sin(6.0 * t + phase)
        axis = np.stack([np.sin(tilt), 0 * tilt, np.cos(tilt)], axis=-1)
        sizes = [np.full(self.count, value) for value in (0.06, 0.2, 0.5)]
        return (Spheroids(centre, axis, *sizes),)


def stage(image_order: int, tail: bool = False) -> Stage:
    return make_stage(
        SIZE_M,
        np.full(6, 0.9),
        CARRIER,
        LOUDSPEAKER,
        MICROPHONES,
        (0, 1, 0),
        lobed(np.random.default_rng(1), 8.0),
        image_order=image_order,
        tail_rng=np.random.default_rng(1) if tail else None,
    )


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Processor time of the best of some rounds, after one that compiles."""
    work()
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


@fused
def _limit(square, sum_re, sum_im, images):
    """Square root, reciprocal, sine, cosine, add; single precision."""
    one = np.float32(1.0)
    for i in range(images):
        offset = np.float32(i)
        for k in range(len(square)):
            t = math.sqrt(square[k] + offset)
            level = one / t
            t = t - ((t + ROUND_32) - ROUND_32)
            q = t * t
            sum_re[k] += level * (C0 + q * (C2 + q * (C4 + q * (C6 + q * (C8 + q * C10)))))
            sum_im[k] -= level * t * (S1 + q * (S3 + q * (S5 + q * (S7 + q * (S9 + q * S11)))))


def limit_per_s() -> float:
    square, images = np.linspace(1.0, 50.0, 2048, dtype=np.float32), 2000
    sums = np.zeros_like(square), np.zeros_like(square)
    return len(square) * images / seconds(lambda: _limit(square, *sums, images))


def product(limbs: Limbs, place: Stage, duration_s: float = 4.096) -> float:
    """Times real time."""
    echo = ProductEcho(limbs, place, RATE_HZ)
    return duration_s / seconds(lambda: echo.read(round(duration_s * RATE_HZ)))


def per_s(limbs: Limbs, place: Stage, times: float) -> float:
    ends = place.source.position_m.shape[1] * (1 + place.channels)
    return times * RATE_HZ * limbs.count * ends


def loop_per_s(limbs: Limbs, place: Stage, steps: int = 8) -> float:
    """The compiled loop alone, without poses: (scatterer, image, sample) per second."""
    (points,) = limbs.pose(np.arange(KNOTS) * steps / RATE_HZ)
    centre = points.position_m.transpose(0, 2, 1)
    none = np.zeros(limbs.count)
    source, receivers = place.source, place.receivers
    out = np.zeros((2, place.channels, steps, TILE), np.float32)
    arguments = (
        np.ascontiguousarray(np.concatenate([centre, 0.0 * centre], axis=1)),
        np.full((limbs.count, KNOTS), 0.1),
        none,
        none,
        source.position_m[0],
        source.weight[0],
        source.mirror * source.axis,
        source.pattern.astype(np.float32),
        receivers.position_m,
        receivers.weight,
        receivers.mirror * receivers.axis,
        np.ones(1, np.float32),
        1.0 / CARRIER.wavelength_m,
        CARRIER.absorption_np_m,
        out,
    )
    done = limbs.count * source.position_m.shape[1] * (1 + place.channels) * steps * TILE
    return done / seconds(lambda: field_product(*arguments), 200)


def plain_numpy(limbs: Limbs, place: Stage, duration_s: float = 0.5) -> float:
    """The same product for points, as one would write it in numpy."""
    (points,) = limbs.pose(np.arange(round(duration_s * RATE_HZ)) / RATE_HZ)
    table = np.linspace(-1.0, 1.0, len(place.source.pattern))
    loss = CARRIER.absorption_np_m + 1j * CARRIER.wavenumber

    def field(ends, e, position, shaped):
        way = position - ends.position_m[e][:, None]
        r = np.sqrt(np.sum(way * way, axis=2))
        level = ends.weight[e][:, None] / r
        if shaped:
            level *= np.interp(
                np.sum(way * (ends.mirror * ends.axis)[:, None], axis=2) / r, table, ends.pattern
            )
        return np.sum(level * np.exp(-loss * r), axis=0)

    def work():
        echo = np.zeros((place.channels, points.position_m.shape[1]), np.complex128)
        for position, strength in zip(points.position_m, points.amplitude_m, strict=True):
            incident = strength * field(place.source, 0, position, True)
            for m in range(place.channels):
                echo[m] += incident * field(place.receivers, m, position, False)

    return duration_s / seconds(work, 2)


@fused
def _delay(signal, lag, level, sinc, out):
    """Adds signal, delayed by lag samples and times level (T,), to out; sinc: (fractions, TAPS)."""
    for n in range(len(out)):
        at = n + TAPS - lag[n]
        whole = math.floor(at)
        row = sinc[int((at - whole) * (len(sinc) - 1) + 0.5)]
        first = int(whole) + HISTORY - TAPS
        re = im = 0.0
        for k in range(TAPS):
            value = signal[first + k]
            re += row[k] * value.real
            im += row[k] * value.imag
        out[n] += level[n] * complex(re, im)


def brute_force(limbs: Limbs, place: Stage, duration_s: float = 0.02) -> float:
    """Delay lines from the images of the loudspeaker to each point, and from there to the images of the microphones."""
    samples = round(duration_s * PASSBAND_HZ)
    (points,) = limbs.pose(np.arange(samples) / PASSBAND_HZ)
    offset = np.arange(TAPS) - TAPS / 2 - np.linspace(0.0, 1.0, 513)[:, None]
    sinc = np.sinc(offset) * np.kaiser(TAPS, 8.0)
    tone = np.exp(2j * np.pi * CARRIER.frequency_hz / PASSBAND_HZ * np.arange(HISTORY + samples + TAPS))

    def work():
        heard = np.zeros((place.channels, samples), np.complex128)
        for position in points.position_m:
            at_point = np.zeros(samples, np.complex128)
            for image in place.source.position_m[0]:
                r = np.linalg.norm(position - image, axis=1)
                _delay(tone, r / CARRIER.speed_m_s * PASSBAND_HZ, 1.0 / r, sinc, at_point)
            scattered = np.concatenate([np.zeros(HISTORY), at_point, np.zeros(TAPS)])
            for m in range(place.channels):
                for image in place.receivers.position_m[m]:
                    r = np.linalg.norm(position - image, axis=1)
                    _delay(scattered, r / CARRIER.speed_m_s * PASSBAND_HZ, 1.0 / r, sinc, heard[m])

    return duration_s / seconds(work, 2)


def library(limbs: Limbs, image_order: int, steps: int = 5, step_s: float = 1e-3) -> float:
    """New impulse responses at 96 kHz per step, loudspeaker to points and points to microphones."""
    import pyroomacoustics as pra

    pra.constants.set("num_threads", 1)
    (points,) = limbs.pose(np.arange(steps) * step_s)

    def responses(sources, microphones):
        room = pra.ShoeBox(SIZE_M, fs=PASSBAND_HZ, materials=pra.Material(0.19), max_order=image_order)
        for source in sources:
            room.add_source(source)
        room.add_microphone_array(np.array(microphones).T)
        room.compute_rir()

    def work():
        for step in range(steps):
            places = points.position_m[:, step]
            responses([LOUDSPEAKER], places)
            responses(places, MICROPHONES)

    return steps * step_s / seconds(work, 1)


def test_the_field_loop_reaches_half_of_the_machines_limit():
    assert loop_per_s(Limbs(12, spheroids=False), stage(2)) >= SHARE * limit_per_s()


def main() -> None:
    points, body = Limbs(12, spheroids=False), Limbs(17, spheroids=True)
    scenes = [
        ("12 points, order 2 (25 images)", points, stage(2), 400),
        ("12 points, order 3 and tail (87 images)", points, stage(3, tail=True), None),
        ("17 spheroids, order 3 (63 images)", body, stage(3), 100),
        ("17 spheroids, order 3 and tail (87 images)", body, stage(3, tail=True), 100),
    ]
    limits, rows = [], []
    for name, limbs, place, wanted in scenes:
        # The limit again beside every row, as the clock of a shared machine wanders.
        limits.append(limit_per_s())
        times = product(limbs, place)
        rows.append(
            (name, times, per_s(limbs, place, times), f", at least {wanted} x wanted" if wanted else "")
        )
    print(f"{'the machine: square root, reciprocal, sine, cosine, add':56}{max(limits) / 1e6:23.0f} M/s")
    loop = loop_per_s(points, stage(2))
    wish = f"at least {SHARE} wanted"
    print(
        f"{'12 points, order 2: the loop alone':56}{loop / 1e6:23.0f} M/s, {loop / max(limits):.2f} of it, {wish}"
    )
    for name, times, rate, wish in rows:
        print(f"{name:56}{times:9.1f} x{rate / 1e6:12.0f} M/s{wish}")
    ours = rows[0][1]
    for name, times in (
        ("12 points, order 2: the product in plain numpy", plain_numpy(points, stage(2))),
        ("  delay lines at 96 kHz (20 ms timed)", brute_force(points, stage(2))),
        ("  pyroomacoustics, new responses per ms (5 ms timed)", library(points, 2)),
    ):
        print(f"{name:56}{times:9.3f} x, the field loop is {ours / times:.0f} times as fast")


if __name__ == "__main__":
    main()
