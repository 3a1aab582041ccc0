"""What a scenario says of the room above hearing, beside what stands and moves in it."""

from __future__ import annotations

from pydantic import Field

from lab.acoustics.ultrasonic.boundaries import Furnishing
from lab.acoustics.ultrasonic.turbulence import AirSpec
from lab.acoustics.ultrasonic.unit import UnitSpec
from lab.spec import Spec


class UltrasoundSpec(Spec):
    """The `[ultrasound]` table of a scenario.

    furnishing: what covers the walls, see `boundaries`. image_order: reflections traced per side, 3 to 6; the rest of the
    energy is a tail of random images. air: how it moves and warms. unit: how this unit differs from the drawing.
    wall_loss_db: of a wall, one way, for movers outside. lift_emission_limit: a person allows more than 100 dB SPL at 0.3 m.
    """

    furnishing: Furnishing = "mixed"
    image_order: int = Field(3, ge=3, le=6)
    air: AirSpec = AirSpec()
    unit: UnitSpec = UnitSpec()
    wall_loss_db: float = Field(45.0, ge=20.0, le=120.0)
    lift_emission_limit: bool = False
