"""Responses of simulated rooms for training, computed once for each split and kept on disk.

A home has few rooms and a device stands in one place, so a scene draws one room and hears everything of it through that
room's own responses. Rooms are calibrated boxes (`lab.acoustics.room`); those of `tune` are others than those of `train`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events.features import RATE_HZ
from lab.acoustics.paths import impulse_responses
from lab.acoustics.room import RoomSpec, calibrate
from lab.errors import BadInput

SPLITS = {"train": 1, "tune": 2}
ROOMS = {"train": 60, "tune": 16}
PLACES = 5  # of sources, in each room
RT60_S = (0.15, 0.8)
DISTANCE_M = (0.7, 8.0)
EDGES_M = ((2.2, 8.0), (2.0, 6.5), (2.3, 3.2))
WALL_M = 0.25
DIRECT_S = 0.0005  # kept before the direct sound


@dataclass(frozen=True, eq=False)
class Room:
    """responses: one for each place of a source, float32 (taps,), from just before the direct sound, which stands at 1."""

    rt60_s: float
    size_m: tuple[float, float, float]
    distances_m: tuple[float, ...]
    responses: tuple[NDArray[np.float32], ...]


def rooms(split: str, cache: Path, seed: int) -> list[Room]:
    """All rooms of a split. Raises BadInput for `test` or anything else that is no split of training."""
    if split not in SPLITS:
        raise BadInput(f'rooms of split "{split}": training has {", ".join(SPLITS)}')
    file = cache / f"rooms-{split}-{seed}.npz"
    if not file.exists():
        made = [_room(np.random.default_rng([seed, SPLITS[split], n])) for n in range(ROOMS[split])]
        _write(made, file)
    return _read(file)


def _room(rng: np.random.Generator) -> Room:
    size = tuple(round(float(rng.uniform(*edge)), 2) for edge in EDGES_M)
    # A long decay needs volume: what no wall could give is drawn again, shorter.
    rt60_s = float(np.exp(rng.uniform(*np.log(RT60_S))))
    device = np.array([rng.uniform(WALL_M, edge - WALL_M) for edge in size[:2]] + [rng.uniform(0.6, 1.6)])
    seed = int(rng.integers(2**31))
    while True:
        try:
            room = calibrate(RoomSpec(size_m=size, rt60_s=rt60_s), seed)
            break
        except BadInput:
            rt60_s *= 0.85 if rt60_s > 0.3 else 1.2
    distances, responses = [], []
    while len(responses) < PLACES:
        place = np.array([rng.uniform(WALL_M, edge - WALL_M) for edge in size[:2]])
        place = np.append(place, rng.uniform(0.05, size[2] - 0.1))
        distance = float(np.linalg.norm(place - device))
        if not DISTANCE_M[0] <= distance <= DISTANCE_M[1]:
            continue
        (taps,) = impulse_responses(room, place, device[None], RATE_HZ, int(rng.integers(2**31)))
        first = max(0, round((distance / room.climate.speed_m_s - DIRECT_S) * RATE_HZ))
        distances.append(distance)
        responses.append((taps[first:] * distance).astype(np.float32))
    return Room(rt60_s, size, tuple(distances), tuple(responses))


def _write(made: list[Room], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(
        part,
        rt60_s=[one.rt60_s for one in made],
        size_m=[one.size_m for one in made],
        distances_m=[one.distances_m for one in made],
        lengths=[[len(taps) for taps in one.responses] for one in made],
        taps=np.concatenate([taps for one in made for taps in one.responses]),
    )
    part.replace(file)


def _read(file: Path) -> list[Room]:
    with np.load(file) as content:
        kept = {name: content[name] for name in content.files}
    ends = np.cumsum(kept["lengths"].ravel())
    taps = np.split(kept["taps"], ends[:-1])
    return [
        Room(
            float(rt60_s),
            tuple(float(edge) for edge in size),
            tuple(float(distance) for distance in distances),
            tuple(taps[PLACES * n : PLACES * (n + 1)]),
        )
        for n, (rt60_s, size, distances) in enumerate(
            zip(kept["rt60_s"], kept["size_m"], kept["distances_m"], strict=True)
        )
    ]
