"""Media: what a television, a loudspeaker or a player sounds like, from a corpus or procedural.

Clips follow each other with short fades, each brought to the same loudness; one stretch may carry a watermark. The
audio is sound pressure at 1 m in a free field, mono, drawn from one seed, and streams in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from detectors.interface import Event
from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.placement import Height, Point, Rule
from lab.errors import BadInput
from lab.sources.library import PROCEDURAL, Library, open_library
from lab.sources.marking import WatermarkSpec, marked_stretch, marked_word, marked_word_alone
from lab.sources.moves import MovesSpec
from lab.sources.placed import Name, Schedule, check_place, starts
from lab.sources.segments import Segment
from lab.sources.stretch import Stretch, silence, stretch_of
from lab.spec import Spec

Class = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
REMEMBERED_S = 60.0  # what plays longer is made anew each time, in constant memory
# Keys of where a source is, which do not matter to what it plays.
NOWHERE = {"distance_m": 1.0, "position_m": None, "rule": None, "moves": None, "height": "tv"}
LEAD_S = (1.0, 4.0)  # host heard before a mark, when the source plays that long


class MediaSpec(Spec):
    """A source that plays recordings or procedural audio.

    corpus: `procedural`, a name on the shelf, or the path of a corpus file. classes: of the corpus; a clip's class is
    drawn with equal chance. Where it is: exactly one of `distance_m` (to the centre of the device), `position_m`, `rule`, `moves`;
    height: of a source placed by distance or moving.
    level_db_spl: RMS level at 1 m in a free field while active, 50 Hz-7 kHz; of the marked part when there is
    one. play: `loop_through` plays clip after clip to the end, `once` a single clip at each start. period_s: of
    `click_track`, `drum_loop` (one step) and `stutter`.
    """

    kind: Literal["media"]
    name: Name
    corpus: Annotated[str, StringConstraints(min_length=1, max_length=500)] = PROCEDURAL
    classes: Annotated[tuple[Class, ...], Field(strict=False, min_length=1, max_length=20)] = (
        "speech",
        "music",
    )
    distance_m: float | None = Field(None, ge=0.1, le=50.0)
    position_m: Point | None = None
    rule: Rule | None = None
    moves: MovesSpec | None = None
    height: Height = "tv"
    level_db_spl: float = Field(ge=20.0, le=120.0)
    start_s: float = Field(0.0, ge=0.0, le=86_400.0)
    schedule: Schedule | None = None
    play: Literal["loop_through", "once"] = "loop_through"
    period_s: float | None = Field(None, ge=0.02, le=10.0)
    watermark: WatermarkSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_place(self)
        if self.schedule is not None and self.play != "once":
            raise ValueError('schedule needs play = "once": one clip at each start')
        mark = self.watermark
        if mark is not None and self.play == "once":
            if mark.on != "word" or mark.start_s is not None:
                raise ValueError(
                    'play = "once" needs watermark.on = "word", without start_s: the mark lies on the clip'
                )
        elif mark is not None:
            if mark.start_s is None:
                raise ValueError('watermark.start_s is missing; only play = "once" goes without')
            if mark.start_s < self.start_s:
                raise ValueError(f"watermark.start_s: the source starts only at {self.start_s:g} s")
        return self


class MediaStream:
    """The audio of one media source in one trial: read it to the end, then look at what was heard.

    truth: marked stretches that count, in trial time, as they leave the source. measured: figures of the last marked
    stretch (`noise_to_mask_db`, `host_to_mark_db`, `active_share`). segments: what was heard so far.
    """

    def __init__(self, name: str, stretches: Iterator[Stretch], rate_hz: int, samples: int) -> None:
        self.name, self.rate_hz, self.samples = name, rate_hz, samples
        self.measured: dict[str, float] = {}
        self._stretches = stretches
        self._now: NDArray[np.float32] = np.zeros(0, np.float32)
        self._used = self._fetched = self._read = 0
        self._segments: list[Segment] = []
        self._truth: list[Event] = []
        self._marked: Segment | None = None

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples in Pa at 1 m, float32, shape (samples,); zeros after the end of the trial.

        The way a trial is cut into reads changes no bit.
        """
        out = np.zeros(samples, np.float32)
        filled, wanted = 0, min(samples, self.samples - self._read)
        while filled < wanted:
            if self._used == len(self._now):
                self._fetch()
            n = min(wanted - filled, len(self._now) - self._used)
            out[filled : filled + n] = self._now[self._used : self._used + n]
            self._used += n
            filled += n
        self._read += filled
        return out

    def chunks(self, samples: int) -> Iterator[NDArray[np.float32]]:
        """The whole trial in reads of `samples`; the last may be shorter."""
        while self._read < self.samples:
            yield self.read(min(samples, self.samples - self._read))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of recordings heard so far; complete once the trial has been read."""
        return tuple(s for s in self._segments if s.at_s < self._read / self.rate_hz)

    @property
    def truth(self) -> tuple[Event, ...]:
        """Marks begun so far, in order; complete once the trial has been read."""
        return tuple(self._truth)

    @property
    def cluster(self) -> str:
        """The original recording that bears the mark, or that was heard first: trials with the same one are alike."""
        if self._marked is not None:
            return self._marked.origin
        return self._segments[0].origin if self._segments else ""

    def _fetch(self) -> None:
        stretch = next(self._stretches)
        end_s, at_s = self.samples / self.rate_hz, self._fetched / self.rate_hz
        for s in stretch.segments:
            if (heard := min(s.duration_s, end_s - at_s - s.at_s)) > 0:
                self._segments.append(s.moved(at_s, heard))
        for event in stretch.truth:
            if event.onset_s + at_s < end_s:
                self._truth.append(Event(event.onset_s + at_s, event.offset_s + at_s, event.label))
        if stretch.marked is not None and self._marked is None:
            self._marked = stretch.marked
        self.measured |= stretch.measured
        self._now, self._used = stretch.audio, 0
        self._fetched += len(stretch.audio)


def open_media(
    spec: MediaSpec, *, seed: int, rate_hz: int, duration_s: float, split: str, folder: Path | None = None
) -> MediaStream:
    """Start a source for one trial. Raises BadInput for a corpus that is not there or a mark that does not fit.

    folder: holds the recordings; see `lab.corpora.audio.corpus_root`.
    """
    mark = spec.watermark
    if mark is not None and mark.start_s is not None and mark.start_s + mark.duration_s > duration_s:
        raise BadInput(
            f"source '{spec.name}': watermark.start_s + watermark.duration_s is "
            f"{mark.start_s + mark.duration_s:g} s, after the end of the trial at {duration_s:g} s"
        )
    if duration_s <= REMEMBERED_S:
        # Where a source stands is heard in the room, not in what it plays: cells of a distance sweep share it.
        sound = spec.model_copy(update=NOWHERE)
        stretches = iter(_remembered(sound, seed, rate_hz, duration_s, split, folder))
    else:
        stretches = _stretches(spec, seed, rate_hz, duration_s, split, folder)
    return MediaStream(spec.name, stretches, rate_hz, round(duration_s * rate_hz))


def _stretches(
    spec: MediaSpec, seed: int, rate_hz: int, duration_s: float, split: str, folder: Path | None
) -> Iterator[Stretch]:
    library = open_library(spec.corpus, spec.classes, split, rate_hz, spec.period_s, folder)
    rng = np.random.default_rng(seed)
    play = _once if spec.play == "once" else _loop_through
    return play(spec, library, rng, rate_hz, duration_s)


class _Remembered:
    """Stretches made once, as far as somebody listened, and heard from the start as often as asked."""

    def __init__(self, stretches: Iterator[Stretch]) -> None:
        self._coming, self._made = stretches, []

    def __iter__(self) -> Iterator[Stretch]:
        for position in count():
            if position == len(self._made):
                made = next(self._coming, None)
                if made is None:
                    return
                self._made.append(made)
            yield self._made[position]


@lru_cache(maxsize=4)
def _remembered(
    spec: MediaSpec, seed: int, rate_hz: int, duration_s: float, split: str, folder: Path | None
) -> _Remembered:
    """A trial plays each source twice, to set its level and to be heard; cells that share draws, again."""
    return _Remembered(_stretches(spec, seed, rate_hz, duration_s, split, folder))


def _loop_through(
    spec: MediaSpec, library: Library, rng: np.random.Generator, rate_hz: int, duration_s: float
) -> Iterator[Stretch]:
    gain = float(pa_from_db_spl(spec.level_db_spl))
    at = round(spec.start_s * rate_hz)
    yield from silence(at, rate_hz)
    mark, word = spec.watermark, None
    if mark is not None:
        word = False if mark.on == "word" else None
        # A few seconds of one host come before the mark.
        begin = max(at, round((mark.start_s - float(rng.uniform(*LEAD_S))) * rate_hz))
        while at < begin:
            clip = library.draw(rng, 0.0, (begin - at) / rate_hz, word)
            stretch = stretch_of(clip, spec.name, gain, begin - at)
            at += len(stretch.audio)
            yield stretch
        bearer = marked_word if mark.on == "word" else marked_stretch
        stretch = bearer(library, rng, spec.name, gain, mark, mark.start_s - at / rate_hz, rate_hz)
        at += len(stretch.audio)
        yield stretch
    while True:
        clip = library.draw(rng, 0.0, duration_s - at / rate_hz, word)
        at += len(clip.audio)
        yield stretch_of(clip, spec.name, gain)


def _once(
    spec: MediaSpec, library: Library, rng: np.random.Generator, rate_hz: int, duration_s: float
) -> Iterator[Stretch]:
    gain = float(pa_from_db_spl(spec.level_db_spl))
    at = 0
    for start_s in starts(spec, rng, duration_s):
        if spec.watermark is not None:
            stretch = marked_word_alone(library, rng, spec.name, gain, spec.watermark, rate_hz)
        else:
            stretch = stretch_of(library.draw(rng, 0.0, duration_s), spec.name, gain)
        first = max(at, round(start_s * rate_hz) - stretch.lead)
        yield from silence(first - at, rate_hz)
        at = first + len(stretch.audio)
        yield stretch
    yield from silence(max(0, round(duration_s * rate_hz) - at), rate_hz)
