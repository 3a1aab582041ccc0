"""How the carriage gets along: straight blocks, one acceleration, look-ahead over the junctions.

Within a block speed follows a trapezoid: up with acceleration a to the nominal speed, down again so that
it meets the entry speed of the next block at the junction. Braking from v to w takes (v^2 - w^2) / 2a of
way; on a way s too short to reach nominal speed the peak is sqrt((2as + v^2 + w^2) / 2). At a junction
with angle t between the directions the speed is limited to sqrt(a d s / (1 - s)), s = sin(t/2), d the
junction deviation ($11): a full stop on reversal, none on a straight line.

Motion is solved phase by phase in closed form, so the result does not depend on how time is cut.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

_EPSILON = 1e-9

Vector = tuple[float, ...]


@dataclass
class Block:
    """One straight move. Speeds in mm/s, along the line.

    feed: programmed speed, None for a rapid. fastest: what the axes allow in this direction.
    entry_limit: most at the junction before it. entry: planned there.
    """

    start: Vector
    target: Vector
    direction: Vector
    length: float
    acceleration: float
    fastest: float
    feed: float | None
    entry_limit: float
    entry: float = 0.0


class Planner:
    """Queue of blocks and the motion along them.

    rates: fastest speed of each axis in mm/s. accelerations: in mm/s^2. capacity: blocks it can hold.
    """

    def __init__(
        self,
        rates: Vector,
        accelerations: Vector,
        junction_mm: float = 0.01,
        capacity: int = 15,
        position: Vector | None = None,
    ) -> None:
        self.rates = rates
        self.accelerations = accelerations
        self.junction_mm = junction_mm
        self.capacity = capacity
        self.feed_override = 1.0
        self.rapid_override = 1.0
        self.speed = 0.0
        self.holding = False
        self._blocks: deque[Block] = deque()
        self._along = 0.0
        self._rest: Vector = position or (0.0,) * len(rates)

    @property
    def position(self) -> Vector:
        if not self._blocks:
            return self._rest
        block = self._blocks[0]
        return tuple(s + d * self._along for s, d in zip(block.start, block.direction, strict=True))

    @property
    def end(self) -> Vector:
        """Where the last queued block ends."""
        return self._blocks[-1].target if self._blocks else self._rest

    @property
    def free(self) -> int:
        return self.capacity - len(self._blocks)

    @property
    def empty(self) -> bool:
        return not self._blocks

    @property
    def moving(self) -> bool:
        return bool(self._blocks) and not (self.holding and self.speed == 0.0)

    def add(self, target: Vector, feed: float | None) -> None:
        """Queue a straight move at `feed` mm/s, None for as fast as the axes can. No way: nothing."""
        start = self.end
        way = tuple(t - s for t, s in zip(target, start, strict=True))
        length = math.hypot(*way)
        if length < _EPSILON:
            return
        direction = tuple(w / length for w in way)
        fastest = min(r / abs(d) for r, d in zip(self.rates, direction, strict=True) if d)
        acceleration = min(a / abs(d) for a, d in zip(self.accelerations, direction, strict=True) if d)
        limit = self._junction(direction, acceleration) if self._blocks else 0.0
        self._blocks.append(Block(start, target, direction, length, acceleration, fastest, feed, limit))
        self._plan()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > _EPSILON and self.moving:
            seconds -= self._phase(seconds)

    def hold(self) -> None:
        """Brake to a stop; what is queued stays."""
        self.holding = True

    def resume(self) -> None:
        self.holding = False
        self._plan()

    def stop_dead(self) -> None:
        """Steps end at once, wherever the carriage is; the queue is lost."""
        self._rest = self.position
        self._blocks.clear()
        self._along = self.speed = 0.0
        self.holding = False

    def place(self, position: Vector) -> None:
        """Give the present place another name; nothing moves."""
        self.stop_dead()
        self._rest = position

    def _nominal(self, block: Block) -> float:
        if block.feed is None:
            return block.fastest * self.rapid_override
        return min(block.feed * self.feed_override, block.fastest)

    def _junction(self, direction: Vector, acceleration: float) -> float:
        before = self._blocks[-1].direction
        cosine = -sum(a * b for a, b in zip(before, direction, strict=True))
        if cosine > 0.999999:
            return 0.0
        if cosine < -0.999999:
            return math.inf
        half = math.sqrt((1.0 - cosine) / 2.0)
        return math.sqrt(acceleration * self.junction_mm * half / (1.0 - half))

    def _plan(self) -> None:
        """Highest speeds at the junctions from which every later stop is still possible."""
        blocks = list(self._blocks)
        leave = 0.0
        for before, block in reversed(list(pairwise(blocks))):
            most = min(block.entry_limit, self._nominal(before), self._nominal(block))
            block.entry = min(most, math.sqrt(leave**2 + 2.0 * block.acceleration * block.length))
            leave = block.entry
        speed, done = self.speed, self._along
        for block, after in pairwise(blocks):
            reachable = math.sqrt(speed**2 + 2.0 * block.acceleration * (block.length - done))
            after.entry = min(after.entry, reachable)
            speed, done = after.entry, 0.0

    def _phase(self, seconds: float) -> float:
        """Advance to the end of the present phase of the trapezoid, or for `seconds`; the time it took."""
        block = self._blocks[0]
        a, v, left = block.acceleration, self.speed, block.length - self._along
        if self.holding:
            way, slope, time = min(left, v * v / (2 * a)), -a, v / a
            if way == left:
                time = (v - math.sqrt(max(0.0, v * v - 2 * a * left))) / a
        else:
            leave = self._blocks[1].entry if len(self._blocks) > 1 else 0.0
            nominal = max(self._nominal(block), _EPSILON)
            braking = max(0.0, (v * v - leave * leave) / (2 * a))
            if v > nominal + _EPSILON and left > braking:  # an override has been turned down
                slope, time = -a, (v - nominal) / a
            elif left <= braking + _EPSILON:
                slope = -(v * v - leave * leave) / (2 * max(left, _EPSILON))
                time = 2 * left / (v + leave) if v + leave > _EPSILON else 0.0
            elif v < nominal - _EPSILON:
                peak = min(nominal, math.sqrt((2 * a * left + v * v + leave * leave) / 2))
                slope, time = a, max(peak - v, 0.0) / a
            else:
                slope, time = 0.0, (left - braking) / v
        step = min(seconds, time)
        self._along += max(0.0, v * step + slope * step * step / 2)
        self.speed = max(0.0, v + slope * step)
        if self.holding and (self.speed < 1e-6 or step >= v / a):
            self.speed = 0.0
        if block.length - self._along < 1e-7:
            self._next(block)
        return max(step, _EPSILON)

    def _next(self, block: Block) -> None:
        self._blocks.popleft()
        self._along = 0.0
        if not self._blocks:
            self._rest, self.speed = block.target, 0.0
