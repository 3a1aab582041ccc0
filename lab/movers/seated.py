"""A person who sits or stands in one place: breathes, sways a little, and now and then makes a gesture.

The skeleton and the sizes are those of the walking person; the arms follow the hand by the geometry of two links, and the
trunk leans about the hips when a reach is longer than the arm. Breathing moves the trunk forward and back, in by half a
cosine in 1.7 parts, out in 2.1 parts of the cycle (times of inspiration and expiration measured with airborne ultrasound,
Front. Physiol. 10:680, 2019). A rigid trunk moves as much behind as in front: seen from behind this breath is too large.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets, Points, Shape, Spheroids
from lab.errors import BadInput
from lab.movers.body import HIP_HEIGHT, RADII_HEIGHT_M, TRUNK, Body, trunk_cylinder
from lab.movers.elbowroom import Elbowroom
from lab.movers.gesture import (
    KEYS,
    NONE,
    RANGES,
    GestureKind,
    Occurrences,
    draw_occurrences,
    key_strokes,
    poisson_onsets,
)
from lab.movers.mover import MINOR, PRESENCE, Surroundings
from lab.movers.spot import SpotSpec, bearing_to_device, find_spot
from lab.movers.stance import LEFT, RIGHT, Stance
from lab.movers.stroke import Wavering, minimum_jerk

HAND_RADIUS_M, HAND_HALF_M = 0.04, 0.05
CUP_RADIUS_M, CUP_HALF_M = 0.04, 0.045
FINGER_DB = -44.0
PAGE_M = (0.148, 0.21)  # paper reflects all: 80 g/m2 is 21 times the air's impedance at 34 kHz
HINGE_M = 0.08  # from the resting hand to the spine of the book
INSPIRATION = 1.7 / 3.8
FADE_S = 2.0
BATCH = 64  # motions looked at together for the top speed
WALL_M = 0.35  # from the middle of the trunk
DEVICE_M = 0.4


class SeatedSpec(SpotSpec):
    """A person in one place, `seated` or `standing`.

    Place: the middle of the trunk; distance_m is from the device's centre to it. facing_deg: 0 towards the device, positive
    to the person's left. height_m: body height, 0.9 to 2. clothing_loss_db: 0 to 12.

    gesture: reach, cup, page, typing, posture or breathing (none). When: start_s, one; or per_h, a Poisson process of 0.1 to
    240 an hour. stroke_m (half the shortest to the longest of `gesture.RANGES`), peak_m_s (0.02 to 2): fixed, else
    drawn from those ranges, strokes in proportion to a height below 1.75 m.

    breath_mm: peak to peak, 0 to 20. breath_hz: 0.1 to 0.6, wandering by a few per cent. sway_mm: RMS of the trunk's middle,
    0 to 10. from_s, until_s: the person is there only then, and comes and goes by a fade of 2 s and no motion of its own.

    Truth: presence while there; a minor motion for every gesture. Breathing is no minor motion: it is what presence must be
    held on.
    """

    kind: Literal["seated", "standing"]
    facing_deg: float = Field(0.0, ge=-180.0, le=180.0)
    height_m: float = Field(1.75, ge=0.9, le=2.0)
    clothing_loss_db: float = Field(4.0, ge=0.0, le=12.0)
    gesture: GestureKind = Field(GestureKind.BREATHING, strict=False)
    start_s: float | None = Field(None, ge=0.0, le=86400.0)
    per_h: float | None = Field(None, ge=0.1, le=240.0)
    stroke_m: float | None = Field(None, ge=0.01, le=0.9)
    peak_m_s: float | None = Field(None, ge=0.02, le=2.0)
    breath_mm: float = Field(8.0, ge=0.0, le=20.0)
    breath_hz: float = Field(0.25, ge=0.1, le=0.6)
    sway_mm: float = Field(1.0, ge=0.0, le=10.0)
    from_s: float | None = Field(None, ge=0.0, le=86400.0)
    until_s: float | None = Field(None, ge=0.0, le=86400.0)

    @model_validator(mode="after")
    def _when(self) -> Self:
        times = (self.start_s is not None) + (self.per_h is not None)
        if self.gesture is GestureKind.BREATHING and times:
            raise ValueError('gesture = "breathing" takes neither start_s nor per_h')
        if self.gesture is not GestureKind.BREATHING and times != 1:
            raise ValueError("exactly one of start_s, per_h")
        if self.stroke_m is not None and self.gesture in RANGES:
            low, high = RANGES[self.gesture].stroke_m
            if not low / 2.0 <= self.stroke_m <= high:
                raise ValueError(f"stroke_m of {self.gesture.value} must be {low / 2.0:g} to {high:g}")
        return self


class Seated:
    """pose: 19 spheroids (17 segments, right and left hand; a cup in the right hand for `cup`), for `page` then the page
    as a facet, for `typing` four fingers as points."""

    def __init__(self, spec: SeatedSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name, self._spec, self._surroundings = spec.name, spec, surroundings
        self._body = Body(spec.height_m, spec.clothing_loss_db)
        desk = {GestureKind.PAGE: (RIGHT, LEFT), GestureKind.TYPING: (RIGHT, LEFT), GestureKind.CUP: (RIGHT,)}
        self._stance = Stance(spec.height_m, spec.kind == "standing", desk.get(spec.gesture, ()))
        self._from_s = spec.from_s if spec.from_s is not None else 0.0
        self._until_s = spec.until_s if spec.until_s is not None else surroundings.duration_s
        fades = FADE_S * ((spec.from_s is not None) + (spec.until_s is not None))
        if not self._from_s + fades <= self._until_s <= surroundings.duration_s:
            raise BadInput(
                f"movers.{spec.name}: from_s and until_s must lie within the trial of {surroundings.duration_s:g} s and "
                f"leave {fades:g} s to come and go"
            )
        self._place(rng)
        self._breath_phase = rng.uniform(0.0, 2.0 * math.pi)
        # The phase of the breath wanders by this many radians; slowly, so the rate changes by a few per cent.
        self._breath_wander = Wavering(rng, 0.5, 0.005, 0.03)
        swing = 1e-3 * spec.sway_mm / (0.5 * TRUNK * spec.height_m) / math.sqrt(2.0)
        self._sway = Wavering(rng, swing, 0.03, 0.4), Wavering(rng, swing, 0.03, 0.4)
        self._occurrences, self._way, self._lean = self._draw(rng)
        self.pose_rate_hz = 500.0 if spec.gesture is GestureKind.TYPING else 250.0
        self.top_speed_m_s = self._fastest()

    def _place(self, rng: np.random.Generator) -> None:
        """Find a spot where feet and hands are inside the room and no hand is in the device."""
        spec = self._spec
        for _ in range(64):
            middle = find_spot(
                spec,
                self._surroundings,
                rng,
                height_m=self._stance.trunk_m,
                wall_m=WALL_M,
                device_m=DEVICE_M,
            )
            facing = bearing_to_device(middle, self._surroundings) + math.radians(spec.facing_deg)
            origin = np.array([middle[0], middle[1], 0.0])
            self._room = Elbowroom(self._stance, origin, facing, self._surroundings)
            limits = np.array(
                [[self._stance.toe_m, 0.0, 0.1], self._stance.rest_m(RIGHT), self._stance.rest_m(LEFT)]
            )
            if self._room.clear(limits).all():
                return
        raise BadInput(
            f"movers.{spec.name}: knees and hands do not fit there between the walls and the device; give another place or "
            "facing_deg"
        )

    def _draw(self, rng: np.random.Generator) -> tuple[Occurrences, Array, Array]:
        """The occurrences; for each the way of the hand (N, 3) and the lean at its end (N, 2), rad forward and left."""
        spec, kind = self._spec, self._spec.gesture
        if kind is GestureKind.BREATHING:
            return NONE, np.zeros((0, 3)), np.zeros((0, 2))
        limits = RANGES[kind]
        scale = min(1.0, spec.height_m / RADII_HEIGHT_M) if kind is not GestureKind.TYPING else 1.0
        low, high = (
            (spec.stroke_m, spec.stroke_m)
            if spec.stroke_m
            else (scale * limits.stroke_m[0], scale * limits.stroke_m[1])
        )
        strokes = np.linspace(high, low, 9) if high > low else np.array([high])
        directions, leans, fits = self._room.ways(kind, strokes)
        if not fits.any(axis=1)[-1]:
            longest = max(
                (s for s in np.linspace(low, 0.01, 40) if self._room.ways(kind, np.array([s]))[2].any()),
                default=0.0,
            )
            raise BadInput(
                f"movers.{spec.name}: no {kind.value} of {low:.2f} m fits there within the arm's reach, the room and off the "
                f"device; the longest stroke_m is {longest:.2f}"
            )
        longest = int(np.argmax(fits.any(axis=1)))
        peak = (spec.peak_m_s, spec.peak_m_s) if spec.peak_m_s else limits.peak_m_s
        if spec.start_s is not None:
            wanted = np.array([spec.start_s])
        else:
            assert spec.per_h is not None
            wanted = poisson_onsets(spec.per_h, self._from_s, self._until_s, rng)
        drawn = draw_occurrences(
            kind, wanted, self._until_s, rng, stroke_m=(low, strokes[longest]), peak_m_s=peak
        )
        if spec.start_s is not None and (not len(drawn.onset_s) or spec.start_s < self._from_s):
            raise BadInput(
                f"movers.{spec.name}.start_s: the {kind.value} must begin and end while the person is there"
            )
        ways, ends = np.zeros((len(drawn.onset_s), 3)), np.zeros((len(drawn.onset_s), 2))
        for number, stroke in enumerate(drawn.stroke_m):
            if kind is GestureKind.POSTURE and number % 2:
                ways[number], ends[number] = ways[number - 1], ends[number - 1]
                continue
            # The next longer stroke of the table that fits in some direction tells the lean.
            row = int(np.flatnonzero((strokes >= stroke - 1e-12) & fits.any(axis=1))[-1])
            choice = int(rng.choice(np.flatnonzero(fits[row])))
            ways[number] = stroke * directions[choice]
            ends[number] = leans[row, choice]
            if kind is GestureKind.POSTURE:
                ends[number] *= stroke / strokes[row]
        return drawn, ways, ends

    def breath_m(self, time_s: Array) -> Array:
        """Forward shift of the trunk, 0 (empty) to breath_mm, (T,)."""
        turns = self._spec.breath_hz * time_s + (self._breath_phase + self._breath_wander(time_s)) / (
            2.0 * math.pi
        )
        cycle = turns - np.floor(turns)
        rising = cycle < INSPIRATION
        half = np.where(rising, cycle / INSPIRATION, 1.0 - (cycle - INSPIRATION) / (1.0 - INSPIRATION))
        return 0.5e-3 * self._spec.breath_mm * (1.0 - np.cos(math.pi * half))

    def _moment(self, time: Array) -> tuple[Array, Array]:
        """The way of the right hand from its rest (T, 3) and the lean (T, 2)."""
        number, out, back = self._occurrences.moment(time)
        if not len(self._way):
            return np.zeros((len(time), 3)), np.zeros((len(time), 2))
        at, kind = np.maximum(number, 0), self._spec.gesture
        way, lean = self._way[at], self._lean[at]
        if kind is GestureKind.POSTURE:
            return way, lean * np.where(at % 2 == 1, 1.0 - out, out)[:, None]
        if kind is GestureKind.TYPING:
            return np.zeros_like(way), np.zeros_like(lean)
        if kind is GestureKind.PAGE:
            radius = self._occurrences.stroke_m[at] / math.pi
            left = radius * (1.0 - np.cos(math.pi * out)) - 2.0 * radius * back
            return (
                np.stack([0.0 * left, left, radius * np.sin(math.pi * out)], axis=-1),
                0.0 * lean,
            )
        share = (out - back)[:, None]
        return way * share, lean * share

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        time = np.asarray(time_s, dtype=np.float64)
        way, lean = self._moment(time)
        sway = np.stack([self._sway[0](time), self._sway[1](time)], axis=-1)
        # A hanging hand goes with the trunk, unless it is the one that reaches.
        carried = lean + sway if self._spec.gesture is GestureKind.POSTURE else sway
        right_hand = self._stance.rest_m(RIGHT) + way + self._stance.carried(RIGHT, carried)
        starts, ends = self._stance.segments(lean + sway, self.breath_m(time), right_hand)
        centre, axis = 0.5 * (starts + ends), ends - starts
        axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
        scale = self._spec.height_m / RADII_HEIGHT_M
        radius = [*self._body.radius_m, HAND_RADIUS_M * scale, HAND_RADIUS_M * scale]
        half = [*self._body.half_length_m, HAND_HALF_M * scale, HAND_HALF_M * scale]
        reflection = [*self._body.reflection, 1.0, 1.0]
        if self._spec.gesture is GestureKind.CUP:
            beside = right_hand + np.array([0.03, 0.05, 0.0]) * scale
            centre = np.concatenate([centre, beside[None]])
            axis = np.concatenate([axis, np.broadcast_to([0.0, 0.0, 1.0], (1, len(time), 3))])
            radius, half, reflection = [*radius, CUP_RADIUS_M], [*half, CUP_HALF_M], [*reflection, 1.0]
        there = self._there(time)
        shapes: list[Shape] = [
            Spheroids(
                self._room.to_room(centre),
                self._room.turn(axis),
                np.array(radius),
                np.array(half),
                np.asarray(reflection) if there is None else np.asarray(reflection)[:, None] * there,
            )
        ]
        if self._spec.gesture is GestureKind.PAGE:
            shapes.append(self._page(time, there))
        if self._spec.gesture is GestureKind.TYPING:
            shapes.append(self._fingers(time, centre[17:19], there))
        return tuple(shapes)

    def _page(self, time: Array, there: Array | None) -> Facets:
        """The page on its way from right to left; lying flat it is one with the book, unseen, and goes back for the next."""
        _, out, back = self._occurrences.moment(time)
        angle = math.pi * (out - back)
        hinge = self._stance.rest_m(RIGHT) + [0.0, HINGE_M, -0.02]
        width = np.stack([0.0 * angle, -np.cos(angle), np.sin(angle)], axis=-1) * PAGE_M[0]
        spine = np.broadcast_to([PAGE_M[1], 0.0, 0.0], width.shape)
        shown = minimum_jerk(np.sin(math.pi * out) / math.sin(math.radians(20.0)))
        return Facets(
            self._room.to_room(hinge + 0.5 * width)[None],
            self._room.turn(width)[None],
            self._room.turn(spine)[None],
            (shown if there is None else shown * there)[None],
        )

    def _fingers(self, time: Array, hands: Array, there: Array | None) -> Points:
        """Four fingertips at the keys, two of either hand."""
        events, number = self._occurrences, self._occurrences.moment(time)[0]
        at = np.maximum(number, 0)
        scale, tips = self._spec.height_m / RADII_HEIGHT_M, []
        for key in range(len(KEYS)):
            tip = hands[key % 2] + np.array([0.07, 0.03 * (key // 2) - 0.015, 0.0]) * scale
            if len(events.onset_s):
                down = key_strokes(
                    time - events.onset_s[at], events.out_s[at], events.stroke_m[at], events.peak_m_s[at], key
                )
                tip = tip - np.where(number >= 0, down, 0.0)[:, None] * [0.0, 0.0, 1.0]
            tips.append(tip)
        amplitude = np.full(len(KEYS), 10.0 ** (FINGER_DB / 20.0))
        return Points(
            self._room.to_room(np.stack(tips)), amplitude if there is None else amplitude[:, None] * there
        )

    def _there(self, time: Array) -> Array | None:
        """How much of the person there is, 0 to 1 (T,); None when there all through."""
        if self._spec.from_s is None and self._spec.until_s is None:
            return None
        share = np.ones(len(time))
        if self._spec.from_s is not None:
            share *= minimum_jerk((time - self._from_s) / FADE_S)
        if self._spec.until_s is not None:
            share *= minimum_jerk((self._until_s - time) / FADE_S)
        return share

    def _fastest(self) -> float:
        """Speed of the fastest part over all occurrences, by differences, with a tenth to spare."""
        events = self._occurrences
        quiet = (
            0.005
            + math.pi * 1e-3 * self._spec.breath_mm * self._spec.breath_hz * 1.3
            + 0.01 * self._spec.sway_mm
        )
        if not len(events.onset_s):
            return quiet
        if self._spec.gesture is GestureKind.TYPING:
            return quiet + 1.1 * float(events.peak_m_s.max())
        step = np.linspace(0.0, 1.0, 41)
        begin = np.concatenate([events.onset_s, events.onset_s + events.out_s + events.hold_s])
        span = np.concatenate([events.out_s, events.back_s])
        begin, span = begin[span > 0.0], span[span > 0.0]
        fastest = 0.0
        for first in range(0, len(begin), BATCH):
            some = slice(first, first + BATCH)
            time = begin[some, None] + span[some, None] * step
            pace = (np.diff(step) * span[some, None])[..., None]
            for place in map(_outermost, self.pose(time.ravel())):
                moved = np.diff(place.reshape(len(place), *time.shape, 3), axis=2)
                fastest = max(fastest, float(np.linalg.norm(moved / pace, axis=-1).max()))
        return quiet + 1.1 * fastest

    def truth(self) -> tuple[Event, ...]:
        """Presence while there; a minor motion from the first to the last move of every gesture."""
        events = self._occurrences
        motions = (
            Event(float(begin), float(end), MINOR)
            for begin, end in zip(events.onset_s, events.offset_s, strict=True)
        )
        return Event(self._from_s, self._until_s, PRESENCE), *motions

    def blockers(self, time_s: Array) -> tuple[Array, float, float]:
        """The trunk and what it sits on; it rises from the floor while the person fades in."""
        time = np.asarray(time_s, dtype=np.float64)
        radius, height = trunk_cylinder(self._spec.height_m)
        height += self._stance.hip_m - HIP_HEIGHT * self._spec.height_m
        foot = np.tile(self._room.origin_m, (len(time), 1))
        if (there := self._there(time)) is not None:
            foot[:, 2] = -height * (1.0 - there)
        return foot, radius, height


def _outermost(shape: Shape) -> Array:
    """Points of a shape that go fastest, (N, T, 3)."""
    if isinstance(shape, Points):
        return shape.position_m
    if isinstance(shape, Facets):
        return shape.centre_m + 0.5 * shape.edge_u_m
    along = shape.axis * shape.half_length_m[:, None, None]
    return np.concatenate([shape.centre_m - along, shape.centre_m + along])


def make(spec: SeatedSpec, surroundings: Surroundings, rng: np.random.Generator) -> Seated:
    """Raises BadInput when person or gesture does not fit the room, the device or the trial."""
    return Seated(spec, surroundings, rng)
