"""The base of everything a scenario or device file may say.

A spec stands beside the physics it configures (`lab/acoustics/room.py` holds `RoomSpec`) and holds
concrete values only. Distributions and sweeps are resolved before a spec is built; see
`lab/scenario`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Strict, frozen, and closed: an unknown key is an error, a string is never a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
