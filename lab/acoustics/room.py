"""Rooms."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from lab.spec import Spec

Side = Annotated[float, Field(ge=1.0, le=50.0)]


class Materials(Spec):
    """Names of pyroomacoustics' table of materials."""

    walls: str
    floor: str
    ceiling: str


class RoomSpec(Spec):
    """A rectangular room, its reverberation, its climate, and how many of it there are.

    size_m: x, y, z. rt60_s: wanted reverberation time, or `materials`. bank: distinct rooms per cell.
    placements: distinct placements per room. pressure_kpa: air pressure.
    """

    size_m: tuple[Side, Side, Side]
    rt60_s: float | None = Field(None, ge=0.1, le=3.0)
    materials: Materials | None = None
    bank: int = Field(40, ge=1, le=10_000)
    placements: int = Field(4, ge=1, le=1_000)
    temperature_c: float = Field(20.0, ge=-20.0, le=50.0)
    humidity_percent: float = Field(50.0, ge=10.0, le=100.0)
    pressure_kpa: float = Field(101.325, ge=60.0, le=110.0)

    @model_validator(mode="after")
    def _one_reverberation(self) -> Self:
        if (self.rt60_s is None) == (self.materials is None):
            raise ValueError("exactly one of rt60_s, materials")
        return self
