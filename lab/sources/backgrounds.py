"""What goes on in a home for a while: television, talk, music, cooking, a vacuum cleaner, a fan, rain, a dog, a baby. No event is told.

Levels in dB SPL at 1 m while active, 50 Hz-7 kHz: television 55-72, conversation 55-66 (ANSI S3.5: 62.4 for normal effort), music 52-80,
kitchen 50-68, vacuum 64-78 (the European Union allows 80 dB(A) of power, 8 dB more than the level at 1 m; older ones are louder), fan 38-58, rain 40-60 at the window,
dog 75-95, baby 75-95. Recordings where a corpus has the class; a vacuum cleaner and a fan are always made by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from lab.acoustics.levels import pa_from_db_spl
from lab.sources.clip import faded
from lab.sources.cries import baby, dog
from lab.sources.householdlike import household_like
from lab.sources.library import PROCEDURAL, open_library
from lab.sources.loudness import active_rms
from lab.sources.musiclike import music_like
from lab.sources.placed import PlacedSpec, Sound, SoundStream, alike, starts
from lab.sources.segments import Segment
from lab.sources.speechlike import speech_like
from lab.sources.steady import PIECE_S, fan, pieces, rain, vacuum
from lab.sources.transmission import Through, transmission_filter

Heard = Literal["television", "conversation", "music", "kitchen", "vacuum", "fan", "rain", "dog", "baby"]
LEVEL_DB: dict[str, tuple[float, float]] = {
    "television": (55.0, 72.0),
    "conversation": (55.0, 66.0),
    "music": (52.0, 80.0),
    "kitchen": (50.0, 68.0),
    "vacuum": (64.0, 78.0),
    "fan": (38.0, 58.0),
    "rain": (40.0, 60.0),
    "dog": (75.0, 95.0),
    "baby": (75.0, 95.0),
}
# Classes of a corpus; what is not here is always made.
CLASSES: dict[str, tuple[str, ...]] = {
    "television": ("speech", "music"),
    "conversation": ("speech",),
    "music": ("music",),
    "kitchen": ("household",),
    "rain": ("rain",),
    "dog": ("dog",),
    "baby": ("baby",),
}
STEADY = {"vacuum": vacuum, "fan": fan, "rain": rain}
CRIES = {"dog": dog, "baby": baby}
REST_S = 2.0  # between two runs of one source, at least


class BackgroundSpec(PlacedSpec):
    """Something that goes on for `lasts_s` from each start. sound: what. level_db_spl: RMS at 1 m while active, 50 Hz-7 kHz; drawn
    from the range of the sound where not given. corpus: of its recordings, where it has the class; `procedural` makes all by
    seed. through: a door on the way."""

    kind: Literal["background"]
    sound: Heard
    lasts_s: float = Field(60.0, ge=1.0, le=86_400.0)
    corpus: Annotated[str, StringConstraints(min_length=1, max_length=500)] = PROCEDURAL
    through: Through = "air"

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the corpus; empty where nothing of it is played."""
        return () if self.corpus == PROCEDURAL else CLASSES.get(self.sound, ())


@dataclass(frozen=True, eq=False)
class _Part:
    """A stretch of a run: after_s of silence, then audio of about unit active RMS."""

    after_s: float
    audio: NDArray[np.float32]
    segment: Segment | None = None


class Background(SoundStream):
    """A background in one trial, with what was heard of recordings."""

    def __init__(self, *args, heard: list[Segment], **kwargs) -> None:
        self._played = heard
        super().__init__(*args, **kwargs)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of recordings begun so far, cut at the end of the trial."""
        end_s = self.samples / self.rate_hz
        return tuple(
            one.moved(0.0, min(one.duration_s, end_s - one.at_s))
            for one in self._played
            if one.at_s < self._read / self.rate_hz
        )


def open_background(
    spec: BackgroundSpec,
    *,
    seed: int,
    rate_hz: int,
    duration_s: float,
    split: str,
    folder: Path | None = None,
) -> Background:
    """Start a background for one trial. A pure function of its arguments. Raises BadInput for recordings that are not there."""
    rng = np.random.default_rng([seed, 0])
    level_db = float(rng.uniform(*LEVEL_DB[spec.sound])) if spec.level_db_spl is None else spec.level_db_spl
    heard: list[Segment] = []
    return Background(
        spec.name,
        _sounds(spec, level_db, seed, rate_hz, duration_s, split, folder, heard),
        rate_hz,
        duration_s,
        cluster=alike(spec.sound, spec.corpus, seed, split),
        measured={"level_db_spl": level_db},
        heard=heard,
    )


def _sounds(
    spec: BackgroundSpec,
    level_db: float,
    seed: int,
    rate_hz: int,
    duration_s: float,
    split: str,
    folder: Path | None,
    heard: list[Segment],
) -> Iterator[Sound]:
    gain = np.float32(pa_from_db_spl(level_db))
    door = None if spec.through == "air" else transmission_filter(spec.through, rate_hz)
    free = 0
    for number, start_s in enumerate(starts(spec, np.random.default_rng([seed, 1]), duration_s)):
        at = max(free, round(start_s * rate_hz))
        end = at + round(spec.lasts_s * rate_hz)
        free = end + round(REST_S * rate_hz)
        for part in _parts(spec, np.random.default_rng([seed, 2, number]), rate_hz, split, folder):
            at += round(part.after_s * rate_hz)
            audio = part.audio[: max(0, end - at)]
            if not len(audio):
                break
            if len(audio) < len(part.audio):
                audio = faded(audio, rate_hz)
            if part.segment is not None:
                heard.append(part.segment.moved(at / rate_hz, len(audio) / rate_hz))
            at += len(audio)
            loud = audio if door is None else scipy.signal.oaconvolve(audio, door)
            yield Sound((at - len(audio)) / rate_hz, (gain * loud).astype(np.float32))


def _parts(
    spec: BackgroundSpec, rng: np.random.Generator, rate_hz: int, split: str, folder: Path | None
) -> Iterator[_Part]:
    """A run, for ever."""
    if spec.classes:
        return _recorded(spec, rng, rate_hz, split, folder)
    if spec.sound in STEADY:
        return _steady(spec.sound, rng, rate_hz)
    if spec.sound in CRIES:
        return _crying(spec.sound, rng, rate_hz)
    return _made(spec.sound, rng, rate_hz)


def _recorded(
    spec: BackgroundSpec, rng: np.random.Generator, rate_hz: int, split: str, folder: Path | None
) -> Iterator[_Part]:
    library = open_library(spec.corpus, spec.classes, split, rate_hz, None, folder)
    while True:
        clip = library.draw(rng, 0.0, PIECE_S)
        yield _Part(_gap_s(spec.sound, rng), clip.audio, clip.segment(spec.name, 0.0, len(clip.audio)))


def _steady(sound: str, rng: np.random.Generator, rate_hz: int) -> Iterator[_Part]:
    level = None
    for audio in pieces(STEADY[sound](rng, rate_hz), rng, rate_hz):
        level = level or active_rms(audio, rate_hz)
        yield _Part(0.0, (audio / level).astype(np.float32))


def _crying(sound: str, rng: np.random.Generator, rate_hz: int) -> Iterator[_Part]:
    level = None
    for wait_s, audio in CRIES[sound](rng, rate_hz):
        level = level or max(1e-9, active_rms(audio, rate_hz))
        yield _Part(wait_s, (audio / level).astype(np.float32))


def _made(sound: str, rng: np.random.Generator, rate_hz: int) -> Iterator[_Part]:
    while True:
        seed, seconds = int(rng.integers(2**62)), float(rng.uniform(4.0, 14.0))
        audio = _maker(sound, rng)(seed, rate_hz, seconds)
        audio = faded(audio / np.float32(max(1e-9, active_rms(audio, rate_hz))), rate_hz)
        yield _Part(_gap_s(sound, rng), audio)


def _maker(sound: str, rng: np.random.Generator) -> Callable[[int, int, float], NDArray[np.float32]]:
    if sound == "kitchen":
        return household_like
    if sound == "music":
        return music_like
    if sound == "conversation":
        return speech_like
    # A programme: mostly talk, then music, then talk over music.
    share = rng.random()
    if share < 0.5:
        return speech_like
    return music_like if share < 0.7 else _talk_over_music(float(rng.uniform(-18.0, -6.0)))


def _talk_over_music(music_db: float) -> Callable[[int, int, float], NDArray[np.float32]]:
    def make(seed: int, rate_hz: int, seconds: float) -> NDArray[np.float32]:
        talk, music = speech_like(seed, rate_hz, seconds), music_like(seed, rate_hz, seconds)
        n = min(len(talk), len(music))
        gain = (
            math.pow(10.0, music_db / 20.0)
            * active_rms(talk, rate_hz)
            / max(1e-9, active_rms(music, rate_hz))
        )
        return (talk[:n] + np.float32(gain) * music[:n]).astype(np.float32)

    return make


def _gap_s(sound: str, rng: np.random.Generator) -> float:
    """Silence before the next part: people who talk pause, a dog and a baby rest."""
    if sound == "conversation":
        return float(rng.uniform(0.1, 3.0))
    return float(rng.uniform(0.5, 4.0)) if sound in CRIES else 0.0
