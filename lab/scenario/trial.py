"""A trial: one seeded draw of a cell, and the seeds of everything still to be drawn inside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lab.scenario.drawn import Scalar
from lab.scenario.model import Scenario

# Where a source or a mover stands belongs to the placement, not to the trial: trials that share a room and a placement
# share impulse responses and echoes.
PLACED = ("sources", "movers", "doorways", "interferers")
POSITION_KEYS = frozenset({"position", "position_m", "distance_m", "rule", "moves", "path_m", "height"})


@dataclass(frozen=True)
class Cell:
    """One point of the sweeps. `values` in file order: short key name -> value; `variant` when there are any."""

    values: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Unique within a scenario, such as `distance_m=3.0,rt60_s=0.3`; empty when nothing is swept."""
        return ",".join(f"{name}={_plain(value)}" for name, value in self.values.items())

    def __hash__(self) -> int:
        return hash(self.key)


def _plain(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True)
class Shares:
    """Which trials of a cell share a room and a placement; see `room.bank` and `room.placements`."""

    bank: int
    placements: int

    def room_index(self, trial: int) -> int:
        return trial % self.bank

    def placement_index(self, trial: int) -> int:
        return (trial // self.bank) % self.placements


def draw_index(path: tuple[str, ...], trial: int, shares: Shares) -> list[int]:
    """The index under which a key path is drawn: the room's, the (room, placement)'s, or the trial's own."""
    if path[0] == "room":
        return [shares.room_index(trial)]
    if path[0] == "placement" or (path[0] in PLACED and len(path) > 2 and path[2] in POSITION_KEYS):
        return [shares.room_index(trial), shares.placement_index(trial)]
    return [trial]


def digest(scenario_id: str, seed: int, split: str, path: tuple[str, ...], index: list[int]) -> bytes:
    """SHA-256 of what a random value hangs on. Cell values are not in it, so cells share their draws."""
    what = json.dumps([scenario_id, seed, split, list(path), index], separators=(",", ":"))
    return hashlib.sha256(what.encode()).digest()


def generator(seed: bytes) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(seed)))


@dataclass(frozen=True)
class Trial:
    """One seeded draw of a cell.

    spec: the scenario with concrete values only. room_index, placement_index: trials of a cell with the same
    ones share the room, and the positions in it.
    """

    scenario_id: str
    scenario_hash: str
    cell: Cell
    index: int
    seed: int
    room_index: int
    placement_index: int
    spec: Scenario

    def rng(self, *path: str) -> np.random.Generator:
        """The generator of one random thing, named as a key path: `trial.rng("sources", "tv", "clip")`.

        Paths under `room` give the same generator in all trials of a room, paths under `placement` and
        positions of sources in all trials of a room and placement. No cell value enters.
        """
        return generator(self._digest(path))

    def seed_of(self, *path: str) -> int:
        """As `rng`, but an integer in 0..2**63-1, for those who seed a generator of their own."""
        return int.from_bytes(self._digest(path)[:8]) >> 1

    def _digest(self, path: tuple[str, ...]) -> bytes:
        if not path:
            raise ValueError("a key path, such as 'sources', 'tv', 'clip'")
        shares = Shares(self.spec.room.bank, self.spec.room.placements)
        return digest(
            self.scenario_id, self.seed, self.spec.split, path, draw_index(path, self.index, shares)
        )
