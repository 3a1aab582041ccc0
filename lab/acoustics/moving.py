"""A source that moves while it sounds: delay lines for direct sound and early reflections, over a late tail that stands.

Images up to IMAGE_ORDER are as exact as `delay_line`: they give Doppler, the distance law, and the combs that move as a source walks
past. What comes later is the response of the room beyond those images (`paths.late_tail`) at a few places along the course;
what is emitted between them is shared out with constant power, so that nothing switches. Left out: the amplitude of a moving
monopole, of order v / c (0.04 dB at 1.5 m/s), and the Doppler spread of the late tail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import FrameFilter, default_frame
from lab.acoustics.delay_line import (
    BANK_TAPS,
    BLOCK,
    FASTEST_M_S,
    LEAD,
    OVERSAMPLING,
    add_paths,
    farrow,
    shaping_bank,
)
from lab.acoustics.late import octave_weights
from lab.acoustics.paths import check_positions, late_tail
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.rt60 import OCTAVES_HZ
from lab.acoustics.shoebox import IMAGE_ORDER
from lab.acoustics.ultrasonic.images import lattice
from lab.errors import BadInput, LabFailure

Array = NDArray[np.float64]
CHUNK = 128 * BLOCK  # samples rendered at once, on a grid counted from the first
SHAPE_BINS = 4096
SHAPE_LOSS_DB = -75.0  # what the shapes leave of any image's spectrum
TAIL_EVERY_M = 1.5
MOST_TAILS = 8
SPARE = 64


@dataclass(frozen=True, eq=False)
class Course:
    """Where a source is. at: positions (T, 3) in m at any times (T,) in s of the trial, before its start too.

    passes: (S, 3), points it passes, 0.25 m apart or less; top_speed_m_s: above 0, up to FASTEST_M_S.
    """

    at: Callable[[Array], Array]
    passes: Array
    top_speed_m_s: float


@dataclass(frozen=True, eq=False)
class Images:
    """Of the microphones, and what each loses. position_m: (M, N, 3). reflection: (N, bands), amplitude. air: (bands,), Np per m."""

    position_m: Array
    reflection: Array
    air_np_m: Array
    centres_hz: Array

    def gains(self, distance_m: Array) -> Array:
        """G of each image at its distance (N,), (N, bands); without the distance law."""
        return self.reflection * np.exp(-self.air_np_m * distance_m[:, None])


def images_of(
    room: CalibratedRoom, microphones_m: ArrayLike, rate_hz: int, order: int = IMAGE_ORDER
) -> Images:
    """Images up to an order, octave by octave; above 8 kHz walls stay as they are there and air goes on."""
    centres = [float(octave) for octave in OCTAVES_HZ]
    while centres[-1] * math.sqrt(2.0) < rate_hz / 2.0:
        centres.append(2.0 * centres[-1])
    cells = lattice(0, order)
    # Rays carry on what scatters, so the images have lost it.
    kept = np.sqrt((1.0 - room.absorption) * (1.0 - room.scattering))
    walls = np.concatenate([kept, np.repeat(kept[:, -1:], len(centres) - kept.shape[1], axis=1)], axis=1)
    return Images(
        cells.position_m(room.size_m, np.asarray(microphones_m, dtype=np.float64)),
        np.stack([cells.reflection(wall) for wall in walls.T], axis=1),
        0.5 * room.climate.energy_per_m(centres),
        np.array(centres),
    )


class MovingSource:
    """A mono source heard at M microphones while it moves.

    read: `read(n)` gives the next n samples of the source in Pa at 1 m; fewer mean that it has ended. It is called up to half a
    second ahead. seed: of the late tail, 0 to 2**63 - 1. tail: without it, early images alone. Blocks of any length give the same samples.
    Raises BadInput when the course leaves the room, comes within 5 cm of a microphone, or is too fast.
    """

    def __init__(
        self,
        room: CalibratedRoom,
        course: Course,
        microphones_m: ArrayLike,
        rate_hz: int,
        read: Callable[[int], NDArray],
        seed: int,
        cache: DiskCache | None = None,
        *,
        order: int = IMAGE_ORDER,
        tail: bool = True,
    ) -> None:
        microphones = np.asarray(microphones_m, dtype=np.float64)
        if not 0.0 < course.top_speed_m_s <= FASTEST_M_S:
            raise BadInput(
                f"a source moves at {course.top_speed_m_s:g} m/s: above 0, at most {FASTEST_M_S:g} m/s"
            )
        for place in course.passes:
            check_positions(room, place, microphones)
        self._course, self._rate_hz, self._source = course, rate_hz, read
        self._speed_m_s = room.climate.speed_m_s
        self._images = images_of(room, microphones, rate_hz, order)
        self._centre = self._images.position_m.mean(axis=0)
        corners = np.maximum(np.abs(self._images.position_m), np.abs(self._images.position_m - room.size_m))
        self._farthest_m = float(np.sqrt((corners**2).sum(axis=-1)).max())
        self._held = math.ceil(self._farthest_m / self._speed_m_s * rate_hz / BLOCK + 4) * BLOCK
        spread_m = float(np.linalg.norm(microphones - microphones.mean(axis=0), axis=1).max())
        spread = math.ceil(2.0 * spread_m / self._speed_m_s * rate_hz + 0.02 * CHUNK) + SPARE
        self._mixed = np.empty((OVERSAMPLING, CHUNK + spread), np.float32)
        self._taps = farrow(course.top_speed_m_s / self._speed_m_s)
        self._shapes = _shapes(self._images, self._farthest_m)
        weights = octave_weights(
            np.arange(SHAPE_BINS + 1) * rate_hz / (2 * SHAPE_BINS), self._images.centres_hz, 1.0
        )
        bank = shaping_bank(self._shapes @ weights)
        self._places, self._apart_m = _cover(course.passes)
        tails = [
            late_tail(room, place, microphones, rate_hz, (seed + index) % 2**63, cache)
            for index, place in enumerate(self._places if tail else ())
        ]
        taps = max((one.shape[1] for one in tails), default=0) + LEAD + SPARE
        frame = default_frame(max(taps, BANK_TAPS))
        self._bank = FrameFilter(bank, frame)
        self._tail = None
        if tails:
            # Late by as much as the window is ahead.
            padded = [
                np.pad(one, ((0, 0), (LEAD + SPARE, taps - LEAD - SPARE - one.shape[1]))) for one in tails
            ]
            self._tail = FrameFilter(np.stack(padded, axis=1), frame)
        self._window = np.zeros((len(self._shapes), OVERSAMPLING, self._held + CHUNK + SPARE), np.float32)
        self._emitted = self._rendered = 0
        self._before: Array | None = None
        self._waiting = np.zeros((len(microphones), 0), np.float32)

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples at the microphones in Pa, (M, samples)."""
        if not self._emitted:
            self._emit(self._bank.latency)
            self._emit(LEAD + SPARE)
        parts, held = [self._waiting], self._waiting.shape[1]
        while held < samples:
            parts.append(self._render())
            held += CHUNK
        heard = np.concatenate(parts, axis=1)
        self._waiting = heard[:, samples:]
        return heard[:, :samples]

    def _emit(self, samples: int) -> NDArray[np.float32] | None:
        """Let the source go on: fills the window, and answers the late tail, (M, samples), None without one."""
        block = np.asarray(self._source(samples), dtype=np.float32)
        block = np.pad(block, (0, samples - len(block)))
        shaped = self._bank.process(block).reshape(len(self._shapes), OVERSAMPLING, samples)
        kept = self._window.shape[2] - samples
        if kept > 0:
            self._window[:, :, :kept] = self._window[:, :, samples:].copy()
        self._window[:, :, max(kept, 0) :] = shaped[:, :, -self._window.shape[2] :]
        index = np.arange(self._emitted, self._emitted + samples)
        self._emitted += samples
        if self._tail is None:
            return None
        knots = np.arange(index[0] // BLOCK, index[-1] // BLOCK + 2)
        shares = _shares(self._course.at(knots * BLOCK / self._rate_hz), self._places, self._apart_m)
        weighted = [np.interp(index, knots * BLOCK, share).astype(np.float32) * block for share in shares]
        return self._tail.process(np.stack(weighted))

    def _render(self) -> NDArray[np.float32]:
        late = self._emit(CHUNK)
        begin, end = self._rendered, self._rendered + CHUNK
        before = self._weights(begin) if self._before is None else self._before
        self._before = self._weights(end)
        lag = self._held // BLOCK - 1
        knots = begin + BLOCK * (np.arange(lag + CHUNK // BLOCK + 2) - lag)
        course = np.ascontiguousarray(self._course.at(knots / self._rate_hz), dtype=np.float64)
        heard = np.zeros((self._images.position_m.shape[0], CHUNK), np.float32)
        done = add_paths(
            heard,
            self._window,
            self._held,
            course,
            lag,
            self._images.position_m,
            self._rate_hz / BLOCK / self._speed_m_s,
            before,
            self._before,
            self._taps,
            self._mixed,
        )
        fastest = np.linalg.norm(np.diff(course, axis=0), axis=1).max() * self._rate_hz / BLOCK
        if not done or fastest > 1.001 * self._course.top_speed_m_s:
            raise LabFailure(
                f"a source moves at {fastest:.2f} m/s, and said it moves at {self._course.top_speed_m_s:.2f} m/s at most"
            )
        self._rendered = end
        return heard if late is None else heard + late

    def _weights(self, sample: int) -> Array:
        """Of the shapes in what each image brings at this sample, (N, K); lengths to the middle of the microphones."""
        now = sample / self._rate_hz
        away = np.linalg.norm(self._course.at(np.array([now])) - self._centre, axis=1)
        emitted = self._course.at(now - away / self._speed_m_s)
        return self._images.gains(np.linalg.norm(emitted - self._centre, axis=1)) @ self._shapes.T


def _shapes(images: Images, farthest_m: float) -> Array:
    """The fewest spectra, (K, bands), whose sums are those of all images at all lengths, within SHAPE_LOSS_DB of their energy."""
    count = len(images.reflection)
    rows = np.concatenate([images.gains(np.full(count, far)) for far in (0.0, 0.5 * farthest_m, farthest_m)])
    _, size, spectra = np.linalg.svd(rows, full_matrices=False)
    left = np.append(np.cumsum(size[::-1] ** 2)[::-1], 0.0)
    return spectra[: int(np.argmax(left <= left[0] * 10.0 ** (SHAPE_LOSS_DB / 10.0)))]


def _cover(passes: Array) -> tuple[Array, float]:
    """Places on the course, (P, 3), and how far from the nearest it may be: TAIL_EVERY_M, more on a very long one."""
    for every_m in TAIL_EVERY_M * 1.5 ** np.arange(20):
        places = [passes[0]]
        for point in passes:
            if np.linalg.norm(np.array(places) - point, axis=1).min() > every_m:
                places.append(point)
        if len(places) <= MOST_TAILS:
            break
    return np.array(places), float(every_m)


def _shares(position_m: Array, places_m: Array, apart_m: float) -> Array:
    """How much each place (P, 3) speaks for positions (T, 3), (P, T); squares add up to 1."""
    away = np.linalg.norm(position_m[None] - places_m[:, None], axis=2)
    share = np.maximum(0.0, 1.0 - away / (2.0 * apart_m))
    return share / np.sqrt((share**2).sum(axis=0))
