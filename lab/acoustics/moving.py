"""A source that moves while it sounds: delay lines for direct sound and early reflections, over a late tail that stands.

Images up to IMAGE_ORDER are as exact as `delay_line`: they give Doppler, the distance law, and the combs that move as a source
walks past. What comes later is the response of the room beyond those images at a few places along the course; what is
emitted between them is shared out with constant power, so that nothing switches. Left out: the amplitude of a moving
monopole, of order v / c (0.04 dB at 1.5 m/s), and the Doppler spread of the late tail.

Against tones solved sample by sample (tests/acoustics/moving_reference.py), images of order 3, 60 Hz-7.4 kHz at 16 kHz: -68 dB of the
moving part, standing or at up to 2.4 m/s.
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
from lab.acoustics.early import Images, images_of
from lab.acoustics.paths import check_positions
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.shoebox import IMAGE_ORDER
from lab.acoustics.tails import tails_along
from lab.errors import BadInput, LabFailure

Array = NDArray[np.float64]
CHUNK = 128 * BLOCK  # samples rendered at once, on a grid counted from the first
SHAPE_BINS = 4096
SHAPE_LOSS_DB = -75.0  # what the shapes leave of the energy of all images' spectra
SPARE = 64  # samples that the window holds beyond a chunk
STEADY = 1.001  # rounding of a speed


@dataclass(frozen=True, eq=False)
class Course:
    """Where a source is. at: positions (T, 3) in m at any times (T,) in s of the trial, before its start too.

    passes_m: (S, 3), points it passes, 0.25 m apart or less; top_speed_m_s: above 0, up to FASTEST_M_S.
    """

    at: Callable[[Array], Array]
    passes_m: Array
    top_speed_m_s: float


class MovingSource:
    """A mono source heard at M microphones while it moves.

    read: `read(n)` gives the next n samples of the source in Pa at 1 m; fewer mean that it has ended. It is called some
    thousand samples ahead. seed: of the late tail, 0 to 2**63 - 1. channels: how many of the microphones are rendered, None for all.
    tail: without it, early images alone. Blocks of any length give the same samples.
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
        channels: int | None = None,
        order: int = IMAGE_ORDER,
        tail: bool = True,
    ) -> None:
        microphones = np.asarray(microphones_m, dtype=np.float64)
        check_course(room, course, microphones)
        self._course, self._rate_hz, self._source = course, rate_hz, read
        self._speed_m_s = room.climate.speed_m_s
        self._images = images_of(room, microphones, rate_hz, order)
        self._centre = self._images.position_m.mean(axis=0)
        self._positions = np.ascontiguousarray(self._images.position_m[:channels])
        self._taps = farrow(course.top_speed_m_s / self._speed_m_s)
        self._shapes = _shapes(self._images)
        self._tails = tails_along(room, course.passes_m, microphones, rate_hz, seed, cache) if tail else None
        self._prepare(microphones, channels)
        self._emitted = self._rendered = 0
        self._before: Array | None = None
        self._waiting = np.zeros((len(self._positions), 0), np.float32)

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

    def _prepare(self, microphones: Array, channels: int | None) -> None:
        """Filters and buffers. The tail is late by as much as the window is ahead."""
        frequency = np.arange(SHAPE_BINS + 1) * self._rate_hz / (2 * SHAPE_BINS)
        bank = shaping_bank(self._shapes @ self._images.weights(frequency))
        ahead = LEAD + SPARE
        taps = BANK_TAPS if self._tails is None else max(BANK_TAPS, self._tails.responses.shape[2] + ahead)
        frame = default_frame(taps)
        self._bank = FrameFilter(bank, frame)
        self._tail = None
        if self._tails is not None:
            late = np.pad(self._tails.responses[:channels], ((0, 0), (0, 0), (ahead, 0)))
            self._tail = FrameFilter(late, frame)
        samples_per_m = self._rate_hz / self._speed_m_s
        self._held = math.ceil(self._images.farthest_m * samples_per_m / BLOCK + 4) * BLOCK
        self._window = np.zeros((len(self._shapes), OVERSAMPLING, self._held + CHUNK + SPARE), np.float32)
        spread_m = 2.0 * float(np.linalg.norm(microphones - microphones.mean(axis=0), axis=1).max())
        spread = math.ceil(spread_m * samples_per_m + 0.02 * CHUNK) + SPARE
        self._mixed = np.empty((OVERSAMPLING, CHUNK + spread), np.float32)

    def _emit(self, samples: int) -> NDArray[np.float32] | None:
        """Let the source go on: fills the window, and answers the late tail, (M, samples), None without one."""
        block = np.asarray(self._source(samples), dtype=np.float32)
        block = np.pad(block, (0, samples - len(block)))
        shaped = self._bank.process(block).reshape(len(self._shapes), OVERSAMPLING, samples)
        kept = max(0, self._window.shape[2] - samples)
        self._window[:, :, :kept] = self._window[:, :, self._window.shape[2] - kept :].copy()
        self._window[:, :, kept:] = shaped[:, :, samples - (self._window.shape[2] - kept) :]
        index = np.arange(self._emitted, self._emitted + samples)
        self._emitted += samples
        if self._tail is None or self._tails is None:
            return None
        knots = np.arange(index[0] // BLOCK, index[-1] // BLOCK + 2)
        shares = self._tails.shares(self._course.at(knots * BLOCK / self._rate_hz))
        shared = [np.interp(index, knots * BLOCK, share).astype(np.float32) * block for share in shares]
        return self._tail.process(np.stack(shared))

    def _render(self) -> NDArray[np.float32]:
        """The next chunk, (M, CHUNK)."""
        late = self._emit(CHUNK)
        begin, end = self._rendered, self._rendered + CHUNK
        before = self._weights(begin) if self._before is None else self._before
        self._before = self._weights(end)
        lag = self._held // BLOCK - 1
        knots = begin + BLOCK * (np.arange(lag + CHUNK // BLOCK + 2) - lag)
        course = np.ascontiguousarray(self._course.at(knots / self._rate_hz).T, dtype=np.float64)
        heard = np.zeros((len(self._positions), CHUNK), np.float32)
        done = add_paths(
            heard,
            self._window,
            self._held,
            course,
            lag,
            self._positions,
            self._rate_hz / BLOCK / self._speed_m_s,
            before,
            self._before,
            self._taps,
            self._mixed,
        )
        fastest = np.linalg.norm(np.diff(course), axis=0).max() * self._rate_hz / BLOCK
        if not done or fastest > STEADY * self._course.top_speed_m_s:
            raise LabFailure(
                f"a source moves at {fastest:.2f} m/s, and said {self._course.top_speed_m_s:.2f} m/s at most"
            )
        self._rendered = end
        return heard if late is None else heard + late

    def _weights(self, sample: int) -> Array:
        """Of the shapes in what each image brings at this sample, (N, K); lengths to the middle of the microphones."""
        now = sample / self._rate_hz
        away = np.linalg.norm(self._course.at(np.array([now])) - self._centre, axis=1)
        emitted = self._course.at(now - away / self._speed_m_s)
        return self._images.gains(np.linalg.norm(emitted - self._centre, axis=1)) @ self._shapes.T


def check_course(room: CalibratedRoom, course: Course, microphones_m: Array) -> None:
    """Raises BadInput when a source that moves cannot be heard along its course."""
    if not 0.0 < course.top_speed_m_s <= FASTEST_M_S:
        raise BadInput(
            f"a source moves at {course.top_speed_m_s:g} m/s: it must be above 0, at most {FASTEST_M_S:g} m/s"
        )
    for place in course.passes_m:
        check_positions(room, place, microphones_m)


def _shapes(images: Images) -> Array:
    """The fewest spectra, (K, bands), whose sums are those of all images at all lengths, within SHAPE_LOSS_DB."""
    count = len(images.reflection)
    lengths = images.farthest_m * np.array([0.0, 0.5, 1.0])
    rows = np.concatenate([images.gains(np.full(count, length)) for length in lengths])
    _, size, spectra = np.linalg.svd(rows, full_matrices=False)
    left = np.append(np.cumsum(size[::-1] ** 2)[::-1], 0.0)
    return spectra[: int(np.argmax(left <= left[0] * 10.0 ** (SHAPE_LOSS_DB / 10.0)))]
