"""Impulse responses from a source to the microphones of a device, in a calibrated room.

Images up to the third order arrive coherently at all microphones. The late part is a random sequence
shaped by the traced energy; the library draws one per microphone, which would make the reverberation of
two microphones centimetres apart independent. Here the late parts are mixed to the coherence of a
diffuse field.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.cache import DiskCache, content_key
from lab.acoustics.diffuse import mixing_filters
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.shoebox import LEAD_SAMPLES, early_and_late, trace

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
    """
    source = np.asarray(source_m, dtype=np.float64)
    microphones = np.asarray(microphones_m, dtype=np.float64)
    key = content_key(
        "paths",
        room=room.id,
        absorption=room.absorption,
        scattering=room.scattering,
        source=source,
        microphones=microphones,
        rate_hz=int(rate_hz),
        seed=int(seed),
    )
    stored = cache.get(key) if cache is not None else None
    if stored is not None:
        return stored["responses"]
    responses = _render(room, source, microphones, rate_hz, seed)
    if cache is not None:
        cache.put(key, responses=responses)
    return responses


def _render(
    room: CalibratedRoom, source: NDArray, microphones: NDArray, rate_hz: int, seed: int
) -> NDArray[np.float32]:
    farthest_s = np.linalg.norm(microphones - source, axis=1).max() / room.climate.speed_m_s
    duration_s = farthest_s + float(np.max(room.rt60_s))
    traced = trace(room.shoebox, source, microphones, rate_hz, duration_s, seed)
    early, late = early_and_late(traced)
    taps = max(len(row) for row in early + late)
    early, late = _stack(early, taps), _stack(late, taps)
    if len(microphones) > 1:
        late = _mix(late, mixing_filters(microphones, rate_hz, room.climate.speed_m_s))
    responses = (early + late)[:, LEAD_SAMPLES:]
    return _end_at_floor(responses).astype(np.float32)


def _stack(rows: list[NDArray], taps: int) -> NDArray[np.float64]:
    return np.stack([np.pad(row, (0, taps - len(row))) for row in rows])


def _mix(rows: NDArray, filters: NDArray) -> NDArray[np.float64]:
    """Rows (M, n) through an (M, M, taps) matrix of linear-phase filters, their delay taken out."""
    n, taps = rows.shape[-1], filters.shape[-1]
    length = scipy.fft.next_fast_len(n + taps, real=True)
    spectrum = np.einsum(
        "ijf,jf->if", scipy.fft.rfft(filters, length), scipy.fft.rfft(rows, length), optimize=True
    )
    return scipy.fft.irfft(spectrum, length)[:, taps // 2 : taps // 2 + n]


def _end_at_floor(responses: NDArray) -> NDArray[np.float64]:
    remaining = np.cumsum(np.sum(np.square(responses), axis=0)[::-1])[::-1]
    heard = np.flatnonzero(remaining > remaining[0] * 10.0 ** (FLOOR_DB / 10.0))
    return responses[:, : heard[-1] + 1]
