"""A fan on a stand or a desk, its head fixed or swinging.

700 to 1200 rpm at 0.4 m: tips at 15 to 25 m/s, +/-2.5 to 5 kHz times the sine of the angle between axis and device at 34 kHz, in
lines at multiples of the blade passing frequency. On its axis nothing moves towards the device.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from lab.errors import BadInput
from lab.movers.blades import Fan, RunSpec, Spinning, drawn_run, flat_blades
from lab.movers.mover import Surroundings
from lab.movers.spot import SpotSpec, find_spot

DEVICE_CLEAR_M = 0.15


class PedestalFanSpec(SpotSpec):
    """A pedestal or desk fan; its place is that of the stand's axis, at the height of the hub.

    height_m: of the hub, 0.15 to 1.8. view_deg: from the direction of the device to the fan's axis, seen from above, at the middle of
    the swing, -180 to 180 (0 blows at the device). tilt_deg: upwards, -20 to 30. diameter_m: 0.1 to 0.6. blades: 2 to 7. pitch_deg: of the
    middle of a blade, 10 to 45. rpm: 200 to 2500. oscillation_deg: to each side, 0 for a fixed head, up to 60. oscillation_s: there and
    back, 4 to 30. loss_db: of the guard and the plastic, both ways, 0 to 15. run: see `RunSpec`.
    """

    kind: Literal["pedestal_fan"]
    height_m: float = Field(1.1, ge=0.15, le=1.8)
    view_deg: float = Field(20.0, ge=-180.0, le=180.0)
    tilt_deg: float = Field(0.0, ge=-20.0, le=30.0)
    diameter_m: float = Field(0.4, ge=0.1, le=0.6)
    blades: int = Field(3, ge=2, le=7)
    pitch_deg: float = Field(25.0, ge=10.0, le=45.0)
    rpm: float = Field(1000.0, ge=200.0, le=2500.0)
    oscillation_deg: float = Field(0.0, ge=0.0, le=60.0)
    oscillation_s: float = Field(8.0, ge=4.0, le=30.0)
    loss_db: float = Field(1.0, ge=0.0, le=15.0)
    run: RunSpec = RunSpec()


def make(spec: PedestalFanSpec, surroundings: Surroundings, rng: np.random.Generator) -> Fan:
    """The fan in its room. Raises BadInput when it does not fit or its blades would reach the device."""
    radius = 0.5 * spec.diameter_m
    offset = 0.25 * spec.diameter_m  # of the motor before the stand
    reach = radius + offset
    if spec.height_m < radius:
        raise BadInput(
            f"movers.{spec.name}.height_m = {spec.height_m:g}: a fan of {spec.diameter_m:g} m needs at least {radius:g} m"
        )
    place = find_spot(
        spec, surroundings, rng, height_m=spec.height_m, wall_m=reach + 0.02, device_m=reach + DEVICE_CLEAR_M
    )
    towards = np.asarray(surroundings.device_m) - place
    swing = math.radians(spec.oscillation_deg)
    rotor = Spinning(
        blades=flat_blades(
            spec.blades, 0.25 * radius, radius, 0.45 * radius, 0.65 * radius, math.radians(spec.pitch_deg),
            math.radians(0.3 * spec.pitch_deg), loss_db=spec.loss_db,
        ),
        run=drawn_run(spec.run, spec.rpm, rng),
        pivot_m=place,
        offset_m=offset,
        bearing_rad=math.atan2(towards[1], towards[0]) + math.radians(spec.view_deg),
        tilt_rad=math.radians(spec.tilt_deg),
        head_rad=(-swing, swing),
        head_period_s=spec.oscillation_s if swing > 0.0 else 0.0,
        head_phase_rad=rng.uniform(0.0, 2.0 * math.pi),
    )  # fmt: skip
    return Fan(spec.name, rotor)
