"""A room: what a scenario asks for, and the calibrated room that gives it.

`calibrate` solves the absorption of each octave so that the Schroeder reverberation time, averaged over
positions, is the one asked for. The air's part comes from ISO 9613-1 and is left alone.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lab.acoustics.cache import DiskCache, content_key
from lab.acoustics.calibration import Walls, measure, solve
from lab.acoustics.shoebox import Climate, Shoebox
from lab.spec import Spec

WALLS = ("west", "east", "south", "north", "floor", "ceiling")
Edge = Annotated[float, Field(ge=1.5, le=30.0)]


class MaterialsSpec(Spec):
    """Materials by pyroomacoustics name: absorption of the four walls, the floor and the ceiling."""

    walls: str
    floor: str
    ceiling: str

    @model_validator(mode="after")
    def _known(self) -> Self:
        for key in ("walls", "floor", "ceiling"):
            _check_material(key, getattr(self, key))
        return self


class RoomSpec(Spec):
    """A rectangular room.

    size_m: x, y, z, each 1.5 to 30 m. Exactly one of rt60_s (0.1 to 2 s, the same in the octaves 250 Hz to
    4 kHz) and materials. bank: distinct rooms per cell; they differ in how absorption is spread over the
    walls and in scattering. placements: distinct placements per room.
    """

    size_m: Annotated[tuple[Edge, Edge, Edge], Field(strict=False)]
    rt60_s: float | None = Field(None, ge=0.1, le=2.0)
    materials: MaterialsSpec | None = None
    bank: int = Field(40, ge=1, le=100_000)
    placements: int = Field(4, ge=1, le=100_000)
    temperature_c: float = Field(20.0, ge=-20.0, le=50.0)
    humidity_percent: float = Field(50.0, ge=10.0, le=100.0)
    pressure_kpa: float = Field(101.325, ge=60.0, le=110.0)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.rt60_s is None) == (self.materials is None):
            raise ValueError("a room needs exactly one of rt60_s and materials")
        return self

    @property
    def climate(self) -> Climate:
        return Climate(self.temperature_c, self.humidity_percent, self.pressure_kpa)


@dataclass(frozen=True, eq=False)
class CalibratedRoom:
    """A room whose reverberation is known.

    absorption: energy absorption (6 walls as in WALLS, 7 octaves as in OCTAVES_HZ). scattering: same shape.
    rt60_s: (7,) as read from impulse responses, mean over the positions of the calibration. id: hash of all that matters.
    """

    size_m: tuple[float, float, float]
    absorption: NDArray[np.float64]
    scattering: NDArray[np.float64]
    climate: Climate
    seed: int
    rt60_s: NDArray[np.float64]
    id: str

    @property
    def shoebox(self) -> Shoebox:
        return Shoebox(self.size_m, self.absorption, self.scattering, self.climate)

    @property
    def volume_m3(self) -> float:
        return math.prod(self.size_m)


def calibrate(spec: RoomSpec, seed: int, cache: DiskCache | None = None) -> CalibratedRoom:
    """The room of this spec and seed, with the reverberation time it asks for.

    seed: 0 to 2**63 - 1; one seed, one room. Raises BadInput when no wall can give the asked time.
    """
    key = content_key("room", **_identity(spec), seed=seed)
    stored = cache.get(key) if cache is not None else None
    if stored is None:
        stored = vars(_walls(spec, seed))
        if cache is not None:
            cache.put(key, **stored)
    return CalibratedRoom(
        size_m=spec.size_m,
        absorption=stored["absorption"],
        scattering=stored["scattering"],
        climate=spec.climate,
        seed=seed,
        rt60_s=stored["rt60_s"],
        id=key[:16],
    )


def _identity(spec: RoomSpec) -> dict[str, object]:
    """Everything of a spec that changes the room; bank and placements do not."""
    return spec.model_dump(exclude={"bank", "placements"})


def _walls(spec: RoomSpec, seed: int) -> Walls:
    if spec.materials is not None:
        return measure(spec.size_m, spec.climate, *_material_walls(spec.materials), seed)
    assert spec.rt60_s is not None
    return solve(spec.size_m, spec.climate, spec.rt60_s, seed)


def _materials_table() -> dict[str, dict]:
    from pyroomacoustics.parameters import materials_absorption_table

    return materials_absorption_table


def _check_material(key: str, name: str) -> None:
    table = _materials_table()
    if name in table:
        return
    near = difflib.get_close_matches(name, table, n=3)
    hint = f"did you mean {', '.join(map(repr, near))}?" if near else f"there are: {', '.join(sorted(table))}"
    raise ValueError(f"materials.{key} = {name!r} is not a material of pyroomacoustics; {hint}")


def _material_walls(materials: MaterialsSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = _materials_table()
    rows = []
    for name in [materials.walls] * 4 + [materials.floor, materials.ceiling]:
        coefficients = list(table[name]["coeffs"])
        # Data often stop at 4 kHz; the last value holds above.
        rows.append((coefficients + [coefficients[-1]] * 7)[:7])
    return np.clip(np.asarray(rows), 0.0, 0.99), np.full((6, 7), 0.1)
