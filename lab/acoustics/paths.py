"""Impulse responses from a source to the microphones of a device, in a calibrated room.

Images up to the third order, from pyroomacoustics, arrive coherently at all microphones; its rays give
the energy of the rest, which `late` turns into sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.cache import DiskCache, content_key
from lab.acoustics.late import late_responses
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.shoebox import bin_s, image_responses, ray_histogram, trace
from lab.errors import BadInput

if TYPE_CHECKING:
    from pyroomacoustics import ShoeBox

NEAREST_M = 0.05
RAYS_PER_M3 = 19.0  # about 20 hits of each microphone in each bin of the histogram
MOST_RAYS = 20_000
FLOOR_DB = -60.0  # a response ends where less than this share of its energy is left


def impulse_responses(
    room: CalibratedRoom,
    source_m: ArrayLike,
    microphones_m: ArrayLike,
    rate_hz: int,
    seed: int,
    cache: DiskCache | None = None,
) -> NDArray[np.float32]:
    """Responses from one source to M microphones, shape (M, taps).

    Sample d / c * rate holds the direct sound with amplitude 1 / d: a source of p Pa at 1 m gives p / d Pa.
    source_m: (3,) and microphones_m: (M, 3), inside the room. seed: 0 to 2**63 - 1, draws the late part.
    Raises BadInput for a position outside, or a source within NEAREST_M of a microphone.
    """
    source = np.asarray(source_m, dtype=np.float64)
    microphones = np.asarray(microphones_m, dtype=np.float64)
    check_positions(room, source, microphones)
    key = _key("paths", room, source, microphones, rate_hz, seed)
    stored = cache.get(key) if cache is not None else None
    if stored is not None:
        return stored["responses"]
    responses = _render(room, source, microphones, rate_hz, seed)
    if cache is not None:
        cache.put(key, responses=responses)
    return responses


def late_tail(
    room: CalibratedRoom,
    source_m: ArrayLike,
    microphones_m: ArrayLike,
    rate_hz: int,
    seed: int,
    cache: DiskCache | None = None,
) -> NDArray[np.float32]:
    """What `impulse_responses` adds to its images, (M, taps): the early part is left to who renders it otherwise.

    Arguments and errors as there.
    """
    source = np.asarray(source_m, dtype=np.float64)
    microphones = np.asarray(microphones_m, dtype=np.float64)
    check_positions(room, source, microphones)
    key = _key("late tail", room, source, microphones, rate_hz, seed)
    stored = cache.get(key) if cache is not None else None
    if stored is not None:
        return stored["tail"]
    tail = _end_at_floor(_late(room, source, microphones, rate_hz, seed)[1]).astype(np.float32)
    if cache is not None:
        cache.put(key, tail=tail)
    return tail


def check_positions(room: CalibratedRoom, source: NDArray, microphones: NDArray) -> None:
    """Raises BadInput for a source (3,) or microphones (M, 3) outside the room, or too near to each other."""
    size = " x ".join(f"{edge:g}" for edge in room.size_m)
    names = ["the source", *(f"microphone {number}" for number in range(1, len(microphones) + 1))]
    for name, point in zip(names, np.vstack([source, microphones]), strict=True):
        if np.any(point <= 0.0) or np.any(point >= room.size_m):
            where = ", ".join(f"{axis:.3f}" for axis in point)
            raise BadInput(f"{name} at [{where}] m is not inside the room of {size} m")
    nearest = float(np.linalg.norm(microphones - source, axis=1).min())
    if nearest < NEAREST_M:
        raise BadInput(f"a source {nearest:.3f} m from a microphone: the nearest allowed is {NEAREST_M:g} m")


def _key(
    what: str,
    room: CalibratedRoom,
    source: NDArray[np.float64],
    microphones: NDArray[np.float64],
    rate_hz: int,
    seed: int,
) -> str:
    """Of what is kept in the cache."""
    return content_key(
        what,
        room=room.id,
        absorption=room.absorption,
        scattering=room.scattering,
        source=source,
        microphones=microphones,
        rate_hz=int(rate_hz),
        seed=int(seed),
    )


def _render(
    room: CalibratedRoom, source: NDArray, microphones: NDArray, rate_hz: int, seed: int
) -> NDArray[np.float32]:
    traced, late = _late(room, source, microphones, rate_hz, seed)
    early = image_responses(traced)
    responses = np.zeros((len(microphones), max(early.shape[1], late.shape[1])))
    responses[:, : early.shape[1]] += early
    responses[:, : late.shape[1]] += late
    return _end_at_floor(responses).astype(np.float32)


def _late(
    room: CalibratedRoom, source: NDArray, microphones: NDArray, rate_hz: int, seed: int
) -> tuple[ShoeBox, NDArray[np.float64]]:
    """The trace of a room, and the late part made from its rays."""
    speed_m_s = room.climate.speed_m_s
    arrival_s = np.linalg.norm(microphones - source, axis=1) / speed_m_s
    duration_s = float(arrival_s.max() + np.max(room.rt60_s))
    rays = min(round(RAYS_PER_M3 * room.volume_m3), MOST_RAYS)
    traced = trace(room.shoebox, source, microphones, rate_hz, duration_s, seed, rays)
    late = late_responses(
        ray_histogram(traced, round(duration_s / bin_s(traced))),
        bin_s(traced),
        arrival_s,
        microphones,
        traced.octave_bands.centers,
        room.volume_m3,
        speed_m_s,
        rate_hz,
        np.random.default_rng(seed),
    )
    return traced, late


def _end_at_floor(responses: NDArray) -> NDArray[np.float64]:
    remaining = np.cumsum(np.sum(np.square(responses), axis=0)[::-1])[::-1]
    heard = np.flatnonzero(remaining > remaining[0] * 10.0 ** (FLOOR_DB / 10.0))
    return responses[:, : heard[-1] + 1 if len(heard) else 1]
