"""Every kind of mover, by the name a scenario gives it. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from lab.movers import (
    arm,
    ceiling_fan,
    curtain,
    door,
    insect,
    linear_stage,
    pedestal_fan,
    pet,
    point,
    robot_vacuum,
    seated,
    swing,
    tower_fan,
    vibration,
    walker,
)
from lab.movers.mover import Mover, Surroundings
from lab.spec import Spec

MoverSpec = Annotated[
    arm.ArmSpec
    | ceiling_fan.CeilingFanSpec
    | curtain.CurtainSpec
    | door.DoorSpec
    | insect.InsectSpec
    | linear_stage.LinearStageSpec
    | pedestal_fan.PedestalFanSpec
    | pet.PetSpec
    | point.PointSpec
    | robot_vacuum.RobotVacuumSpec
    | seated.SeatedSpec
    | swing.SwingSpec
    | tower_fan.TowerFanSpec
    | vibration.VibrationSpec
    | walker.WalkerSpec,
    Field(discriminator="kind"),
]
_MAKERS: dict[type[Spec], Callable[[Any, Surroundings, np.random.Generator], Mover]] = {
    arm.ArmSpec: arm.make,
    ceiling_fan.CeilingFanSpec: ceiling_fan.make,
    curtain.CurtainSpec: curtain.make,
    door.DoorSpec: door.make,
    insect.InsectSpec: insect.make,
    linear_stage.LinearStageSpec: linear_stage.make,
    pedestal_fan.PedestalFanSpec: pedestal_fan.make,
    pet.PetSpec: pet.make,
    point.PointSpec: point.make,
    robot_vacuum.RobotVacuumSpec: robot_vacuum.make,
    seated.SeatedSpec: seated.make,
    swing.SwingSpec: swing.make,
    tower_fan.TowerFanSpec: tower_fan.make,
    vibration.VibrationSpec: vibration.make,
    walker.WalkerSpec: walker.make,
}


def make_mover(spec: Spec, surroundings: Surroundings, rng: np.random.Generator) -> Mover:
    """The mover of a spec in its room. Raises BadInput, naming `movers.NAME.key`, for what does not fit there."""
    return _MAKERS[type(spec)](spec, surroundings, rng)
