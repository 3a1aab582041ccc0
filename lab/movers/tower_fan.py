"""A tower fan: a drum of narrow slats behind a grille, which passes so many of them a second that its lines lie above a person's band.

1500 rpm x 30 slats = 750 Hz. All slats are seen at once: what the housing and the slats in front hide is only in `loss_db`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from lab.errors import BadInput
from lab.movers.blades import Fan, RunSpec, Spinning, drawn_run, drum
from lab.movers.mover import Surroundings
from lab.movers.spot import SpotSpec, find_spot


class TowerFanSpec(SpotSpec):
    """A tower fan; its place is that of the middle of the drum.

    base_m: lower end of the drum, 0.05 to 1. length_m: of the drum, 0.3 to 1. diameter_m: of the drum, 0.06 to 0.16. slats: 16 to 48.
    slat_m: their depth, 8 to 25 mm. pitch_deg: against the radius, 20 to 70. rpm: 600 to 2000. loss_db: of grille and housing, both
    ways, 0 to 25. run: see `RunSpec`.
    """

    kind: Literal["tower_fan"]
    base_m: float = Field(0.25, ge=0.05, le=1.0)
    length_m: float = Field(0.6, ge=0.3, le=1.0)
    diameter_m: float = Field(0.1, ge=0.06, le=0.16)
    slats: int = Field(30, ge=16, le=48)
    slat_m: float = Field(0.014, ge=0.008, le=0.025)
    pitch_deg: float = Field(45.0, ge=20.0, le=70.0)
    rpm: float = Field(1500.0, ge=600.0, le=2000.0)
    loss_db: float = Field(6.0, ge=0.0, le=25.0)
    run: RunSpec = RunSpec()


def make(spec: TowerFanSpec, surroundings: Surroundings, rng: np.random.Generator) -> Fan:
    """The fan in its room. Raises BadInput when it does not fit."""
    top = spec.base_m + spec.length_m
    if top > surroundings.size_m[2]:
        raise BadInput(
            f"movers.{spec.name}.length_m = {spec.length_m:g}: a drum from {spec.base_m:g} m on ends above the ceiling"
        )
    place = find_spot(
        spec, surroundings, rng, height_m=0.5 * (spec.base_m + top), wall_m=0.6 * spec.diameter_m + 0.02,
        device_m=spec.diameter_m + 0.15,
    )  # fmt: skip
    rotor = Spinning(
        blades=drum(
            spec.slats,
            0.5 * spec.diameter_m,
            spec.length_m,
            spec.slat_m,
            math.radians(spec.pitch_deg),
            spec.loss_db,
        ),
        run=drawn_run(spec.run, spec.rpm, rng),
        pivot_m=place,
        offset_m=0.0,
        bearing_rad=0.0,
        tilt_rad=0.5 * math.pi,
    )
    return Fan(spec.name, rotor)
