"""Things at home that sound like glass and are not: crockery, keys, cutlery, pans, glasses that meet, things set down.

Each is a body with a few resonances (`lab.sources.modal`), struck several times by its fellows or a hard surface; crockery breaks as glass does,
of stoneware (`lab.sources.shatter`). No label: they are what a detector of glass must leave alone. Measured in real recordings,
energy below 0.2 / to 1 / to 3 / to 8 / to 22 kHz and time until 30 dB down: crockery breaking 3/32/34/18/6 %, 0.45 s; struck metal
1/8/61-80/15/1 %, 0.57-0.95 s; struck plastic 3-28/71-91/6/1/0 %, 0.09 s; struck wooden furniture 42/37/7/5/2 %, 0.56 s (5, 4, 3 and 5
recordings). A fork of 18 cm and 2 mm is a free bar of 320 Hz, 880 Hz, 1.7 kHz, ...
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.sources.draws import between, held_out, resonances
from lab.sources.modal import FREE_BAR, RATE_HZ, band_noise, mixed, strike
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.shatter import CERAMIC, Pieces, shatter
from lab.sources.struck import Struck, open_struck
from lab.sources.transmission import Through

Object = Literal[
    "ceramic_break", "ceramic", "keys", "cutlery", "glassware", "metal", "plastic", "wood", "mail_slot"
]


@dataclass(frozen=True)
class Body:
    """Ranges of what is struck. hz: of its resonances; lowest_hz: of the lowest, with `ratios` for a body of known shape. tau_s: decay at
    1 kHz, shorter by (1 kHz / f)^slope above. contact_s: of a blow. blows: how many; over_s: within which time. tilt: dB an octave, above
    the lowest resonance. level_db: RMS at 1 m while active.
    """

    hz: tuple[float, float]
    tau_s: tuple[float, float]
    contact_s: tuple[float, float]
    blows: tuple[int, int]
    over_s: tuple[float, float]
    level_db: tuple[float, float]
    modes: int = 12
    slope: float = 0.7
    tilt: float = -3.0
    ratios: NDArray[np.float64] | None = None


BODIES: dict[str, Body] = {
    "ceramic": Body(
        (1000.0, 9000.0),
        (0.02, 0.08),
        (0.08e-3, 0.4e-3),
        (1, 3),
        (0.05, 0.4),
        (62.0, 84.0),
        slope=0.4,
        tilt=0.0,
    ),
    "keys": Body(
        (2200.0, 18_000.0),
        (0.03, 0.10),
        (0.04e-3, 0.15e-3),
        (6, 30),
        (0.15, 1.0),
        (52.0, 72.0),
        slope=0.8,
        tilt=3.0,
    ),
    "cutlery": Body(
        (220.0, 480.0),
        (0.06, 0.25),
        (0.05e-3, 0.2e-3),
        (2, 9),
        (0.05, 0.8),
        (60.0, 84.0),
        tilt=6.0,
        ratios=FREE_BAR,
    ),
    "glassware": Body(
        (1300.0, 11_000.0),
        (0.05, 0.5),
        (0.06e-3, 0.25e-3),
        (1, 3),
        (0.05, 0.4),
        (55.0, 78.0),
        modes=8,
        tilt=1.0,
    ),
    "metal": Body(
        (850.0, 8000.0),
        (0.10, 0.3),
        (0.15e-3, 0.4e-3),
        (1, 4),
        (0.1, 0.6),
        (68.0, 92.0),
        slope=0.3,
        tilt=0.0,
    ),
    "plastic": Body(
        (200.0, 2000.0), (0.006, 0.02), (0.4e-3, 1.5e-3), (1, 3), (0.03, 0.2), (55.0, 78.0), tilt=0.0
    ),
    "wood": Body(
        (60.0, 6000.0), (0.008, 0.03), (0.15e-3, 1.2e-3), (1, 4), (0.1, 0.6), (60.0, 86.0), modes=30, tilt=1.0
    ),
}


class ImpactSpec(PlacedSpec):
    """Something that falls, breaks, is struck or jingles, without a label.

    object: ceramic_break (a plate or cup breaks), ceramic, keys, cutlery, glassware, metal (a pan), plastic, wood
    (furniture), mail_slot (a flap of sheet metal falls shut on a door, then clanks). level_db_spl: RMS while active at 1 m, 50 Hz-7 kHz;
    drawn from 80-98 for ceramic_break, 58-78 for mail_slot, else as in `BODIES`. through: a door on the way.
    """

    kind: Literal["impact"]
    object: Object
    through: Through = "air"


def open_impact(spec: ImpactSpec, *, seed: int, rate_hz: int, duration_s: float, split: str) -> SoundStream:
    """Start it for one trial; see `lab.sources.struck.open_struck`."""
    return open_struck(
        spec,
        lambda rng: draw_impact(spec, rng, split),
        seed=seed,
        rate_hz=rate_hz,
        duration_s=duration_s,
        split=split,
    )


def draw_impact(spec: ImpactSpec, rng: np.random.Generator, split: str) -> Struck:
    """One such sound, all drawn but its audio."""
    levels = {"ceramic_break": (80.0, 98.0), "mail_slot": (58.0, 78.0)}
    low, high = levels.get(spec.object) or BODIES[spec.object].level_db
    level = float(rng.uniform(low, high))
    sound = int(rng.integers(2**63))
    makers = {"ceramic_break": _crockery, "mail_slot": _mail_slot}

    def render() -> NDArray[np.float64]:
        own = np.random.default_rng(sound)
        maker = makers.get(spec.object)
        return _struck(BODIES[spec.object], own, split) if maker is None else maker(own, split)

    return Struck(render, level if spec.level_db_spl is None else spec.level_db_spl, None, spec.through)


def _struck(body: Body, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    """A body struck again and again, each time at another place, ever more gently on the whole."""
    blows = int(rng.integers(body.blows[0], body.blows[1] + 1))
    over_s = held_out(rng, split, *body.over_s)
    at = np.concatenate(([0.0], np.sort(rng.uniform(0.0, over_s, blows - 1))))
    if body.ratios is not None:  # several pieces of one make
        lowest = held_out(rng, split, *body.hz) * np.exp(0.15 * rng.standard_normal((blows, 1)))
        hz = lowest * body.ratios * np.exp(0.03 * rng.standard_normal((blows, len(body.ratios))))
    else:
        hz = resonances(rng, split, *body.hz, body.modes)
        hz = hz * np.exp(0.005 * rng.standard_normal((blows, 1)))
    tau = held_out(rng, split, *body.tau_s) * (1000.0 / hz) ** body.slope
    tau *= np.exp(0.25 * rng.standard_normal(hz.shape[1]))
    gain = 10.0 ** (body.tilt * np.log2(hz / hz.min()) / 20.0) * rng.standard_normal(hz.shape)
    gain *= (rng.lognormal(0.0, 0.4, blows) * np.exp(-1.5 * at / over_s))[:, None]
    contact = np.exp(rng.uniform(*np.log(body.contact_s), blows))
    out = np.zeros(round((over_s + min(2.5, 7.0 * float(tau.max())) + 0.05) * RATE_HZ))
    strike(out, at, contact, hz, tau, gain)
    return out


def _crockery(rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    """It lands, cracks at once, and its pieces skid and settle."""
    thickness_m = held_out(rng, split, 3e-3, 7e-3)
    pieces = Pieces(
        thickness_m,
        round(held_out(rng, split, 8.0, 50.0)),
        held_out(rng, split, 0.055, 0.14),
        0.5,
        (0.05, held_out(rng, split, 0.1, 0.5)),
        held_out(rng, split, 0.02, 0.10),
        0.1,
        0.3,
    )
    floor = str(rng.choice(("tile", "wood")))
    seconds = 1.6
    parting, landing, ground = shatter(CERAMIC, pieces, floor, seconds, rng)
    clunk = np.zeros(round(0.2 * RATE_HZ))
    hz = resonances(rng, split, 400.0, 3000.0, 8)
    tau = between(rng, 0.003, 0.012) * (1000.0 / hz) ** 0.5
    strike(clunk, 0.0, between(rng, 0.15e-3, 0.6e-3), hz, tau, rng.standard_normal(8))
    n = round(0.15 * RATE_HZ)
    crack = band_noise(rng, n, (100.0, 400.0, 1500.0, 4000.0, 12_000.0), (-16.0, 0.0, 0.0, -9.0, -18.0))
    crack *= np.exp(-np.arange(n) / RATE_HZ / held_out(rng, split, 5e-3, 16e-3))
    shares = [
        held_out(rng, split, low, high) for low, high in ((0.1, 0.35), (0.1, 0.3), (0.03, 0.15), (0.02, 0.12))
    ]
    parts = list(zip((clunk, crack, landing, ground), shares, strict=True))
    return mixed([*parts, (parting, 1.0 - sum(shares))])


def _mail_slot(rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    """The flap falls upon the leaf (a thud of the door, a clank of sheet metal), bounces and clanks again."""
    out = np.zeros(round(1.2 * RATE_HZ))
    leaf = resonances(rng, split, 70.0, 500.0, 8)
    flap = resonances(rng, split, 900.0, 7000.0, 10)
    swing_s, springy = held_out(rng, split, 0.05, 0.16), rng.uniform(0.25, 0.5)
    hard = held_out(rng, split, 0.2e-3, 0.8e-3)
    flap_tau = held_out(rng, split, 0.015, 0.08) * math.sqrt(1000.0) / np.sqrt(flap)
    at_s, force = 0.0, 1.0
    for _ in range(4):
        strike(out, at_s, hard, flap, flap_tau, force * rng.standard_normal(10))
        strike(out, at_s, 5.0 * hard, leaf, between(rng, 0.02, 0.04), 0.5 * force * rng.standard_normal(8))
        at_s, force, swing_s = at_s + swing_s, force * springy, swing_s * springy
    return out
