"""What the renderers are held against: closed forms and brute force, and the page that states how well they agree.

`docs/ultrasound-oracles.md` is the one place of the limits: `check` reads a row's limit there and fails when the residual is above
it, or when the stated figure is not the one found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, kaiser_beta
from scipy.special import jv

from lab.acoustics.compiled import compiled
from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.bodies import Array, Points
from lab.acoustics.ultrasonic.stage import Carrier, Ends, Stage, make_stage

PAGE = Path(__file__).parents[3] / "docs" / "ultrasound-oracles.md"
ROOM_M = (5.0, 4.0, 2.7)
CARRIER_HZ = 34_000.0
CARRIER = Carrier.in_air(CARRIER_HZ, Climate())
DEVICE_M = np.array([0.6, 1.3, 0.9])
MICROPHONES_M = DEVICE_M + np.array(
    [[0.035, 0.0, 0.0], [0.0, 0.035, 0.0], [-0.035, 0.0, 0.0], [0.0, -0.035, 0.0]]
)
CARDIOID = np.linspace(
    0.0, 1.0, 3
)  # (1 + cosine) / 2, which straight lines between table values give exactly
WALLS = (0.9, 0.7, 0.85, 0.6, 0.5, 0.95)
FAR_M = 1e6  # an end this far sees a 0.4 m rotor in parallel rays: k a^2 / R is 2e-5 rad

Path_ = Callable[[Array], Array]
_SIGNED = r"([+-]?\d+(?:\.\d+)?)"


def stage(image_order: int, microphones: int = 1) -> Stage:
    """The room of most oracles: walls that differ, a loudspeaker that is directional."""
    return make_stage(
        ROOM_M, WALLS, CARRIER, DEVICE_M, MICROPHONES_M[:microphones], (1.0, 0.3, 0.1), CARDIOID,
        image_order=image_order,
    )  # fmt: skip


def far_stage(direction: Array, range_m: float = FAR_M) -> Stage:
    """Loudspeaker and microphone in one place far away from the origin, no air, an echo of unit pressure from 1 m."""
    position = (range_m * np.asarray(direction, dtype=np.float64)).reshape(1, 1, 3)
    ends = Ends(
        position, np.full((1, 1), range_m), np.zeros(1, dtype=np.int64), np.ones((1, 3)), np.array([1.0, 0, 0]), np.ones(2)
    )  # fmt: skip
    return Stage(ROOM_M, Carrier(CARRIER_HZ, CARRIER.speed_m_s, 0.0), ends, ends)


class MovingPoints:
    """Points on given paths: a `Moving` for oracles. paths: of (T,) s to (T, 3) m. amplitude_m: (P,)."""

    def __init__(
        self, paths: list[Path_], amplitude_m: Array, top_speed_m_s: float, pose_rate_hz: float
    ) -> None:
        self.name = "points"
        self.top_speed_m_s, self.pose_rate_hz = top_speed_m_s, pose_rate_hz
        self._paths, self._amplitude_m = paths, np.asarray(amplitude_m, dtype=np.float64)

    def pose(self, time_s: Array) -> tuple[Points]:
        return (Points(np.stack([path(time_s) for path in self._paths]), self._amplitude_m),)


def residual_db(found: NDArray, expected: NDArray) -> float:
    """Power of the difference over that of what is expected, in dB."""
    return float(10.0 * np.log10(np.sum(np.abs(found - expected) ** 2) / np.sum(np.abs(expected) ** 2)))


def level_db(signal: NDArray) -> float:
    """Power in dB."""
    return float(10.0 * np.log10(np.sum(np.abs(signal) ** 2)))


def stated(oracle: str) -> tuple[float, float]:
    """Limit and figure of a row of the page, by its first cell."""
    row = re.search(
        rf"^\| {re.escape(oracle)} \|.*\| ≤ {_SIGNED} dB \| {_SIGNED} dB \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )  # fmt: skip
    assert row, f"docs/ultrasound-oracles.md has no row {oracle!r}"
    return float(row[1]), float(row[2])


def check(oracle: str, found_db: float, slack_db: float = 3.0) -> None:
    """Hold a residual against the page. slack_db: by which the stated figure may be too good."""
    limit, figure = stated(oracle)
    print(f"{oracle}: {found_db:.2f} dB, limit {limit:g} dB, stated {figure:g} dB")
    assert found_db <= limit
    assert found_db <= figure + slack_db, f"{oracle}: {found_db:.2f} dB found, {figure:g} dB stated"


def line_flight_s(
    start_m: Array, velocity_m_s: Array, end_m: Array, time_s: Array, speed_m_s: float
) -> Array:
    """Time since a wave heard at end_m left a point of constant velocity, (T,).

    |d - v tau| = c tau with d = x(t) - end_m: tau = (-d.v + sqrt((d.v)^2 + (c^2 - v^2) d^2)) / (c^2 - v^2).
    """
    d = start_m + time_s[:, None] * velocity_m_s - end_m
    along, rest = d @ velocity_m_s, speed_m_s**2 - velocity_m_s @ velocity_m_s
    return (-along + np.sqrt(along**2 + rest * np.sum(d * d, axis=1))) / rest


def double_sum(
    place: Stage,
    path: Path_,
    flight_s: Callable[[Array], Array],
    time_s: Array,
    envelope: Callable[[Array], Array] | None = None,
) -> NDArray[np.complex128]:
    """Echo of a point of 1 m amplitude at the first microphone: every pair of images on its own, nothing interpolated.

    flight_s: of an image's position, from the point to the image, (T,).
    """
    k = place.carrier.absorption_np_m + 1j * place.carrier.wavenumber
    c, source, receivers = place.carrier.speed_m_s, place.source, place.receivers
    echo = np.zeros(len(time_s), dtype=np.complex128)
    for end, weight in zip(receivers.position_m[0], receivers.weight[0], strict=True):
        tau = flight_s(end)
        at = path(time_s - tau)
        back = weight * np.exp(-k * c * tau) / (c * tau)
        for i in range(len(source.order)):
            ray = at - source.position_m[0, i]
            r = np.linalg.norm(ray, axis=1)
            cosine = ray @ (source.axis * source.mirror[i]) / r
            there = source.weight[0, i] * 0.5 * (1.0 + cosine) * np.exp(-k * r) / r
            echo += back * there * (1.0 if envelope is None else envelope(time_s - tau - r / c))
    return echo


def flight_by_bisection_s(
    path: Path_, end_m: Array, time_s: Array, speed_m_s: float, farthest_m: float = 60.0
) -> Array:
    """The root of |x(t - tau) - end| = c tau, halved 60 times: slow, and sure for anything slower than sound."""
    low, high = np.zeros(len(time_s)), np.full(len(time_s), farthest_m / speed_m_s)
    for _ in range(60):
        middle = 0.5 * (low + high)
        early = np.linalg.norm(path(time_s - middle) - end_m, axis=1) > speed_m_s * middle
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return 0.5 * (low + high)


def mirror_event(
    time_s: Array, source_m: Array, mirror_m: float, velocity_m_s: float, speed_m_s: float
) -> tuple[Array, Array]:
    """When and where (x) the image of an emission event lies, in a mirror x = mirror_m + velocity_m_s t.

    The wave equation keeps its form under a Lorentz transformation with c the speed of sound, in whose moving frame the mirror
    rests: the image of an event is transformed, mirrored and transformed back.
    """
    c2 = speed_m_s**2
    gamma = 1.0 / math.sqrt(1.0 - velocity_m_s**2 / c2)
    primed_t = gamma * (time_s - velocity_m_s * source_m[0] / c2)
    primed_x = 2.0 * gamma * mirror_m - gamma * (source_m[0] - velocity_m_s * time_s)
    return gamma * (primed_t + velocity_m_s * primed_x / c2), gamma * (primed_x + velocity_m_s * primed_t)


def swinging_lines(
    swing_m: float, rate_hz: float, range_m: float, orders: NDArray[np.int64]
) -> NDArray[np.complex128]:
    """Lines at n rate_hz of the echo of a point at -swing_m cos(2 pi rate_hz t) along the line of sight, range_m away.

    r = R - a cos(W ts) and t = ts + r / c give, by Bessel's integral over ts instead of t,

        c_n = exp(-2jkR - jn W R / c) j^n J_n(z) 2ka / z,    z = 2ka + n W a / c,

    which for slow motion is J_n(2ka). A circle seen at the angle b to its axis has a = radius sin(b).
    """
    k, turn = CARRIER.wavenumber, 2.0 * np.pi * rate_hz / CARRIER.speed_m_s
    z = 2.0 * k * swing_m + orders * turn * swing_m
    return (
        np.exp(-1j * (2.0 * k + orders * turn) * range_m) * 1j**orders * jv(orders, z) * 2.0 * k * swing_m / z
    )


RATE_HZ = 96_000
SINC_TAPS = 81
LOWPASS = firwin(
    121, 11_000.0, fs=RATE_HZ, window=("kaiser", kaiser_beta(110.0))
)  # flat to 6 kHz, -110 dB from 16 kHz
LEAD = len(LOWPASS) // 2


def brute_force(place: Stage, paths: list[Path_], amplitude_m: Array, samples: int) -> NDArray[np.complex128]:
    """Passband at 96 kHz: a sampled tone through two banks of fractional delays, then brought down to baseband.

    81-tap Kaiser sinc (110 dB) from loudspeaker to each point, and again from the points to the first microphone, delays anew
    for each sample, ts by bisection. Returns the echo at samples 0 to samples - 1 of 96 kHz.
    """
    c, loss = place.carrier.speed_m_s, place.carrier.absorption_np_m
    longest = 0.15  # s, of either leg, and what the filters need
    before = round(2 * longest * RATE_HZ)
    index = np.arange(-before, samples + LEAD + 1)
    time_s = index / RATE_HZ
    tone = np.cos(2.0 * np.pi * place.carrier.frequency_hz * time_s)
    heard = np.zeros(len(index))
    late = slice(before // 2, None)
    for path, amplitude in zip(paths, amplitude_m, strict=True):
        at = path(time_s[late])
        met = np.zeros(len(index))
        for i, end in enumerate(place.source.position_m[0]):
            ray = at - end
            r = np.linalg.norm(ray, axis=1)
            cosine = ray @ (place.source.axis * place.source.mirror[i]) / r
            gain = amplitude * place.source.weight[0, i] * 0.5 * (1.0 + cosine) * np.exp(-loss * r) / r
            met[late] += gain * fractional_delay(tone, np.arange(before // 2, len(index)) - r / c * RATE_HZ)
        wanted = slice(before - LEAD, None)
        for end, weight in zip(place.receivers.position_m[0], place.receivers.weight[0], strict=True):
            tau = flight_by_bisection_s(path, end, time_s[wanted], c)
            gain = weight * np.exp(-loss * c * tau) / (c * tau)
            heard[wanted] += gain * fractional_delay(
                met, np.arange(before - LEAD, len(index)) - tau * RATE_HZ
            )
    mixed = 2.0 * heard * np.exp(-2j * np.pi * place.carrier.frequency_hz * time_s)
    return np.convolve(mixed[before - LEAD : before + samples + LEAD], LOWPASS, mode="valid")


def fractional_delay(signal: Array, at: Array) -> Array:
    """The signal at fractional indices, by a sinc of 81 taps under a Kaiser window; zero where it has no samples."""
    half = SINC_TAPS // 2
    steps = 4096
    grid = np.arange(-half * steps, half * steps + 1) / steps
    inside = np.sqrt(np.maximum(1.0 - (grid / half) ** 2, 0.0))
    table = np.sinc(grid) * np.i0(kaiser_beta(110.0) * inside) / np.i0(kaiser_beta(110.0))
    return _delay(np.pad(signal, half + 2), at + half + 2, table, steps, half)


@compiled
def _delay(signal, at, table, steps, half):
    """Straight lines between the table's values: their error is (pi / 4096)^2 / 8, -143 dB."""
    out = np.zeros(len(at))
    for n in range(len(at)):
        centre = math.floor(at[n])
        if centre < half or centre + half + 1 >= len(signal):
            continue
        u = at[n] - centre
        for tap in range(-half + 1, half + 1):
            place = (u - tap + half) * steps
            low = int(place)
            out[n] += signal[centre + tap] * (table[low] + (place - low) * (table[low + 1] - table[low]))
    return out
