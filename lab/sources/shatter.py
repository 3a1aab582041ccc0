"""Pieces of something brittle: what they sound like as they part, fall, land and bounce.

A piece is a free plate of side s: its first resonance is 3360 m/s h / s^2 for glass (see `lab.sources.modal`), so pieces of 4 mm glass
ring from 1.3 kHz (10 cm) to 15 kHz (3 cm). Where even that lies too high, what is heard of a piece is the jerk of its
contact, a click. It radiates as a plate of radius a = s / 2, which below k a = 1 short-circuits itself:
p ~ s^2 f v (k a)^2 / (1 + (k a)^2). A piece that lets go at height z lands after sqrt(2 z / g) with sqrt(2 g z) and bounces back with the
speed times e. Landing on the floor, it shakes that too.

After the surrogate that C. Zheng and J. G. James (Rigid-Body Fracture Sound with Precomputed Soundbanks, SIGGRAPH 2010) compute in full:
rigid pieces, modal, many. Numbers of pieces and loss factors are engineering choices within the ranges said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.sources.modal import FREE_PLATE, RATE_HZ, TOP_HZ, strike

GRAVITY = 9.81
SPEED_M_S = 343.0
BOUNCES = 3
KNOCKS = 6  # of a piece with others while the pane comes apart
LEAST_FALL_M = 0.05

# Time of contact of a small hard piece in s, resonances of the floor in Hz and their decay in s, how loud the floor is.
FLOORS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float], float]] = {
    "tile": ((30e-6, 80e-6), (120.0, 900.0), (0.004, 0.012), 0.02),
    "wood": ((60e-6, 180e-6), (70.0, 500.0), (0.010, 0.035), 0.08),
    "carpet": ((0.4e-3, 1.5e-3), (50.0, 250.0), (0.008, 0.02), 0.10),
}


@dataclass(frozen=True)
class Brittle:
    """What breaks. bending_m_s: c_B / h = sqrt(E / (12 rho (1 - nu^2))). loss: loss factor of a free piece, lowest and highest."""

    bending_m_s: float
    loss: tuple[float, float]


GLASS = Brittle(1566.0, (0.0012, 0.008))  # E 70 GPa, 2500 kg/m^3, nu 0.22
CERAMIC = Brittle(1440.0, (0.006, 0.03))  # stoneware: E 55 GPa, 2300 kg/m^3, nu 0.2; glaze and pores damp it


@dataclass(frozen=True)
class Pieces:
    """thickness_m: of the plate. count: of pieces that are heard. side_m: median side, sides are log-normal. spread: of ln(side). fall_m: lowest
    and highest place they fall from. parting_s: mean time over which they part. late: share that lets go only within the
    next `late_s`. damping: times the loss of free pieces, for those held by a foil.
    """

    thickness_m: float
    count: int
    side_m: float
    spread: float
    fall_m: tuple[float, float]
    parting_s: float
    late: float
    late_s: float
    damping: float = 1.0


def shatter(
    made_of: Brittle, pieces: Pieces, floor: str, seconds: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pieces parting, pieces landing, and the floor under them: float64 (seconds * 48 kHz,), each in a unit of its own."""
    n = pieces.count
    side = np.clip(pieces.side_m * np.exp(pieces.spread * rng.standard_normal(n)), 0.006, 0.35)
    first_hz = 13.5 / (2.0 * np.pi) * made_of.bending_m_s * pieces.thickness_m / side**2
    hz = first_hz[:, None] * FREE_PLATE * np.exp(0.06 * rng.standard_normal((n, len(FREE_PLATE))))
    loss = pieces.damping * np.exp(rng.uniform(*np.log(made_of.loss), (n, 1)))
    tau = 1.0 / (np.pi * hz * loss)
    clicks = first_hz > 0.7 * TOP_HZ
    hz[clicks] = np.exp(rng.uniform(np.log(2500.0), np.log(TOP_HZ), (int(clicks.sum()), len(FREE_PLATE))))
    tau[clicks] = np.exp(rng.uniform(np.log(1e-4), np.log(1.5e-3), (int(clicks.sum()), len(FREE_PLATE))))
    ka = np.pi * hz / SPEED_M_S * side[:, None]
    radiated = side[:, None] ** 2 * hz * ka**2 / (1.0 + ka**2)

    let_go = rng.exponential(pieces.parting_s, n)
    late = rng.random(n) < pieces.late
    let_go[late] += rng.uniform(0.0, pieces.late_s, int(late.sum()))
    fall = np.maximum(LEAST_FALL_M, rng.uniform(*pieces.fall_m, n))
    speed = np.sqrt(2.0 * GRAVITY * fall)
    landed = let_go + np.sqrt(2.0 * fall / GRAVITY)
    springy = rng.uniform(0.08, 0.45, n)

    parting, landing, ground = np.zeros((3, round(seconds * RATE_HZ)))
    contact, floor_hz, floor_tau, loud = FLOORS[floor]
    soft = np.exp(rng.uniform(*np.log(contact), n))
    modes = rng.uniform(*floor_hz, 6), np.exp(rng.uniform(*np.log(floor_tau), 6)), rng.standard_normal(6)

    def hit(out: NDArray, at_s: NDArray, contact_s: NDArray, v_m_s: NDArray) -> None:
        strike(out, at_s, contact_s, hz, tau, radiated * v_m_s[:, None] * rng.choice((-1.0, 1.0), hz.shape))

    # Pieces knock against each other as they part, edge to edge, ever more gently.
    for knock in range(KNOCKS):
        at_s = let_go if knock == 0 else rng.exponential(pieces.parting_s, n)
        hit(parting, at_s, np.exp(rng.uniform(*np.log((30e-6, 150e-6)), n)), rng.lognormal(0.0, 0.25, n))
    for _ in range(1 + BOUNCES):
        hit(landing, landed, soft, speed)
        weight = (side / 0.05) ** 2 * speed * loud
        strike(ground, landed, 10.0 * soft, modes[0], modes[1], weight[:, None] * modes[2])
        speed = speed * springy
        landed = landed + 2.0 * speed / GRAVITY
    return parting, landing, ground
