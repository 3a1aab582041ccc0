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
from lab.acoustics.rt60 import CALIBRATED_HZ, OCTAVES_HZ, decay_db, fit_rt60_s
from lab.acoustics.shoebox import HISTOGRAM_S, Climate, Shoebox, energy_histogram, trace
from lab.errors import BadInput
from lab.spec import Spec

WALLS = ("west", "east", "south", "north", "floor", "ceiling")
SOURCES, MICROPHONES = 8, 6  # positions of a calibration: 48
RATE_HZ = 16000  # of the calibration; absorption holds for every rate
TOLERANCE = 0.01  # of the traced decay; leaves the rest of the 10 % to other positions
ACCEPTED = 0.04
RAYS_PER_M3_S = 1.5  # times the volume, over the time followed; 48 positions share the noise
MOST_RAYS = 10_000
HEARD = 1.3  # decays are followed this many times the reverberation time
PASSES = 8
# A decay read through octave filters comes out this much longer than the traced energy's (mean of 200
# positions in four rooms, 0.2 to 0.9 s).
READING_S = 0.002
EXPONENT = (0.004, 4.6)  # a of 1 - exp(-a): a mean wall between 0.4 % and 99 %
WALL_SPREAD = 0.3  # standard deviation of ln(a) between the walls of one room
SCATTERING = (0.1, 0.25)  # less leaves flutter echoes, more spoils the energy of the early part

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
        stored = _solve(spec, seed)
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


def measuring_positions(
    size_m: tuple[float, float, float],
    rt60_s: float,
    rng: np.random.Generator,
    sources: int = 4,
    microphones: int = 3,
) -> list[tuple[NDArray, NDArray]]:
    """Source and microphone pairs as ISO 3382-2 wants them: [(source (3,), microphones (M, 3)), ...].

    Off the walls, and a microphone at least 2 sqrt(V / (c T)) from its source, so that the direct sound
    does not bend the decay. Where the room has too few such places, the farthest are taken.
    """
    size = np.asarray(size_m)
    margin = np.minimum(0.5, size / 4.0)
    nearest = 2.0 * math.sqrt(math.prod(size_m) / (343.0 * rt60_s))
    pairs = []
    for _ in range(sources):
        source = rng.uniform(margin, size - margin)
        candidates = rng.uniform(margin, size - margin, (64, 3))
        distance = np.linalg.norm(candidates - source, axis=1)
        far = np.flatnonzero(distance >= nearest)[:microphones]
        if len(far) < microphones:
            far = np.argsort(-distance)[:microphones]
        pairs.append((source, candidates[far]))
    return pairs


def _identity(spec: RoomSpec) -> dict[str, object]:
    """Everything of a spec that changes the room; bank and placements do not."""
    return spec.model_dump(exclude={"bank", "placements"})


def _solve(spec: RoomSpec, seed: int) -> dict[str, NDArray]:
    rng = np.random.default_rng(seed)
    if spec.materials is not None:
        return _of_materials(spec, spec.materials, rng, seed)
    assert spec.rt60_s is not None
    target_s = spec.rt60_s - READING_S
    areas = _wall_areas(spec.size_m)
    share = np.exp(WALL_SPREAD * rng.standard_normal(6))
    share /= np.average(share, weights=areas)
    scattering = np.full((6, 7), rng.uniform(*SCATTERING))
    pairs = measuring_positions(spec.size_m, spec.rt60_s, rng, SOURCES, MICROPHONES)
    speed = spec.climate.speed_m_s
    air_per_s = speed * spec.climate.energy_per_m(OCTAVES_HZ)
    # Eyring's formula, solved for the exponent of the mean wall.
    exponent = (math.log(1e6) / target_s - air_per_s) * 4.0 * math.prod(spec.size_m) / (speed * areas.sum())
    exponent = np.clip(exponent, *EXPONENT)
    slope = np.full(7, -1.0)  # of ln T over ln exponent, per octave
    previous: tuple[NDArray, NDArray] | None = None
    best = (math.inf, exponent, exponent)
    for _ in range(PASSES):
        box = Shoebox(spec.size_m, _walls(exponent, share), scattering, spec.climate)
        traced = _traced_rt60(box, pairs, HEARD * target_s, seed)
        missing = np.log(target_s / traced)
        best = min(best, (float(np.abs(missing).max()), exponent, traced), key=lambda found: found[0])
        if best[0] < TOLERANCE:
            break
        if previous is not None:
            moved = np.log(exponent / previous[0])
            known = np.abs(moved) > 1e-3
            slope[known] = (np.log(traced / previous[1])[known] / moved[known]).clip(-2.0, -0.3)
        previous = exponent, traced
        exponent = np.clip(exponent * np.exp(np.clip(missing / slope, -1.0, 1.0)), *EXPONENT)
        if np.array_equal(exponent, previous[0]):
            break  # every octave stands at its bound
    _, exponent, traced = best
    _check_reached(spec, traced + READING_S)
    return {
        "absorption": _walls(exponent, share),
        "scattering": scattering,
        "rt60_s": traced + READING_S,
    }


def _walls(exponent: NDArray, share: NDArray) -> NDArray[np.float64]:
    """Absorption (6, 7) of walls that divide the exponents of the octaves (7,) by their shares (6,)."""
    return 1.0 - np.exp(-exponent[None, :] * share[:, None])


def _of_materials(
    spec: RoomSpec, materials: MaterialsSpec, rng: np.random.Generator, seed: int
) -> dict[str, NDArray]:
    """A room of given materials: nothing to solve, only the reverberation to measure."""
    absorption, scattering = _material_walls(materials)
    box = Shoebox(spec.size_m, absorption, scattering, spec.climate)
    guess_s = _eyring_s(box)
    pairs = measuring_positions(spec.size_m, float(np.median(guess_s)), rng, SOURCES, MICROPHONES)
    traced = _traced_rt60(box, pairs, 2.0 * float(guess_s.max()), seed)
    return {"absorption": absorption, "scattering": scattering, "rt60_s": traced + READING_S}


def _traced_rt60(
    box: Shoebox, pairs: list[tuple[NDArray, NDArray]], duration_s: float, seed: int
) -> NDArray[np.float64]:
    """RT60 of the traced energy per octave (7,), mean over all positions.

    A decay that does not fall by 35 dB within `duration_s` counts as the time it would take if it just did.
    """
    bins = max(8, math.ceil(duration_s / HISTOGRAM_S))
    rays = min(int(RAYS_PER_M3_S * math.prod(box.size_m) / duration_s) + 100, MOST_RAYS)
    times = []
    for index, (source, microphones) in enumerate(pairs):
        room = trace(box, source, microphones, RATE_HZ, duration_s, (seed + index) % 2**63, rays)
        for energy in energy_histogram(room, bins):
            times.append([fit_rt60_s(decay_db(band), HISTOGRAM_S) for band in energy])
    return np.mean(np.nan_to_num(times, nan=duration_s * 60.0 / 35.0), axis=0)


def _check_reached(spec: RoomSpec, traced: NDArray[np.float64]) -> None:
    octaves = [OCTAVES_HZ.index(octave) for octave in CALIBRATED_HZ]
    worst = max(octaves, key=lambda band: abs(math.log(traced[band] / spec.rt60_s)))
    if abs(traced[worst] / spec.rt60_s - 1.0) < ACCEPTED:
        return
    size = " x ".join(f"{edge:g}" for edge in spec.size_m)
    bound = "shortest" if traced[worst] > spec.rt60_s else "longest"
    raise BadInput(
        f"room.rt60_s = {spec.rt60_s:g} cannot be had in a room of {size} m at {spec.temperature_c:g} C and "
        f"{spec.humidity_percent:g} %: the {bound} at {OCTAVES_HZ[worst]:g} Hz is {traced[worst]:.2f} s"
    )


def _wall_areas(size_m: tuple[float, float, float]) -> NDArray[np.float64]:
    x, y, z = size_m
    return np.array([y * z, y * z, x * z, x * z, x * y, x * y])


def _eyring_s(box: Shoebox) -> NDArray[np.float64]:
    """Reverberation time per octave by Eyring's formula with air, s."""
    areas = _wall_areas(box.size_m)
    mean = np.clip(np.average(box.absorption, axis=0, weights=areas), 0.004, 0.99)
    per_m = -np.log(1.0 - mean) * areas.sum() / (4.0 * math.prod(box.size_m))
    per_m = per_m + box.climate.energy_per_m(OCTAVES_HZ)
    return math.log(1e6) / (box.climate.speed_m_s * per_m)


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
