"""Solving the walls of a room for its reverberation time.

Absorption of wall w in octave b is 1 - exp(-a_b s_w): shares s_w are drawn, exponents a_b are solved by a
secant on ln T over ln a. Each step traces energy, not sound, at some positions; the draws of a step are those of
the one before, so that the answer is smooth in a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.rt60 import CALIBRATED_HZ, OCTAVES_HZ, decay_db, fit_rt60_s
from lab.acoustics.shoebox import HISTOGRAM_S, Climate, Shoebox, energy_histogram, trace
from lab.errors import BadInput

PROMISED = [OCTAVES_HZ.index(octave) for octave in CALIBRATED_HZ]  # 125 Hz and 8 kHz follow as air allows
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


@dataclass(frozen=True, eq=False)
class Walls:
    """absorption, scattering: (6, 7), see `Shoebox`. rt60_s: (7,) as read from impulse responses."""

    absorption: NDArray[np.float64]
    scattering: NDArray[np.float64]
    rt60_s: NDArray[np.float64]


def solve(size_m: tuple[float, float, float], climate: Climate, rt60_s: float, seed: int) -> Walls:
    """Walls that give a room the same reverberation time in every octave.

    seed: 0 to 2**63 - 1; draws how absorption is spread over the walls, and the scattering. Raises BadInput
    when no walls can give the asked time between 250 Hz and 4 kHz.
    """
    rng = np.random.default_rng(seed)
    target_s = rt60_s - READING_S
    areas = _wall_areas(size_m)
    share = np.exp(WALL_SPREAD * rng.standard_normal(6))
    share /= np.average(share, weights=areas)
    scattering = np.full((6, 7), rng.uniform(*SCATTERING))
    pairs = measuring_positions(size_m, rt60_s, rng, SOURCES, MICROPHONES)
    speed = climate.speed_m_s
    air_per_s = speed * climate.energy_per_m(OCTAVES_HZ)
    # Eyring's formula, solved for the exponent of the mean wall.
    exponent = (math.log(1e6) / target_s - air_per_s) * 4.0 * math.prod(size_m) / (speed * areas.sum())
    exponent = np.clip(exponent, *EXPONENT)
    slope = np.full(7, -1.0)  # of ln T over ln exponent, per octave
    previous: tuple[NDArray, NDArray] | None = None
    best = (math.inf, exponent, exponent)
    for _ in range(PASSES):
        box = Shoebox(size_m, _walls(exponent, share), scattering, climate)
        traced = _traced_rt60(box, pairs, HEARD * target_s, seed)
        missing = np.log(target_s / traced)
        worst = float(np.abs(missing[PROMISED]).max())
        best = min(best, (worst, exponent, traced), key=lambda found: found[0])
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
    reached_s = traced + READING_S
    _check_reached(size_m, climate, rt60_s, reached_s)
    return Walls(_walls(exponent, share), scattering, reached_s)


def measure(
    size_m: tuple[float, float, float], climate: Climate, absorption: NDArray, scattering: NDArray, seed: int
) -> Walls:
    """Given walls with the reverberation time they make; nothing is solved."""
    box = Shoebox(size_m, absorption, scattering, climate)
    guess_s = _eyring_s(box)
    rng = np.random.default_rng(seed)
    pairs = measuring_positions(size_m, float(np.median(guess_s)), rng, SOURCES, MICROPHONES)
    traced = _traced_rt60(box, pairs, 2.0 * float(guess_s.max()), seed)
    return Walls(absorption, scattering, traced + READING_S)


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


def _walls(exponent: NDArray, share: NDArray) -> NDArray[np.float64]:
    """Absorption (6, 7) of walls that divide the exponents of the octaves (7,) by their shares (6,)."""
    return 1.0 - np.exp(-exponent[None, :] * share[:, None])


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


def _check_reached(
    size_m: tuple[float, float, float], climate: Climate, rt60_s: float, reached_s: NDArray
) -> None:
    worst = max(PROMISED, key=lambda band: abs(math.log(reached_s[band] / rt60_s)))
    if abs(reached_s[worst] / rt60_s - 1.0) < ACCEPTED:
        return
    size = " x ".join(f"{edge:g}" for edge in size_m)
    bound = "shortest" if reached_s[worst] > rt60_s else "longest"
    raise BadInput(
        f"room.rt60_s = {rt60_s:g} cannot be had in a room of {size} m at {climate.temperature_c:g} C and "
        f"{climate.humidity_percent:g} %: the {bound} at {OCTAVES_HZ[worst]:g} Hz is {reached_s[worst]:.2f} s"
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
