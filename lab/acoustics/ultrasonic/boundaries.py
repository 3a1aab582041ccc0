"""What walls and furnishing reflect above hearing: an assumption, drawn per room.

    R = sqrt(1 - absorption) exp(-2 (k sigma cos)^2)

sigma is the roughness (rms); what it scatters is lost to the images. The angle is that of a diffuse field, mean cos^2 = 1/2.
No measured absorption of room materials at 30 to 45 kHz was found; tables end at 4 to 8 kHz. The ranges go on from those
(glass 0.02 to 0.03, plasterboard 0.05, wooden door 0.10, carpet 0.25 to 0.80, curtain 0.36 to 1, upholstery 0.5 to 0.81 at
8 kHz) and are to be swept, not trusted. Transmission through drywall is negligible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.ultrasonic.stage import Carrier
from lab.errors import BadInput

Array = NDArray[np.float64]
Furnishing = Literal["hard", "mixed", "soft"]
# Thermo-viscous loss at a smooth rigid wall.
LEAST_ABSORPTION = 0.01


@dataclass(frozen=True)
class Material:
    """absorption: energy, range over samples of the material. roughness_mm: rms of the surface, range."""

    absorption: tuple[float, float]
    roughness_mm: tuple[float, float]


MATERIALS = {
    "glass": Material((0.02, 0.06), (0.0, 0.01)),
    "gloss_paint": Material((0.02, 0.06), (0.0, 0.05)),
    "drywall": Material((0.05, 0.15), (0.0, 0.3)),
    "wood": Material((0.08, 0.20), (0.0, 0.2)),
    "carpet": Material((0.60, 0.95), (0.5, 2.0)),
    "curtain": Material((0.60, 0.95), (0.0, 0.5)),
    "sofa": Material((0.70, 0.95), (0.0, 0.5)),
}

# What a surface is made of, and what covers 0 to this share of it: (bare, cover, largest share).
SURFACES: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...], float]]] = {
    "hard": {
        "side": (("gloss_paint", "glass", "drywall"), ("wood",), 0.2),
        "floor": (("wood", "gloss_paint"), ("carpet",), 0.0),
        "ceiling": (("gloss_paint", "drywall"), ("wood",), 0.0),
    },
    "mixed": {
        "side": (("drywall", "gloss_paint", "glass"), ("curtain", "sofa", "wood"), 0.4),
        "floor": (("wood",), ("carpet", "sofa"), 0.5),
        "ceiling": (("drywall",), ("wood",), 0.0),
    },
    "soft": {
        "side": (("drywall",), ("curtain", "sofa"), 0.6),
        "floor": (("carpet",), ("sofa",), 0.4),
        "ceiling": (("drywall",), ("wood",), 0.0),
    },
}


def reflection(absorption: ArrayLike, roughness_m: ArrayLike, carrier: Carrier) -> Array:
    """Pressure reflection of a wall. absorption: energy, 0 to 1. roughness_m: rms, 0 or more. Raises BadInput."""
    absorption, roughness = (
        np.asarray(absorption, dtype=np.float64),
        np.asarray(roughness_m, dtype=np.float64),
    )
    if not np.all((absorption >= 0.0) & (absorption <= 1.0)):
        raise BadInput(f"absorption = {absorption.tolist()}: the energy that a wall absorbs is 0 to 1")
    if not np.all(roughness >= 0.0):
        raise BadInput(f"roughness_m = {roughness.tolist()}: the roughness of a wall is 0 or more")
    # Mean of the loss's exponent over a diffuse field: cos^2 weighted by the flux cos on the wall.
    return np.sqrt(1.0 - absorption) * np.exp(-2.0 * np.square(carrier.wavenumber * roughness) / 2.0)


def draw_walls(furnishing: Furnishing, carrier: Carrier, rng: np.random.Generator) -> Array:
    """Pressure reflection of west, east, south, north, floor and ceiling, (6,), of one room.

    hard: gloss paint, glass, bare floor. mixed: some curtain, sofa, carpet. soft: much of them. Raises BadInput.
    """
    if furnishing not in get_args(Furnishing):
        raise BadInput(f"furnishing = {furnishing!r}: there are {', '.join(get_args(Furnishing))}")
    kinds = ("side", "side", "side", "side", "floor", "ceiling")
    return np.array([_draw_surface(*SURFACES[furnishing][kind], carrier, rng) for kind in kinds])


def _draw_surface(
    bare: tuple[str, ...], cover: tuple[str, ...], largest: float, carrier: Carrier, rng: np.random.Generator
) -> float:
    """Energies reflected by bare and covered parts, added by their areas."""
    share = rng.uniform(0.0, largest)
    energy = [_draw_material(str(rng.choice(names)), carrier, rng) ** 2 for names in (bare, cover)]
    return float(np.sqrt((1.0 - share) * energy[0] + share * energy[1]))


def _draw_material(name: str, carrier: Carrier, rng: np.random.Generator) -> float:
    material = MATERIALS[name]
    absorption = max(rng.uniform(*material.absorption), LEAST_ABSORPTION)
    return float(reflection(absorption, 1e-3 * rng.uniform(*material.roughness_mm), carrier))
