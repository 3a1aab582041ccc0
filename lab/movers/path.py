"""Where a walker is: a way over the floor, and how far along it at every moment.

The way is a polyline whose corners are rounded: over a length L the heading turns by D as D h(s / L), with
h(x) = x^3 (10 - 15 x + 6 x^2), so that the body's turning starts and ends softly. Corners too sharp for that are pivots: the
walker stops, turns on the spot, goes on. In time, the gait's amplitude g rises from standing to walking as h, speed
as g^2, cadence as g; then the stride shrinks with the swing of the legs and feet do not slide. Both have closed integrals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.bodies import Array
from lab.errors import BadInput
from lab.movers.mover import Doorway, Surroundings

TURN_RAD_S = 3.0  # fastest turning of a body
SHARPEST_RAD = math.radians(115.0)  # of a corner that is walked, not pivoted
STEEPEST = 1.875  # of h
CORNER_KNOTS = 33
RAMP_S = 0.8  # from standing to walking
OUTSIDE_M, BEHIND_DOOR_M = 1.5, 0.7  # a way through a door is straight from here to there
DEVICE_M = 0.25
BRUSH_M = 0.2
JAMB_M = 0.2  # half a body: how far from a door frame its middle stays
_H2_TOTAL = 100.0 / 7.0 - 37.5 + 115.0 / 3.0 - 18.0 + 36.0 / 11.0


def smooth(x: Array) -> Array:
    """h: 0 to 1 with level ends and no curvature there."""
    return x**3 * (10.0 + x * (6.0 * x - 15.0))


def _smooth_integral(x: Array) -> Array:
    return x**4 * (2.5 + x * (x - 3.0))


def _square_integral(x: Array) -> Array:
    return x**7 * (100.0 / 7.0 + x * (-37.5 + x * (115.0 / 3.0 + x * (-18.0 + x * 36.0 / 11.0))))


@dataclass(frozen=True, eq=False)
class Way:
    """A curve over the floor by arc length, with pivots where its heading jumps.

    knots: (K, 7), columns s, x, y, cos and sin of the heading, heading without the pivots' jumps, curvature.
    pivots: (s, turn in rad) in order.
    """

    knots: Array
    pivots: tuple[tuple[float, float], ...]

    @property
    def length_m(self) -> float:
        return float(self.knots[-1, 0])

    def at(self, s_m: Array) -> tuple[Array, Array, Array]:
        """x, y and heading (pivots left out) at arc lengths, each (T,)."""
        knots = self.knots
        index = np.clip(np.searchsorted(knots[:, 0], s_m, side="right") - 1, 0, len(knots) - 2)
        a, b = knots[index].T, knots[index + 1].T
        step = b[0] - a[0]
        u = np.clip((s_m - a[0]) / np.where(step > 0.0, step, 1.0), 0.0, 1.0)
        far = u * u * (3.0 - 2.0 * u)
        rise, fall = step * u * (1.0 - u) ** 2, -step * u * u * (1.0 - u)
        x, y, heading = (
            a[i] + (b[i] - a[i]) * far + a[slope] * rise + b[slope] * fall
            for i, slope in ((1, 3), (2, 4), (5, 6))
        )
        return x, y, heading


def way_through(points_m: Sequence[Sequence[float]], speed_m_s: float, key: str) -> Way:
    """The way along these points, at least two, corners rounded for this speed. key: of BadInput's message."""
    points = np.asarray(points_m, dtype=np.float64)
    legs = np.diff(points, axis=0)
    lengths = np.hypot(legs[:, 0], legs[:, 1])
    if len(points) < 2 or np.any(lengths < 0.01):
        raise BadInput(f"{key}: a path needs at least two points, each at least 0.01 m from the next")
    headings = np.arctan2(legs[:, 1], legs[:, 0])
    turns = np.mod(np.diff(headings) + math.pi, 2.0 * math.pi) - math.pi
    rows, pivots = [], []
    s, turned, jumped = 0.0, headings[0], 0.0
    rows.append([s, *points[0], math.cos(turned), math.sin(turned), turned, 0.0])
    for i, turn in enumerate(turns):
        corner = points[i + 1]
        bend, setback = _bend(abs(turn), speed_m_s, 0.5 * min(lengths[i], lengths[i + 1]))
        s = rows[-1][0] + math.dist(rows[-1][1:3], corner) - setback
        if bend == 0.0 and turn != 0.0:
            rows.append([s, *corner, math.cos(headings[i]), math.sin(headings[i]), turned, 0.0])
            pivots.append((s, float(turn)))
            jumped += turn
            ahead = headings[i + 1]
            rows.append([s, *corner, math.cos(ahead), math.sin(ahead), turned, 0.0])
        elif turn != 0.0:
            start = corner - setback * np.array([math.cos(headings[i]), math.sin(headings[i])])
            rows.extend(_corner(s, start, headings[i], turn, bend, turned - headings[i]))
            turned += turn
    ahead = headings[-1]
    s = rows[-1][0] + math.dist(rows[-1][1:3], points[-1])
    rows.append([s, *points[-1], math.cos(ahead), math.sin(ahead), turned, 0.0])
    return Way(np.array(rows), tuple(pivots))


def _bend(turn: float, speed_m_s: float, room_m: float) -> tuple[float, float]:
    """Arc length of a corner and how far before it the bend begins; zeros for a pivot."""
    if turn > SHARPEST_RAD or turn < 1e-9:
        return 0.0, 0.0
    x = (np.arange(200) + 0.5) / 200
    chord = float(np.mean(np.cos(turn * (smooth(x) - 0.5))))
    setback = chord / (2.0 * math.cos(turn / 2.0))
    wanted = max(0.3, STEEPEST * turn * speed_m_s / TURN_RAD_S)
    length = min(wanted, room_m / setback)
    return (length, setback * length) if length > 0.6 * wanted else (0.0, 0.0)


def _corner(s: float, start: Array, heading: float, turn: float, length: float, offset: float) -> list:
    fine = 16
    x = np.arange((CORNER_KNOTS - 1) * fine + 1) / ((CORNER_KNOTS - 1) * fine)
    middle = heading + turn * smooth(0.5 * (x[1:] + x[:-1]))
    step = length / (len(x) - 1)
    east = np.concatenate(([0.0], np.cumsum(np.cos(middle)) * step))
    north = np.concatenate(([0.0], np.cumsum(np.sin(middle)) * step))
    angle = heading + turn * smooth(x)
    curvature = turn / length * 30.0 * x**2 * (1.0 - x) ** 2
    columns = (
        *(s + length * x, start[0] + east, start[1] + north),
        *(np.cos(angle), np.sin(angle), angle + offset, curvature),
    )
    return list(np.stack(columns, axis=1)[::fine])


@dataclass(frozen=True, eq=False)
class Walk:
    """A way in time. Random access: `at` answers any moments in any order.

    stages: (N, 12), in order of time, columns start, duration, g's peak, direction of its ramp (+1, -1, 0 steady), s, metres
    of the ramp, metres of the cruise, phase, cycles of the ramp, cycles of the cruise, pivoted so far, pivot.
    period_s: after which all repeats, 0 for never; phase and heading go on.
    """

    way: Way
    stages: Array
    start_s: float
    period_s: float

    @property
    def end_s(self) -> float:
        """When the last motion ends; infinite when it repeats."""
        last = self.stages[-1]
        return math.inf if self.period_s else self.start_s + float(last[0])

    def at(self, time_s: Array) -> tuple[Array, Array, Array, Array, Array]:
        """x, y, heading, phase in cycles and amplitude of the gait, each (T,)."""
        s, pivoted, phase, amplitude = self.progress(time_s)
        x, y, heading = self.way.at(s)
        return x, y, heading + pivoted, phase, amplitude

    def progress(self, time_s: Array) -> tuple[Array, Array, Array, Array]:
        """Arc length in m, pivoted angle in rad, phase in cycles, amplitude of the gait, each (T,)."""
        local = np.asarray(time_s, dtype=np.float64) - self.start_s
        rounds = np.zeros_like(local)
        if self.period_s:
            rounds = np.maximum(np.floor(local / self.period_s), 0.0)
            local = local - rounds * self.period_s
        index = np.clip(np.searchsorted(self.stages[:, 0], local, side="right") - 1, 0, None)
        start, duration, peak, ramp, s, ds, ls, phase, dphase, lphase, pivoted, pivot = self.stages[index].T
        x = np.clip((local - start) / duration, 0.0, 1.0)
        u = np.where(ramp > 0.0, x, np.where(ramp < 0.0, 1.0 - x, 1.0))
        s = s + ds * _square_integral(u) + ls * x
        phase = phase + dphase * _smooth_integral(u) + lphase * x
        last = self.stages[-1]
        turned = last[10] + self.way.knots[-1, 5] - self.way.knots[0, 5]
        phase = phase + rounds * (last[7] - self.stages[0, 7])
        pivoted = pivoted + pivot * smooth(x) + rounds * turned
        return s, pivoted, phase, np.minimum(peak * smooth(u), 1.0)  # rounding may lift a full stride above 1

    def moving_s(self) -> Array:
        """When the walker moves, within one period: (N, 2), starts and ends in s; stops shorter than 1 s are bridged."""
        busy = self.stages[(self.stages[:, 2] > 0.0) | (self.stages[:, 11] != 0.0)]
        spans = np.stack((busy[:, 0], busy[:, 0] + busy[:, 1]), axis=1) + self.start_s
        apart = np.flatnonzero(spans[1:, 0] - spans[:-1, 1] >= 1.0)
        return np.stack((spans[np.r_[0, apart + 1], 0], spans[np.r_[apart, len(spans) - 1], 1]), axis=1)


def walk(
    way: Way,
    speed_m_s: float,
    cadence_hz: float,
    start_s: float = 0.0,
    stops: Sequence[tuple[float, float]] = (),
    first_phase: float = 0.0,
    ramp_s: float = RAMP_S,
    repeat: bool = False,
) -> Walk:
    """A walk along a way at a steady speed, from standing to standing.

    cadence_hz: gait cycles per second at that speed. stops: (arc length in m, duration in s) in order. A leg too short to
    reach the speed is walked slower. repeat: the way ends where it began and is walked for ever.
    """
    halts = sorted([(at, pause, 0.0) for at, pause in stops] + [(at, 0.0, turn) for at, turn in way.pivots])
    rows, clock, s, phase, pivoted = [], 0.0, 0.0, first_phase, 0.0
    # Before the first stage the walker stands: its x is clipped to 0.
    closing = 0.0
    if repeat:
        faced = way.knots[-1, 5] + sum(turn for _, turn in way.pivots)
        closing = (way.knots[0, 5] - faced + math.pi) % (2.0 * math.pi) - math.pi
    for at, pause, turn in [*halts, (way.length_m, 0.0, closing)]:
        length = at - s
        if length > 1e-9:
            peak = min(1.0, math.sqrt(length / (2.0 * speed_m_s * ramp_s * _H2_TOTAL)))
            metres, cycles = speed_m_s * peak**2 * ramp_s, cadence_hz * peak * ramp_s
            cruise_m = max(0.0, length - 2.0 * metres * _H2_TOTAL)
            cruise_s = cruise_m / (speed_m_s * peak**2)
            rows.append([clock, ramp_s, peak, 1.0, s, metres, 0.0, phase, cycles, 0.0, pivoted, 0.0])
            clock, phase, s = clock + ramp_s, phase + cycles / 2.0, s + metres * _H2_TOTAL
            if cruise_s > 0.0:
                steady = cadence_hz * peak * cruise_s
                rows.append([clock, cruise_s, peak, 0.0, s, 0.0, cruise_m, phase, 0.0, steady, pivoted, 0.0])
                clock, phase, s = clock + cruise_s, phase + steady, s + cruise_m
            phase, s = phase + cycles / 2.0, at
            rows.append([clock, ramp_s, peak, -1.0, s, -metres, 0.0, phase, -cycles, 0.0, pivoted, 0.0])
            clock += ramp_s
        duration = pause + abs(turn) * STEEPEST / TURN_RAD_S
        if duration > 0.0:
            rows.append([clock, duration, 0.0, 0.0, s, 0.0, 0.0, phase, 0.0, 0.0, pivoted, turn])
            clock, pivoted = clock + duration, pivoted + turn
    rows.append([clock, 1.0, 0.0, 0.0, s, 0.0, 0.0, phase, 0.0, 0.0, pivoted, 0.0])
    return Walk(way, np.array(rows), start_s, clock if repeat else 0.0)


def doorway(surroundings: Surroundings, name: str | None, key: str) -> Doorway:
    """The open doorway of this name, the first open one for None. Raises BadInput that lists the doors."""
    doors = surroundings.doorways
    named = [door for door in doors if name is None or door.name == name]
    if not named:
        asked = "" if name is None else f" {name!r}"
        raise BadInput(f"{key}: no door{asked} for an entry; {_list(doors)}")
    free = [door for door in named if door.open]
    if not free:
        raise BadInput(f"{key}: the door {named[0].name!r} is closed; {_list(doors)}")
    return free[0]


def through(door: Doorway, size_m: Sequence[float]) -> tuple[Array, Array]:
    """Floor points (2,) on the line through a doorway's middle, across its wall: 1.5 m outside, 0.7 m inside."""
    size = np.asarray(size_m, dtype=np.float64)[:2]
    across = 0 if door.wall in ("west", "east") else 1
    inward = 1.0 if door.wall in ("west", "south") else -1.0
    middle = np.full(2, door.along_m)
    middle[across] = 0.0 if inward > 0.0 else size[across]
    step = np.zeros(2)
    step[across] = inward
    return middle - OUTSIDE_M * step, middle + BEHIND_DOOR_M * step


def inside(x_m: Array, y_m: Array, size_m: Sequence[float]) -> NDArray[np.bool_]:
    return (x_m > 0.0) & (x_m < size_m[0]) & (y_m > 0.0) & (y_m < size_m[1])


def check_way(way: Way, surroundings: Surroundings, height_m: float, key: str) -> None:
    """Raises BadInput for a way through a wall, a closed door, or the device.

    height_m: of the walker; nobody is in the way of a device well above the head.
    """
    size = surroundings.size_m
    x, y, _ = way.at(np.linspace(0.0, way.length_m, 2 + int(way.length_m / 0.01)))
    device = surroundings.device_m
    nearest = float(np.hypot(x - device[0], y - device[1]).min())
    if device[2] < height_m + 0.1 and nearest < DEVICE_M:
        raise BadInput(
            f"{key}: the path passes {nearest:.2f} m from the device at [{device[0]:.2f}, {device[1]:.2f}]; "
            f"it must stay {DEVICE_M} m away"
        )
    within = inside(x, y, size)
    for index in np.flatnonzero(within[1:] != within[:-1]):
        wall, along = _crossing(x[index : index + 2], y[index : index + 2], size)
        here = [door for door in surroundings.doorways if door.wall == wall]
        there = [door for door in here if abs(along - door.along_m) <= max(0.05, door.width_m / 2.0 - JAMB_M)]
        where = f"{along:.2f} m along the {wall} wall"
        if not there:
            raise BadInput(
                f"{key}: the path goes through a wall, no door for an entry {where}; {_list(surroundings.doorways)}"
            )
        if not there[0].open:
            raise BadInput(f"{key}: the path goes {where} through the closed door {there[0].name!r}")
    beyond = np.hypot(
        np.maximum(np.maximum(-x, x - size[0]), 0.0), np.maximum(np.maximum(-y, y - size[1]), 0.0)
    )
    off = np.where(within, np.minimum(np.minimum(x, size[0] - x), np.minimum(y, size[1] - y)), beyond)
    brushes = off < BRUSH_M
    for door in surroundings.doorways:
        middle = np.add(*through(door, size)) / 2.0
        brushes &= np.hypot(x - middle[0], y - middle[1]) > 1.0 + door.width_m / 2.0
    if np.any(brushes):
        index = int(np.argmin(np.where(brushes, off, np.inf)))
        raise BadInput(
            f"{key}: the path comes within {off[index]:.2f} m of a wall at [{x[index]:.2f}, {y[index]:.2f}], "
            f"no door for an entry there; it must stay {BRUSH_M} m off; {_list(surroundings.doorways)}"
        )


def _crossing(x: Array, y: Array, size_m: Sequence[float]) -> tuple[str, float]:
    """Which wall a short step from (x[0], y[0]) to (x[1], y[1]) crosses, and where along it."""
    for name, a, b, wall in (
        *(("west", x, y, 0.0), ("east", x, y, size_m[0])),
        *(("south", y, x, 0.0), ("north", y, x, size_m[1])),
    ):
        if (a[0] - wall) * (a[1] - wall) <= 0.0 and a[0] != a[1]:
            return name, float(b[0] + (b[1] - b[0]) * (wall - a[0]) / (a[1] - a[0]))
    raise AssertionError("no wall between a point inside and a point outside")


def _list(doors: Sequence[Doorway]) -> str:
    if not doors:
        return "the room has no doors"
    return "doors: " + ", ".join(
        f"{door.name} ({door.wall} wall at {door.along_m:g} m, {'open' if door.open else 'closed'})"
        for door in doors
    )
