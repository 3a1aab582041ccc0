"""Motion stages whose controller speaks GRBL 1.1: GRBL itself, grblHAL, FluidNC."""

from __future__ import annotations

from rigs.grbl.profile import StageProfile
from rigs.grbl.protocol import SAFE_BYTES, State, Status
from rigs.grbl.stage import Stage
from rigs.profile import Instrument

INSTRUMENT = Instrument(profile=StageProfile, driver=Stage)

__all__ = ["INSTRUMENT", "SAFE_BYTES", "Stage", "StageProfile", "State", "Status"]
