"""A fan below the ceiling: large, slow, its lines closer together than a detector's bins.

60 to 200 rpm at 1.3 m: tips at 4 to 14 m/s, up to +/-0.8 to 2.7 kHz at 34 kHz, lines 3 to 17 Hz apart.
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

DEVICE_CLEAR_M = 0.1


class CeilingFanSpec(SpotSpec):
    """A ceiling fan; its place is that of the hub.

    drop_m: of the blades below the ceiling, 0.15 to 0.8. diameter_m: 0.6 to 1.6. blades: 3 to 6. chord_m: 0.08 to 0.18.
    pitch_deg: 6 to 25. rpm: 40 to 300. loss_db: of the blades' face, 0 to 10. run: see `RunSpec`.
    """

    kind: Literal["ceiling_fan"]
    drop_m: float = Field(0.3, ge=0.15, le=0.8)
    diameter_m: float = Field(1.3, ge=0.6, le=1.6)
    blades: int = Field(5, ge=3, le=6)
    chord_m: float = Field(0.13, ge=0.08, le=0.18)
    pitch_deg: float = Field(12.0, ge=6.0, le=25.0)
    rpm: float = Field(120.0, ge=40.0, le=300.0)
    loss_db: float = Field(1.0, ge=0.0, le=10.0)
    run: RunSpec = RunSpec()


def make(spec: CeilingFanSpec, surroundings: Surroundings, rng: np.random.Generator) -> Fan:
    """The fan in its room. Raises BadInput when the room is too small for it or the device is among its blades."""
    radius = 0.5 * spec.diameter_m
    height = surroundings.size_m[2] - spec.drop_m
    device = np.asarray(surroundings.device_m)
    place = find_spot(spec, surroundings, rng, height_m=height, wall_m=radius + 0.05, device_m=DEVICE_CLEAR_M)
    if (
        np.hypot(*(device - place)[:2]) < radius + DEVICE_CLEAR_M
        and abs(device[2] - height) < DEVICE_CLEAR_M + 0.1
    ):
        raise BadInput(
            f"movers.{spec.name}: its blades would sweep over the device at {device.round(2).tolist()}"
        )
    rotor = Spinning(
        blades=flat_blades(
            spec.blades,
            0.15,
            radius,
            spec.chord_m,
            spec.chord_m,
            math.radians(spec.pitch_deg),
            loss_db=spec.loss_db,
        ),
        run=drawn_run(spec.run, spec.rpm, rng),
        pivot_m=place,
        offset_m=0.0,
        bearing_rad=0.0,
        tilt_rad=-0.5 * math.pi,
    )
    return Fan(spec.name, rotor)
