"""Where a loudspeaker sends a tone above hearing: amplitude over the cosine of the angle to its axis.

A pattern is a table (K,) over cosines equally spaced from -1 to +1, 1 on the axis, real: lobes alternate in sign.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

from lab.errors import BadInput

Array = NDArray[np.float64]
COSINES = 1025
# Behind a small enclosure; an assumption, to be swept.
REAR = 0.1
# A cone above its break-up, at 30 to 40 kHz; an assumption (no published balloon was found).
LOBED_INDEX_DB = (5.0, 15.0)


FRONT, BEHIND = 0.2, -0.6  # cosines between which the shade of a housing sets in


def cosines() -> Array:
    return np.linspace(-1.0, 1.0, COSINES)


def omni() -> Array:
    return np.ones(COSINES)


def piston(ka: float, rear: float = REAR) -> Array:
    """Rigid piston in a baffle, 2 J1(x) / x with x = ka sin(angle), and `rear` of it behind (cosine below -0.3).

    ka: wavenumber times radius, above 0; 11 to 16 for 41 to 64 mm at 34 kHz. rear: 0 to 1. In front exact at the table's
    cosines; read between them by straight lines, within 4e-3 up to ka = 20.
    """
    if not ka > 0.0:
        raise BadInput(f"ka = {ka:g}: wavenumber times radius of a piston is above 0")
    c = cosines()
    x = np.maximum(ka * np.sqrt(np.maximum(1.0 - c * c, 0.0)), 1e-9)
    return 2.0 * j1(x) / x * _shade(c, rear)


def lobed(rng: np.random.Generator, index_db: float, ka: float = 13.0, rear: float = REAR) -> Array:
    """A cone that breaks up: the main lobe of a piston over random lobes, as strong as the directivity index asks.

    index_db: 5 to 15, met exactly. ka: width of all lobes, at least 8, so that a piston would be sharper than asked.
    """
    low, high = LOBED_INDEX_DB
    if not low <= index_db <= high:
        raise BadInput(
            f"index_db = {index_db:g}: the directivity index of a lobed loudspeaker is {low:g} to {high:g} dB"
        )
    if not ka >= 8.0:
        raise BadInput(f"ka = {ka:g}: a lobed loudspeaker is at least 8")
    c = cosines()
    main = np.where(ka * np.sqrt(np.maximum(1.0 - c * c, 0.0)) < 3.8317, piston(ka, rear), 0.0) * (c > 0.0)
    orders = np.arange(1, math.ceil(ka))
    lobes = np.cos(np.arccos(c)[:, None] * orders) @ rng.standard_normal(len(orders))
    lobes *= (1.0 - main) * _shade(c, rear)
    main[-1], lobes[-1] = 1.0, 0.0
    # Mean square of main + g lobes = 10^(-index / 10), solved for the positive g.
    square, cross = _mean(lobes * lobes), _mean(main * lobes)
    lack = 10.0 ** (-index_db / 10.0) - _mean(main * main)
    return main + (-cross + math.sqrt(cross * cross + square * lack)) / square * lobes


def housing(rear_db: float) -> Array:
    """A microphone in the top of a housing: 1 in front, rear_db less behind, a raised cosine over the cosine from FRONT to BEHIND.

    rear_db: 0 (alike everywhere) to 30. The port of about 1 mm is small against 10 mm of wavelength; what has a direction is the
    shade of a housing some wavelengths wide (a prior, nobody seems to have published one at 34 kHz).
    """
    if not 0.0 <= rear_db <= 30.0:
        raise BadInput(f"rear_db = {rear_db:g}: what a housing takes from behind is 0 to 30 dB")
    part = np.clip((FRONT - cosines()) / (FRONT - BEHIND), 0.0, 1.0)
    rear = 10.0 ** (-rear_db / 20.0)
    return 1.0 - (1.0 - rear) * 0.5 * (1.0 - np.cos(np.pi * part))


def directivity_index_db(pattern: Array) -> float:
    """10 log10 of the intensity on the axis over its mean over all directions."""
    return -10.0 * math.log10(_mean(np.square(pattern)) / pattern[-1] ** 2)


def _mean(values: Array) -> float:
    """Over the sphere: equal steps of the cosine are equal solid angles."""
    return float(np.trapezoid(values, dx=1.0 / (len(values) - 1)))


def _shade(cosine: Array, rear: float) -> Array:
    """1 in front, `rear` behind, a smooth step between the cosines 0 and -0.3."""
    step = np.clip(1.0 + cosine / 0.3, 0.0, 1.0)
    return rear + (1.0 - rear) * step * step * (3.0 - 2.0 * step)
