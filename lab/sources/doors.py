"""Doors: closed, opened, knocked upon. A leaf, its latch, what rattles.

Closing: the bolt rides over the strike plate (a click, 2-6 kHz), 5-30 ms later the leaf meets its stop and booms (resonances
of a leaf held at its edges, 50-1200 Hz, hollow-core lower and longer than solid), the bolt snaps in 5-60 ms after that, and frame and handle
rattle on for 100-350 ms. Opening: the handle turns, the bolt is drawn, the leaf comes free; hinges may creak (stick and slip, 60-300
jerks a second upon the leaf). Knocking: knuckles, 0.8-2.5 ms of contact, 2-6 times, 0.13-0.35 s apart.

Measured: 12 doors are 30 dB down after 0.28 s, 55 % of the energy below 200 Hz, centroid 600 Hz.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lab.sources.draws import between, held_out, resonances
from lab.sources.modal import RATE_HZ, mixed, strike
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.struck import Struck, open_struck
from lab.sources.transmission import Through

LABELS = {"close": "door_close", "open": None, "knock": "door_knock"}
LEVEL_DB = {"close": (62.0, 86.0), "open": (48.0, 62.0), "knock": (58.0, 78.0)}
SLOPE = 0.35  # of what a resonance gives, over frequency
# Resonances of the leaf in Hz, their decay in s.
LEAVES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "hollow": ((50.0, 900.0), (0.03, 0.09)),
    "solid": ((75.0, 1200.0), (0.02, 0.05)),
}


class DoorSpec(PlacedSpec):
    """A door inside a home. action: close (label `door_close`), knock (label `door_knock`), open (no label).

    leaf: hollow or solid core, drawn where not given. speed_m_s: of its edge as it closes, 0.1-3 (above 1.5 it slams), drawn from
    0.25-2. knocks: 1-12, drawn from 2-5. level_db_spl: RMS while active at 1 m, 50 Hz-7 kHz; drawn from 48-62 for open, 58-78 for
    knock; for close 74 at 0.7 m/s, 20 dB a decade of speed, +/- 4 dB, within 62-86. through: a further door on the way.
    """

    kind: Literal["door"]
    action: Literal["close", "open", "knock"]
    leaf: Literal["hollow", "solid"] | None = None
    speed_m_s: float | None = Field(None, ge=0.1, le=3.0)
    knocks: int | None = Field(None, ge=1, le=12)
    through: Through = "air"


def open_door(spec: DoorSpec, *, seed: int, rate_hz: int, duration_s: float, split: str) -> SoundStream:
    """Start a door for one trial; see `lab.sources.struck.open_struck`."""
    return open_struck(
        spec,
        lambda rng: draw_door(spec, rng, split),
        seed=seed,
        rate_hz=rate_hz,
        duration_s=duration_s,
        split=split,
    )


def draw_door(spec: DoorSpec, rng: np.random.Generator, split: str) -> Struck:
    """One action of a door, all drawn but its sound."""
    leaf = str(rng.choice(list(LEAVES)))
    speed = held_out(rng, split, 0.25, 2.0)
    knocks = int(rng.integers(2, 6))
    level = float(rng.uniform(*LEVEL_DB[spec.action]))
    random_db = float(rng.uniform(-4.0, 4.0))
    sound = int(rng.integers(2**63))
    leaf, speed, knocks = spec.leaf or leaf, spec.speed_m_s or speed, spec.knocks or knocks
    figures = {}
    if spec.action == "close":
        level = float(np.clip(74.0 + 20.0 * np.log10(speed / 0.7) + random_db, *LEVEL_DB["close"]))
        figures = {"speed_m_s": speed}

    def render() -> NDArray[np.float64]:
        own = np.random.default_rng(sound)
        if spec.action == "close":
            return _close(leaf, speed, own, split)
        return _knock(leaf, knocks, own, split) if spec.action == "knock" else _open(leaf, own, split)

    level = level if spec.level_db_spl is None else spec.level_db_spl
    return Struck(render, level, LABELS[spec.action], spec.through, figures)


class _Door:
    """What a door keeps from one blow to the next: the leaf, its lock, what hangs loose."""

    def __init__(self, leaf: str, rng: np.random.Generator, split: str) -> None:
        leaf_hz, leaf_tau = LEAVES[leaf]
        self.hz = resonances(rng, split, *leaf_hz, 14)
        self.tau = np.array([between(rng, *leaf_tau) for _ in self.hz]) * (self.hz[0] / self.hz) ** 0.35
        self.lock_hz = resonances(rng, split, 1500.0, 7000.0, 8)
        self.lock_tau = np.array([between(rng, 0.8e-3, 6e-3) for _ in self.lock_hz])
        self.loose_hz = resonances(rng, split, 250.0, 2500.0, 8)
        self.loose_tau = np.array([between(rng, 4e-3, 16e-3) for _ in self.loose_hz])

    def boom(
        self, out: NDArray, at_s: float, contact_s: float, force: float, rng: np.random.Generator
    ) -> None:
        gain = force * (self.hz / self.hz[0]) ** SLOPE * rng.standard_normal(len(self.hz))
        strike(out, at_s, contact_s, self.hz, self.tau, gain)

    def click(self, out: NDArray, at_s: float, force: float, rng: np.random.Generator) -> None:
        contact_s = between(rng, 0.08e-3, 0.3e-3)
        strike(out, at_s, contact_s, self.lock_hz, self.lock_tau, force * rng.standard_normal(8))

    def rattle(self, out: NDArray, at_s: float, over_s: float, rng: np.random.Generator) -> None:
        """Loose things strike again and again, sooner and weaker each time, as a ball that bounces."""
        apart_s, force = over_s * rng.uniform(0.25, 0.4), 1.0
        for _ in range(12):
            strike(
                out,
                at_s,
                between(rng, 0.3e-3, 1e-3),
                self.loose_hz,
                self.loose_tau,
                force * rng.standard_normal(8),
            )
            at_s, force, apart_s = at_s + apart_s * rng.uniform(0.7, 1.3), 0.72 * force, 0.75 * apart_s


def _close(leaf: str, speed_m_s: float, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    door = _Door(leaf, rng, split)
    booms, clicks, rattles = np.zeros((3, round(0.9 * RATE_HZ)))
    meets_s = held_out(rng, split, 0.005, 0.03)
    snaps_s = meets_s + held_out(rng, split, 0.005, 0.06)
    contact_s = held_out(rng, split, 1.2e-3, 4.5e-3) * (0.7 / speed_m_s) ** 0.2  # Hertz: as v^(-1/5)
    door.click(clicks, 0.0, 0.6, rng)
    door.boom(booms, meets_s, contact_s, 1.0, rng)
    door.boom(booms, meets_s + held_out(rng, split, 0.03, 0.09), contact_s, rng.uniform(0.1, 0.4), rng)
    door.click(clicks, snaps_s, 1.0, rng)
    door.rattle(rattles, meets_s, held_out(rng, split, 0.1, 0.35), rng)
    latch, loose = held_out(rng, split, 0.01, 0.12), held_out(rng, split, 0.04, 0.25)
    return mixed([(booms, 1.0 - latch - loose), (clicks, latch), (rattles, loose)])


def _open(leaf: str, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    door = _Door(leaf, rng, split)
    creaking_s = held_out(rng, split, 0.3, 1.2) if rng.random() < 0.35 else 0.0
    booms, clicks, creaks = np.zeros((3, round((1.0 + creaking_s) * RATE_HZ)))
    drawn_s = held_out(rng, split, 0.06, 0.3)
    free_s = drawn_s + held_out(rng, split, 0.02, 0.2)
    door.click(clicks, 0.0, 0.5, rng)
    door.click(clicks, drawn_s, 1.0, rng)
    door.boom(booms, free_s, 8e-3, 1.0, rng)
    door.rattle(clicks, free_s, 0.08, rng)
    if creaking_s:
        jerks_hz = between(rng, 60.0, 300.0) * np.exp(np.cumsum(0.03 * rng.standard_normal(400)))
        at_s = np.cumsum(1.0 / jerks_hz)
        at_s = at_s[at_s < creaking_s]
        swell = np.sin(np.pi * at_s / creaking_s)[:, None] * rng.standard_normal(8)
        strike(creaks, free_s + 0.1 + at_s, 0.6e-3, door.loose_hz, door.loose_tau, swell)
    share = 0.5 if creaking_s else 0.0
    return mixed([(booms, 0.35 * (1.0 - share)), (clicks, 0.65 * (1.0 - share)), (creaks, share)])


def _knock(leaf: str, knocks: int, rng: np.random.Generator, split: str) -> NDArray[np.float64]:
    door = _Door(leaf, rng, split)
    apart_s = held_out(rng, split, 0.13, 0.35)
    booms, rattles = np.zeros((2, round((0.5 + 1.3 * apart_s * knocks) * RATE_HZ)))
    contact_s = held_out(rng, split, 0.8e-3, 2.5e-3)
    at_s = 0.0
    # Knuckles meet nearly the same spot each time, so the leaf answers nearly alike.
    spot = int(rng.integers(2**63))
    for _ in range(knocks):
        force = float(rng.uniform(0.6, 1.0))
        door.boom(booms, at_s, contact_s * float(rng.uniform(0.9, 1.1)), force, np.random.default_rng(spot))
        door.boom(booms, at_s, contact_s, 0.2 * force, rng)
        door.rattle(rattles, at_s + 1e-3, 0.06, rng)
        at_s += apart_s * float(rng.uniform(0.85, 1.15))
    loose = held_out(rng, split, 0.02, 0.12)
    return mixed([(booms, 1.0 - loose), (rattles, loose)])
