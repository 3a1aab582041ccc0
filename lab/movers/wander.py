"""An endless random way through a region, straight from point to point, known at every moment.

The way is cut into chapters of equal length. A chapter depends on the seed and its number only: it begins and ends at
points drawn for it and for the next one. So any moment of a day costs one chapter, and no two chapters are alike.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array
from lab.errors import BadInput
from lab.movers.stroke import cruise, cruise_time_s

KEPT_CHAPTERS = 4
TRIES = 400


@dataclass(frozen=True)
class Region:
    """Where to go. draw: the next point (D,) to go to. keep_off_m: of `device_m` (D,), for a whole straight leg."""

    draw: Callable[[np.random.Generator], Array]
    device_m: Array
    keep_off_m: float

    def clear(self, start: Array, end: Array) -> bool:
        """Whether the straight leg keeps off the device."""
        along = end - start
        share = np.clip((self.device_m - start) @ along / max(along @ along, 1e-12), 0.0, 1.0)
        return bool(np.linalg.norm(start + share * along - self.device_m) >= self.keep_off_m)


@dataclass(frozen=True, eq=False)
class Pace:
    """speed_m_s: of a leg, drawn from slowest to fastest. pause_s: at each point, drawn likewise. ramp_s: of the speed."""

    slowest_m_s: float
    fastest_m_s: float
    pause_s: tuple[float, float]
    ramp_s: float
    shortest_m: float


@dataclass(frozen=True, eq=False)
class Course:
    """Where one is. position_m: (T, D). heading: (T, D), unit, of the current leg. gone_m, leg_m: (T,), on it; turn: (T,),
    0 to 1, how far the turn from the leg before is done; previous: (T, D), its heading."""

    position_m: Array
    heading: Array
    previous: Array
    turn: Array
    gone_m: Array
    leg_m: Array


@dataclass(frozen=True, eq=False)
class _Chapter:
    begin_s: Array  # of the pause before each leg
    depart_s: Array
    start_m: Array
    heading: Array
    previous: Array
    leg_m: Array
    speed_m_s: Array


class Wander:
    """The way of one seed. Raises BadInput, with `name`, when no leg keeps off the device."""

    def __init__(self, region: Region, pace: Pace, seed: int, name: str, chapter_s: float = 300.0) -> None:
        self._region, self._pace, self._seed, self._name = region, pace, seed, name
        self._chapter_s = chapter_s
        self._chapters: OrderedDict[int, _Chapter] = OrderedDict()
        self._chapter(0)

    def at(self, time_s: Array) -> Course:
        """Position and heading at these moments, any order, (T,)."""
        time = np.asarray(time_s, dtype=np.float64)
        number = np.floor(time / self._chapter_s).astype(np.int64)
        dimensions = len(self._region.device_m)
        vectors = [np.empty((len(time), dimensions)) for _ in range(3)]
        scalars = [np.empty(len(time)) for _ in range(3)]
        for chapter_number in np.unique(number):
            chosen = number == chapter_number
            chapter = self._chapter(int(chapter_number))
            within = time[chosen] - chapter_number * self._chapter_s
            leg = np.searchsorted(chapter.begin_s, within, side="right") - 1
            start, heading = chapter.start_m[leg], chapter.heading[leg]
            gone = cruise(
                within - chapter.depart_s[leg], chapter.leg_m[leg], chapter.speed_m_s[leg], self._pace.ramp_s
            )
            pause = np.maximum(chapter.depart_s[leg] - chapter.begin_s[leg], 1e-9)
            vectors[0][chosen] = start + gone[:, None] * heading
            vectors[1][chosen] = heading
            vectors[2][chosen] = chapter.previous[leg]
            scalars[0][chosen] = np.clip((within - chapter.begin_s[leg]) / pause, 0.0, 1.0)
            scalars[1][chosen] = gone
            scalars[2][chosen] = chapter.leg_m[leg]
        return Course(vectors[0], vectors[1], vectors[2], scalars[0], scalars[1], scalars[2])

    def _chapter(self, number: int) -> _Chapter:
        if number in self._chapters:
            self._chapters.move_to_end(number)
            return self._chapters[number]
        self._chapters[number] = chapter = self._write(number)
        if len(self._chapters) > KEPT_CHAPTERS:
            self._chapters.popitem(last=False)
        return chapter

    def _generator(self, number: int, part: int) -> np.random.Generator:
        # Moments slightly before 0 lie in chapter -1; entropy must not be negative.
        return np.random.default_rng([self._seed, number & 0xFFFFFFFF, part])

    def _door(self, number: int) -> tuple[Array, Array]:
        """Where chapter `number` begins and the one before ends, and the heading there."""
        rng = self._generator(number, 0)
        for _ in range(TRIES):
            point = self._region.draw(rng)
            if self._region.clear(point, point):
                heading = rng.standard_normal(len(point))
                heading[2:] = 0.0
                return point, heading / np.linalg.norm(heading)
        raise BadInput(f"movers.{self._name}: the room leaves no place clear of the device")

    def _write(self, number: int) -> _Chapter:
        pace, rng = self._pace, self._generator(number, 1)
        (first, facing), (last, facing_last) = self._door(number), self._door(number + 1)
        points = [first]
        begin, depart, speeds, now = [], [], [], 0.0
        while True:
            pause, speed = rng.uniform(*pace.pause_s), rng.uniform(pace.slowest_m_s, pace.fastest_m_s)
            spare = self._chapter_s - now - pause - pace.pause_s[1]
            following = self._next(points[-1], last, rng, speed, spare, first=len(points) == 1)
            end = last if following is None else following
            length = float(np.linalg.norm(end - points[-1]))
            # A leg too short for its ramps is walked slower.
            speed = min(speed, max(length, 1e-9) / pace.ramp_s)
            begin.append(now)
            depart.append(now + pause)
            speeds.append(speed)
            now += pause + float(cruise_time_s(length, speed, pace.ramp_s))
            points.append(end)
            if following is None:
                break
        way = np.asarray(points)
        legs = np.diff(way, axis=0)
        length = np.linalg.norm(legs, axis=1)
        heading = legs / np.maximum(length, 1e-12)[:, None]
        # A leg of no length turns to the heading of the next chapter.
        return _Chapter(
            begin_s=np.array([*begin, now]),
            depart_s=np.array([*depart, self._chapter_s]),
            start_m=way,
            heading=np.vstack([heading, facing_last]),
            previous=np.vstack([facing, heading]),
            leg_m=np.append(length, 0.0),
            speed_m_s=np.append(speeds, 1.0),
        )

    def _next(
        self, start: Array, last: Array, rng: np.random.Generator, speed: float, spare_s: float, first: bool
    ) -> Array | None:
        """A point from which the chapter's end is in sight and in time; None: go to that end now."""
        pace = self._pace
        for _ in range(TRIES):
            point = self._region.draw(rng)
            length = float(np.linalg.norm(point - start))
            rest = float(np.linalg.norm(last - point))
            needed = length / speed + rest / pace.slowest_m_s + 2.0 * pace.ramp_s
            if length < pace.shortest_m or not needed < spare_s:
                continue
            if self._region.clear(start, point) and self._region.clear(point, last):
                return point
        if first:
            raise BadInput(f"movers.{self._name}: the room leaves no way clear of the device")
        return None
