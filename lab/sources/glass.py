"""Panes of glass: struck, and broken.

One after the other: the blow bends the pane, which answers with its flexural resonances (a plate between supported and clamped in its
frame); within a few ms it cracks, and cracks branching at some 1500 m/s give a burst of noise that is over in some 50 ms; pieces
part, fall and land (`lab.sources.shatter`). Kinds of pane, thickness and least size as sold for detectors (glass-break detector manual
FG-1025Z: plate 2.4-6.4 mm, tempered 3.2-6.4, laminated 3.2-14.3, both panes of insulating glass 3.2-6.4, at least 28 cm square):

    single      annealed float: 25-130 pieces, a few cm to a hand's breadth
    tempered    breaks to dice of two to three times its thickness, in clumps, all at once: 160-420 pieces heard
    laminated   the foil holds most and damps it: 6-30 small pieces, the blow foremost
    double      two annealed panes, the second 20-200 ms after the first

What part each makes of the energy is drawn from ranges that give, over single and tempered panes, the measured medians of 16 and of 5 real
recordings (energy below 0.2 / to 1 / to 3 / to 8 / to 22 kHz: 1/3/9/38/40 and 3/6/15/29/35 %; 30 dB down after 0.89 s, of 0.47-1.94 s,
and 1.0 s; crest 17 dB). Thickness, size, pieces, times and shares come from ranges held out by split (`lab.sources.draws`); what
a scenario states is as stated.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lab.sources.draws import between, held_out
from lab.sources.modal import RATE_HZ, band_noise, mixed, strike, supported_plate
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.shatter import GLASS, Pieces, shatter
from lab.sources.struck import Struck, open_struck
from lab.sources.transmission import Through

LABEL = "glass_break"
PaneKind = Literal["single", "tempered", "laminated", "double"]
THICKNESS_MM: dict[str, tuple[float, float]] = {
    "single": (2.4, 6.4),
    "tempered": (3.2, 6.4),
    "laminated": (3.2, 14.3),
    "double": (3.2, 6.4),
}
SIDE_M = (0.28, 1.6)
BREAK_DB, HIT_DB = (86.0, 104.0), (55.0, 84.0)
SECONDS = 3.2
SHORT_HZ = 80.0
GRAIN = 48  # samples of one jump
# Time of contact in s.
BLOWS: dict[str, tuple[float, float]] = {
    "stone": (0.08e-3, 0.4e-3),
    "hammer": (0.2e-3, 0.8e-3),
    "ball": (2e-3, 6e-3),
    "fist": (5e-3, 14e-3),
}
PIECES: dict[str, tuple[float, float]] = {
    "single": (25.0, 130.0),
    "double": (25.0, 100.0),
    "tempered": (160.0, 420.0),
    "laminated": (6.0, 30.0),
}


class GlassSpec(PlacedSpec):
    """A pane that is struck; with `breaks` it breaks (label `glass_break`), else it rings and holds (no label).

    pane: see the table above. thickness_mm: 2.4-14.3 within the range of the pane; of each pane of `double`. width_m, height_m:
    0.28-1.6. blow: what hits it, by time of contact: stone 0.08-0.4 ms, hammer 0.2-0.8, ball 2-6, fist 5-14.
    floor: what pieces land on. sill_m: height of the lower edge above it, 0-1.5. All drawn where not given.
    level_db_spl: RMS while active at 1 m, 50 Hz-7 kHz; drawn from 86-104 for a break, 55-84 for a hit. through: a door on
    the way, see `lab.sources.transmission`.
    """

    kind: Literal["glass"]
    breaks: bool = True
    pane: PaneKind = "single"
    thickness_mm: float | None = Field(None, ge=2.4, le=14.3)
    width_m: float | None = Field(None, ge=SIDE_M[0], le=SIDE_M[1])
    height_m: float | None = Field(None, ge=SIDE_M[0], le=SIDE_M[1])
    blow: Literal["stone", "hammer", "ball", "fist"] | None = None
    floor: Literal["tile", "wood", "carpet"] | None = None
    sill_m: float | None = Field(None, ge=0.0, le=1.5)
    through: Through = "air"

    @model_validator(mode="after")
    def _is_made(self) -> Self:
        low, high = THICKNESS_MM[self.pane]
        if self.thickness_mm is not None and not low <= self.thickness_mm <= high:
            raise ValueError(
                f'thickness_mm = {self.thickness_mm:g}: {low:g} to {high:g} for pane = "{self.pane}"'
            )
        return self


def open_glass(spec: GlassSpec, *, seed: int, rate_hz: int, duration_s: float, split: str) -> SoundStream:
    """Start a pane for one trial; see `lab.sources.struck.open_struck`."""
    return open_struck(
        spec,
        lambda rng: draw_glass(spec, rng, split),
        seed=seed,
        rate_hz=rate_hz,
        duration_s=duration_s,
        split=split,
    )


def draw_glass(spec: GlassSpec, rng: np.random.Generator, split: str) -> Struck:
    """One pane struck once, all drawn but its sound."""
    low, high = THICKNESS_MM[spec.pane]
    drawn = {
        "thickness_mm": held_out(rng, split, low, high),
        "width_m": held_out(rng, split, *SIDE_M),
        "height_m": held_out(rng, split, *SIDE_M),
        "sill_m": held_out(rng, split, 0.0, 0.8, log=False),
    }
    figures = {
        key: value if getattr(spec, key) is None else getattr(spec, key) for key, value in drawn.items()
    }
    blow = str(rng.choice(list(BLOWS), p=(0.4, 0.3, 0.15, 0.15)))
    floor = str(rng.choice(("tile", "wood", "carpet"), p=(0.4, 0.4, 0.2)))
    level = float(rng.uniform(*(BREAK_DB if spec.breaks else HIT_DB)))
    pane = _Pane(spec.pane, blow=spec.blow or blow, floor=spec.floor or floor, **figures)
    sound = int(rng.integers(2**63))
    make = _broken if spec.breaks else _held
    return Struck(
        lambda: make(pane, np.random.default_rng(sound), split),
        level if spec.level_db_spl is None else spec.level_db_spl,
        LABEL if spec.breaks else None,
        spec.through,
        figures,
    )


class _Pane:
    def __init__(
        self,
        kind: str,
        *,
        thickness_mm: float,
        width_m: float,
        height_m: float,
        sill_m: float,
        blow: str,
        floor: str,
    ) -> None:
        self.kind, self.blow, self.floor = kind, blow, floor
        self.thickness_m = thickness_mm * 1e-3
        self.width_m, self.height_m, self.sill_m = width_m, height_m, sill_m


def _flexure(pane: _Pane, loss: float, longest_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The pane's answer to one blow: the nearer to coincidence (12.6 m/s / h), the better it radiates; the lowest
    resonances move air to and fro through the leaks of its frame."""
    clamped = rng.uniform(1.0, 1.8)
    hz = clamped * supported_plate(
        GLASS.bending_m_s * pane.thickness_m, pane.width_m, pane.height_m, 14_000.0 / clamped
    )
    hz = hz[rng.permutation(len(hz))[:60]] if len(hz) > 60 else hz
    tau = np.minimum(longest_s, 1.0 / (np.pi * hz * loss * np.exp(0.3 * rng.standard_normal(len(hz)))))
    radiated = (
        np.sqrt(np.minimum(1.0, hz * pane.thickness_m / 12.6)) * np.sqrt(hz) * hz**2 / (hz**2 + SHORT_HZ**2)
    )
    out = np.zeros(round((0.05 + 6.0 * float(tau.max())) * RATE_HZ))
    strike(out, 0.0, between(rng, *BLOWS[pane.blow]), hz, tau, radiated * rng.standard_normal(len(hz)))
    return out


def _held(pane: _Pane, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    """A blow that the pane stands, and up to two weaker ones as the thing bounces."""
    loss = held_out(rng, split, 0.015, 0.08) * (3.0 if pane.kind == "laminated" else 1.0)
    first = _flexure(pane, loss, 0.3, rng)
    out, at_s = np.zeros(len(first) + RATE_HZ), 0.0
    for blow in range(1 + int(rng.integers(3))):
        again = first if blow == 0 else _flexure(pane, loss, 0.3, rng) * 0.25**blow
        at = round(at_s * RATE_HZ)
        again = again[: len(out) - at]
        out[at : at + len(again)] += again
        at_s += rng.uniform(0.06, 0.3)
    return out


def _broken(pane: _Pane, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    out = np.zeros(round((SECONDS + 0.3) * RATE_HZ))
    panes = 2 if pane.kind == "double" else 1
    at_s = 0.0
    for _ in range(panes):
        one = _one_broken(pane, rng, split)
        at = round(at_s * RATE_HZ)
        one = one[: len(out) - at]
        out[at : at + len(one)] += one
        at_s += held_out(rng, split, 0.02, 0.2)
    return out


def _one_broken(pane: _Pane, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    crack_at_s = held_out(rng, split, 0.5e-3, 5e-3)
    flexure = _flexure(pane, 0.05, held_out(rng, split, 5e-3, 20e-3), rng)
    crack = _crackle(rng, held_out(rng, split, 12e-3, 60e-3))
    count = held_out(rng, split, *PIECES[pane.kind])
    late, late_s = held_out(rng, split, 0.02, 0.2), held_out(rng, split, 0.2, 1.0)
    parting_s = held_out(rng, split, 0.05, 0.2)
    side_m, spread = held_out(rng, split, 0.02, 0.075), 0.6
    damping = 1.0
    if pane.kind == "tempered":
        # Dice stay together in clumps of many sizes; nothing hangs back.
        side_m, spread = pane.thickness_m * held_out(rng, split, 2.0, 9.0), 0.6
        late, parting_s = 0.3 * late, 0.5 * parting_s
    elif pane.kind == "laminated":
        side_m, damping = 0.6 * side_m, 3.0
    thickness_m = pane.thickness_m / (2.0 if pane.kind == "laminated" else 1.0)
    falls = (pane.sill_m, pane.sill_m + pane.height_m)
    pieces = Pieces(thickness_m, round(count), side_m, spread, falls, parting_s, late, late_s, damping)
    parting, landing, ground = shatter(GLASS, pieces, pane.floor, SECONDS, rng)
    shares = {
        "blow": held_out(rng, split, 0.006, 0.06),
        "crack": held_out(rng, split, 0.03, 0.15),
        "splinters": held_out(rng, split, 0.18, 0.50),
        "landing": held_out(rng, split, 0.06, 0.36),
        "floor": held_out(rng, split, 0.006, 0.08),
    }
    if pane.kind == "laminated":
        shares["blow"], shares["landing"] = 3.0 * shares["blow"], 0.3 * shares["landing"]
    parted = max(0.1, 1.0 - sum(shares.values()))
    lead = np.zeros(round(crack_at_s * RATE_HZ))
    splinters = _crackle(rng, 1.3 * parting_s)
    later = (
        (crack, shares["crack"]),
        (parting, parted),
        (splinters, shares["splinters"]),
        (landing, shares["landing"]),
        (ground, shares["floor"]),
    )
    return mixed([(flexure, shares["blow"])] + [(np.concatenate((lead, one)), share) for one, share in later])


def _crackle(rng: np.random.Generator, decay_s: float) -> NDArray[np.float64]:
    """Cracks that branch, splinters that fall together: noise of many small jumps, bright, that rises within 1 ms and decays."""
    n = round(8.0 * decay_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    tilt = rng.uniform(-4.0, 3.0)
    hz = (100.0, 500.0, 1500.0, 4000.0, 9000.0, 20_000.0)
    noise = band_noise(rng, n, hz, (-24.0, -12.0, -6.0, 0.0, tilt, tilt - 8.0))
    grains = np.repeat(rng.lognormal(0.0, 0.4, 1 + n // GRAIN), GRAIN)[:n]
    return noise * grains * (1.0 - np.exp(-t / 0.4e-3)) * np.exp(-t / decay_s)
