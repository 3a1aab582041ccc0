"""Where the sources of a trial are, and how they are heard from there: from one place, along a course, or step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import OverlapSave
from lab.acoustics.early import Images, early_responses, images_of
from lab.acoustics.moving import Course, MovingSource
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.tails import Tails, tails_along
from lab.movers.mover import Doorway
from lab.scenario.course import nearest_doorway
from lab.sources.catalogue import SourceStream
from lab.sources.footsteps import Footsteps, Step
from lab.sources.transmission import Through

Reader = Callable[[int], NDArray[np.float32]]
SOLE_M = 0.05  # how high a step sounds
THRESHOLD_M = 0.1  # how far inside a doorway is heard
NEAR_M = 1.0  # a step this near to a doorway loses nothing more on its way to it


class Whereabouts(Protocol):
    """Where a source is."""

    def hear(self, stream: SourceStream, channels: int | None) -> Reader:
        """What the first `channels` microphones hear of it, None for all: `read(n)` -> (M, n) in Pa."""

    def late_s(self, stream: SourceStream, time_s: float) -> float:
        """How late the direct sound of what it emits at a moment comes to the reference microphone, in s."""


@dataclass(frozen=True, eq=False)
class Standing:
    """In one place. responses: to all microphones, (M, taps)."""

    responses: NDArray[np.float32]
    delay_s: float

    def hear(self, stream: SourceStream, channels: int | None) -> Reader:
        return OverlapSave(self.responses[:channels], stream.read).read

    def late_s(self, stream: SourceStream, time_s: float) -> float:
        return self.delay_s


@dataclass(frozen=True, eq=False)
class Around:
    """What is about a source that does not stand still. seed: of the late tails. microphones_m: (M, 3), the first is the reference."""

    room: CalibratedRoom
    microphones_m: NDArray[np.float64]
    rate_hz: int
    seed: int
    cache: DiskCache
    doorways: Sequence[Doorway] = ()


@dataclass(frozen=True, eq=False)
class Moving:
    """Along a course while it sounds."""

    course: Course
    around: Around

    def hear(self, stream: SourceStream, channels: int | None) -> Reader:
        around = self.around
        return MovingSource(
            around.room,
            self.course,
            around.microphones_m,
            around.rate_hz,
            stream.read,
            around.seed,
            around.cache,
            channels=channels,
        ).read

    def late_s(self, stream: SourceStream, time_s: float) -> float:
        (here,) = self.course.at(np.array([time_s]))
        away_m = float(np.linalg.norm(here - self.around.microphones_m[0]))
        return away_m / self.around.room.climate.speed_m_s


class Stepping:
    """Step by step along a path: each from where the foot falls, outside the room from the doorway next to it.

    passes_m: (S, 2), points of the path. A step outside reaches the doorway as late and as weak (1 / distance, beyond 1 m) as it is far
    from it, and comes through it as through `open_door` or `closed_door`.
    """

    def __init__(self, passes_m: NDArray[np.float64], through: Through, around: Around) -> None:
        self._through, self._around = through, around
        self._images: Images = images_of(around.room, around.microphones_m, around.rate_hz)
        passes = np.array([self._from(place)[0] for place in passes_m])
        self._tails: Tails = tails_along(
            around.room, passes, around.microphones_m, around.rate_hz, around.seed, around.cache
        )

    def hear(self, stream: SourceStream, channels: int | None) -> Reader:
        assert isinstance(stream, Footsteps), "nothing else goes step by step"
        return _Steps(stream, self._heard(stream, channels), len(self._around.microphones_m[:channels])).read

    def late_s(self, stream: SourceStream, time_s: float) -> float:
        assert isinstance(stream, Footsteps)
        steps = list(stream.each())
        if not steps:
            return 0.0
        begun = [step for step in steps if step.onset_s <= time_s + 0.5 / stream.rate_hz]
        place, before_m, _ = self._from((begun or steps[:1])[-1].place_m)
        way_m = before_m + float(np.linalg.norm(place - self._around.microphones_m[0]))
        return way_m / self._around.room.climate.speed_m_s

    def _heard(self, stream: Footsteps, channels: int | None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """First sample and sound of each step at the microphones, (M, samples)."""
        rate_hz = self._around.rate_hz
        for step in stream.each():
            audio, response, late = self._sound(step)
            samples = len(audio) + response.shape[1] - 1
            length = scipy.fft.next_fast_len(samples, real=True)
            spectrum = scipy.fft.rfft(audio, length) * scipy.fft.rfft(response[:channels], length)
            yield round(step.onset_s * rate_hz) + late, scipy.fft.irfft(spectrum, length)[:, :samples]

    def _sound(self, step: Step) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
        """What a step sends out where it is heard from, the response from there, and how many samples it is late there."""
        around = self._around
        speed = around.room.climate.speed_m_s
        place, before_m, door = self._from(step.place_m)
        through: Through = self._through
        if door is not None:
            through = "open_door" if door.open else "closed_door"
        audio = step.pressure(through) / np.float32(max(1.0, before_m / NEAR_M))
        early = early_responses(self._images, place, speed, around.rate_hz)
        late = np.einsum("mpt,p->mt", self._tails.responses, self._tails.shares(place[None])[:, 0])
        response = np.zeros((len(early), max(early.shape[1], late.shape[1])), np.float32)
        response[:, : early.shape[1]] += early
        response[:, : late.shape[1]] += late.astype(np.float32)
        return audio, response, round(before_m / speed * around.rate_hz)

    def _from(self, place_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, Doorway | None]:
        """Where in the room a step at (2,) is heard from, (3,), its way to there in m, and through which doorway."""
        size = np.asarray(self._around.room.size_m)
        if np.all((place_m > 0.0) & (place_m < size[:2])):
            return np.array([*place_m, SOLE_M]), 0.0, None
        door, threshold = nearest_doorway(self._around.doorways, self._around.room.size_m, place_m)
        inside = np.clip(threshold, THRESHOLD_M, size[:2] - THRESHOLD_M)
        return np.array([*inside, 0.5 * door.height_m]), float(np.hypot(*(place_m - threshold))), door


class _Steps:
    """Adds steps up where they fall. The way a trial is cut into reads changes no bit: they are added in their order."""

    def __init__(
        self, stream: Footsteps, coming: Iterator[tuple[int, NDArray[np.float32]]], channels: int
    ) -> None:
        self._stream, self._coming, self._channels = stream, coming, channels
        self._next = next(coming, None)
        self._sounding: list[tuple[int, NDArray[np.float32]]] = []
        self._position = 0

    def read(self, samples: int) -> NDArray[np.float32]:
        self._stream.read(samples)  # it tells its truth as it is read
        out = np.zeros((self._channels, samples), np.float32)
        begin, end = self._position, self._position + samples
        while self._next is not None and self._next[0] < end:
            self._sounding.append(self._next)
            self._next = next(self._coming, None)
        for at, audio in self._sounding:
            first, last = max(at, begin), min(at + audio.shape[1], end)
            if first < last:
                out[:, first - begin : last - begin] += audio[:, first - at : last - at]
        self._sounding = [one for one in self._sounding if one[0] + one[1].shape[1] > end]
        self._position = end
        return out
