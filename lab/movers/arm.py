"""A robotic arm that makes the small motion of a person, in the manner of NEMA WD 7.

A square bar of 76 x 76 x 381 mm turns about one end at 90 degrees a second, its axis 0.914 m above the floor: its tip goes
at 0.381 m * pi / 2 per s = 0.60 m/s, at most 119 Hz at 34 kHz. The full text of WD 7 was not read: the size, the height
and the rate are its published figures, the horizontal plane of the stroke and the repetitions are ours.

The bar is rendered as its flat faces, not as a spheroid: a face that turns through the normal is a mirror for a moment (+2 dB
at 3 m) and returns next to nothing beside it (median of a radial stroke -33 dB). A smooth body of that length has -20 dB
broadside and neither.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets, Shape
from lab.errors import BadInput
from lab.movers.mover import MINOR, Surroundings
from lab.movers.spot import SpotSpec, bearing_to_device, find_spot
from lab.movers.stroke import cruise, cruise_time_s

LENGTH_M = 0.381
SIDE_M = 0.076
RAMP_S = 0.1
GRAZING = 0.1  # cosine over which a face comes into sight


class ArmSpec(SpotSpec):
    """The bar of a WD 7-style arm.

    Place: the pivot, height_m above the floor. plane: how the tip moves at mid-stroke, `radial` (towards and
    away from the device) or `tangential` (across). turn_deg_s: 10 to 360. stroke_deg: 10 to 180. start_s: of the first
    stroke. repeats: strokes, every other one back. pause_s: between them.
    """

    kind: Literal["arm"]
    plane: Literal["radial", "tangential"] = "radial"
    height_m: float = Field(0.914, ge=0.1, le=2.5)
    turn_deg_s: float = Field(90.0, ge=10.0, le=360.0)
    stroke_deg: float = Field(90.0, ge=10.0, le=180.0)
    start_s: float = Field(1.0, ge=0.0, le=86400.0)
    repeats: int = Field(1, ge=1, le=100_000)
    pause_s: float = Field(2.0, ge=0.1, le=86400.0)


class Arm:
    """The bar at its strokes. Its first stroke sweeps to the left of the line that it is centred on."""

    def __init__(self, spec: ArmSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name = spec.name
        self._stroke, self._speed = math.radians(spec.stroke_deg), math.radians(spec.turn_deg_s)
        # A stroke too short for its ramps is made slower.
        self._speed = min(self._speed, self._stroke / RAMP_S)
        self._stroke_s = float(cruise_time_s(self._stroke, self._speed, RAMP_S))
        self._start_s, self._cycle_s, self._repeats = (
            spec.start_s,
            self._stroke_s + spec.pause_s,
            spec.repeats,
        )
        end = spec.start_s + (spec.repeats - 1) * self._cycle_s + self._stroke_s
        if end > surroundings.duration_s:
            raise BadInput(
                f"movers.{spec.name}: {spec.repeats} strokes from start_s = {spec.start_s:g} end at {end:.1f} s, after "
                f"the trial of {surroundings.duration_s:g} s"
            )
        reach = math.hypot(LENGTH_M, SIDE_M / 2)
        self._pivot_m = find_spot(
            spec, surroundings, rng, height_m=spec.height_m, wall_m=reach + 0.05, device_m=reach + 0.15
        )
        towards = bearing_to_device(self._pivot_m, surroundings)
        self._middle = towards + (math.pi / 2 if spec.plane == "radial" else 0.0)
        self._device_m = surroundings.device_m
        self.top_speed_m_s = self._speed * reach
        self.pose_rate_hz = 250.0

    def angle(self, time_s: Array) -> Array:
        """Azimuth of the bar in rad at these moments (T,)."""
        number = np.clip(np.floor((time_s - self._start_s) / self._cycle_s), 0, self._repeats - 1)
        gone = cruise(time_s - self._start_s - number * self._cycle_s, self._stroke, self._speed, RAMP_S)
        back = number % 2 == 1
        return self._middle - self._stroke / 2 + np.where(back, self._stroke - gone, gone)

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        time = np.asarray(time_s, dtype=np.float64)
        angle = self.angle(time)
        zero, one = np.zeros_like(angle), np.ones_like(angle)
        along = np.stack([np.cos(angle), np.sin(angle), zero], axis=-1)
        across = np.stack([-np.sin(angle), np.cos(angle), zero], axis=-1)
        up = np.stack([zero, zero, one], axis=-1)
        middle = self._pivot_m + 0.5 * LENGTH_M * along
        # Each face: its outward normal, its distance from the middle, its two edges.
        faces = [
            (sign * normal, offset, first, second)
            for normal, offset, first, second in (
                (along, LENGTH_M / 2, across * SIDE_M, up * SIDE_M),
                (across, SIDE_M / 2, along * LENGTH_M, up * SIDE_M),
                (up, SIDE_M / 2, along * LENGTH_M, across * SIDE_M),
            )
            for sign in (1.0, -1.0)
        ]
        centre = np.stack([middle + offset * normal for normal, offset, _, _ in faces])
        normal = np.stack([face[0] for face in faces])
        return (
            Facets(
                centre_m=centre,
                edge_u_m=np.stack([face[2] for face in faces]),
                edge_v_m=np.stack([face[3] for face in faces]),
                reflection=in_sight(centre, normal, self._device_m),
            ),
        )

    def truth(self) -> tuple[Event, ...]:
        """A minor motion for each stroke."""
        onsets = self._start_s + self._cycle_s * np.arange(self._repeats)
        return tuple(Event(float(onset), float(onset + self._stroke_s), MINOR) for onset in onsets)

    def blockers(self, time_s: Array) -> None:
        return None


def in_sight(centre_m: Array, normal: Array, device_m: Array) -> Array:
    """1 for a face of a closed body that looks at the device, 0 for one that looks away, (F, T).

    Facets reflect on both sides, so the far side of a body has to be taken out. The step is spread over GRAZING of the
    cosine, where a face returns next to nothing. Sight is along the direct path, for all images.
    """
    away = device_m - centre_m
    cosine = np.einsum("...i,...i->...", normal, away) / np.linalg.norm(away, axis=-1)
    share = np.clip(0.5 + 0.5 * cosine / GRAZING, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def make(spec: ArmSpec, surroundings: Surroundings, rng: np.random.Generator) -> Arm:
    """Raises BadInput when the arm does not fit the room, the device or the trial."""
    return Arm(spec, surroundings, rng)
