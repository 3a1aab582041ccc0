"""A day at home, rendered: hundreds of sounds at a few places, each opened when it begins and closed when it is over.

    occurrences -> sources of each place, summed (Pa at 1 m) -> response of the place -> Pa at each microphone

Work is done only where something sounds. Frames of a second lie on a fixed grid, so the way a trial is cut into blocks changes no bit;
memory holds what sounds at the moment and one response a place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detectors.interface import Event
from lab.sources.catalogue import SourceStream, source_of
from lab.sources.days import Occurrence
from lab.sources.placed import PlacedSpec
from lab.sources.segments import Segment

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Place:
    """responses: to all microphones, (M, taps). delay_s: of the direct sound to the reference microphone."""

    responses: NDArray[np.float32]
    delay_s: float


@dataclass(eq=False)
class _Sounding:
    """An occurrence that has begun. began_s: of the frame in which it was opened, from which its stream counts."""

    stream: SourceStream
    began_s: float
    place: Point


class Day:
    """What happens in one trial, and what is heard of it: `read` to the end, then look at `truth` and `segments`.

    occurrences: by time. place: of a point in the room. play: starts a source so many seconds before its trial ends.
    """

    def __init__(
        self,
        occurrences: Sequence[Occurrence],
        place: Callable[[Point], Place],
        play: Callable[[PlacedSpec, float], SourceStream],
        rate_hz: int,
        duration_s: float,
        channels: int,
    ) -> None:
        self._coming = list(reversed(occurrences))
        self._place, self._play = place, play
        self._places: dict[Point, _Heard] = {}
        self._rate_hz, self._duration_s, self._channels = rate_hz, duration_s, channels
        self._sounding: list[_Sounding] = []
        self._truth: list[Event] = []
        self._segments: list[Segment] = []
        self._frames = self._rendered()
        self._now, self._used = np.zeros((channels, 0), np.float32), 0

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples at the microphones in Pa, (M, samples)."""
        out = np.empty((self._channels, samples), np.float32)
        filled = 0
        while filled < samples:
            if self._used == self._now.shape[1]:
                self._now, self._used = next(self._frames), 0
            n = min(samples - filled, self._now.shape[1] - self._used)
            out[:, filled : filled + n] = self._now[:, self._used : self._used + n]
            filled += n
            self._used += n
        return out

    @property
    def truth(self) -> tuple[Event, ...]:
        """As it reaches the reference microphone, of all that has begun so far."""
        found = list(self._truth)
        for one in self._sounding:
            found += self._told(one)
        return tuple(sorted(found, key=lambda event: event.onset_s))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of recordings heard so far."""
        found = list(self._segments)
        for one in self._sounding:
            found += self._played(one)
        return tuple(sorted(found, key=lambda segment: segment.at_s))

    def _rendered(self) -> Iterator[NDArray[np.float32]]:
        """Frames of a second, (M, rate_hz), for ever."""
        frame, first = self._rate_hz, 0
        tail = np.zeros((self._channels, 0), np.float32)
        while True:
            self._open(first / self._rate_hz, (first + frame) / self._rate_hz)
            dry: dict[Point, NDArray[np.float32]] = defaultdict(lambda: np.zeros(frame, np.float32))
            for one in self._sounding:
                dry[one.place] += one.stream.read(frame)
            wet = [self._heard(place).process(audio) for place, audio in dry.items() if audio.any()]
            reach = max([frame, tail.shape[1], *(audio.shape[1] for audio in wet)])
            total = np.zeros((self._channels, reach), np.float32)
            for audio in (tail, *wet):
                total[:, : audio.shape[1]] += audio
            yield total[:, :frame]
            tail = total[:, frame:]
            self._close()
            first += frame

    def _open(self, begin_s: float, end_s: float) -> None:
        while self._coming and self._coming[-1].at_s < end_s:
            source = self._coming.pop().source
            spec = source_of(source | {"start_s": max(0.0, source["start_s"] - begin_s)})
            stream = self._play(spec, self._duration_s - begin_s)
            self._sounding.append(_Sounding(stream, begin_s, spec.position_m))

    def _close(self) -> None:
        for one in self._sounding:
            if one.stream.over:
                self._truth += self._told(one)
                self._segments += self._played(one)
        self._sounding = [one for one in self._sounding if not one.stream.over]

    def _told(self, one: _Sounding) -> list[Event]:
        late_s = one.began_s + self._heard(one.place).delay_s
        return [
            replace(event, onset_s=event.onset_s + late_s, offset_s=event.offset_s + late_s)
            for event in one.stream.truth
        ]

    def _played(self, one: _Sounding) -> list[Segment]:
        return [segment.moved(one.began_s, segment.duration_s) for segment in one.stream.segments]

    def _heard(self, place: Point) -> _Heard:
        if place not in self._places:
            found = self._place(place)
            self._places[place] = _Heard(found.responses[: self._channels], found.delay_s, self._rate_hz)
        return self._places[place]


class _Heard:
    """A place with the spectra of its responses; each frame is convolved whole, its tail handed on."""

    def __init__(self, responses: NDArray[np.float32], delay_s: float, frame: int) -> None:
        self.delay_s = delay_s
        self._samples = frame + responses.shape[1] - 1
        self._fft = scipy.fft.next_fast_len(self._samples, real=True)
        self._spectra = scipy.fft.rfft(responses, self._fft, axis=-1)

    def process(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frame,) to (M, frame + taps - 1)."""
        spectrum = scipy.fft.rfft(audio, self._fft)
        return scipy.fft.irfft(self._spectra * spectrum, self._fft, axis=-1)[:, : self._samples]
