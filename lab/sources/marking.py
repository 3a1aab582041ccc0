"""Where in a media source the watermark lies, and what it costs there.

The host of a mark is chosen so that there is something to hide it in: cuts that are nearly silent there are drawn
again. No mark is louder than the lab's noise-to-mask limit allows. The marked part itself is brought to the asked level, so that a stated SNR is the SNR of the mark's host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from detectors.errors import DetectorError
from detectors.interface import Event
from detectors.watermark.embedder import embed
from detectors.watermark.key import Key, load_named
from lab.acoustics.hearing import noise_to_mask
from lab.acoustics.levels import db_spl_from_pa
from lab.errors import BadInput
from lab.sources.clip import Clip
from lab.sources.library import Library
from lab.sources.loudness import active_rms, active_share
from lab.sources.segments import Segment
from lab.sources.stretch import Stretch
from lab.spec import Spec

LABEL = "watermark"
SINE_OF_1_PA_DB_SPL = float(db_spl_from_pa(np.sqrt(0.5)))
NOISE_TO_MASK_LIMIT_DB = -3.0  # a mark the lab's measure finds louder is turned down to this
AFTER_S = 0.25  # host that goes on after the mark
LONGEST_WORD_S = 4.0  # of procedural clips that stand in for a word
ATTEMPTS = 16
AUDIBLE = 10 ** (-30 / 20)  # a frame counts as host above this, relative to the clip's active RMS
ENOUGH_SHARE, ENOUGH_LEVEL = 0.75, 10 ** (-12 / 20)


class WatermarkSpec(Spec):
    """A mark in a source.

    key: a key of `detectors/watermark/keys`, or the path of a key file. on: `time` takes the host as it comes;
    `word` has a clip in its middle (one of class `wake_word` where the source has that class). start_s: when the mark
    begins, in trial time; left out when a word is played `once`, for then the clip says when. expected: false when the device must ignore it, as with a stranger's key.
    """

    key: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    start_s: float | None = Field(None, ge=0.0, le=86_400.0)
    duration_s: float = Field(2.05, ge=2.048, le=60.0)
    on: Literal["time", "word"] = "time"
    expected: bool = True

    def load_key(self) -> Key:
        """Raises BadInput when there is no such key."""
        try:
            return load_named(self.key)
        except DetectorError as error:
            raise BadInput(f"watermark.key: {error}") from None


@dataclass(frozen=True, eq=False)
class _Host:
    """Clips one after the other from sample `first_at` on, RMS about 1; audio: shape (samples,)."""

    audio: NDArray[np.float32]
    clips: tuple[Clip, ...]
    first_at: int = 0

    def segments(self, source: str, rate_hz: int) -> tuple[Segment, ...]:
        segments, at = [], self.first_at
        for clip in self.clips:
            segments.append(clip.segment(source, at / rate_hz, len(clip.audio)))
            at += len(clip.audio)
        return tuple(segments)


def marked_stretch(
    library: Library,
    rng: np.random.Generator,
    source: str,
    gain: float,
    mark: WatermarkSpec,
    lead_s: float,
    rate_hz: int,
) -> Stretch:
    """Host clips with the mark `lead_s` after the first begins; the last clip goes on to its end."""
    first, length = round(lead_s * rate_hz), round(mark.duration_s * rate_hz)
    least_s = (first + length) / rate_hz + AFTER_S
    best, best_share = None, -1.0
    for _ in range(ATTEMPTS):
        clips = _clips(library, rng, least_s)
        host = _Host(_joined(clips), clips)
        part = host.audio[first : first + length]
        share = active_share(part, rate_hz, AUDIBLE)
        if active_rms(part, rate_hz) < ENOUGH_LEVEL:
            share *= 0.5
        if share > best_share:
            best, best_share = host, share
        if best_share >= ENOUGH_SHARE:
            break
    return _marked(best, source, gain, mark, first, rate_hz)


def marked_word(
    library: Library,
    rng: np.random.Generator,
    source: str,
    gain: float,
    mark: WatermarkSpec,
    lead_s: float,
    rate_hz: int,
) -> Stretch:
    """A word among other clips: the mark begins after `lead_s`, with the word in its middle."""
    word, first = _word(library, rng, mark, rate_hz)
    before = round(lead_s * rate_hz) - first  # samples from the first clip's start to the word's
    earlier = _ending(_clips(library, rng, before / rate_hz, False), before) if before > 0 else ()
    if before < 0:
        word, first = word.cut(-before, len(word.audio)), first + before
    after = first + round((mark.duration_s + AFTER_S) * rate_hz) - len(word.audio)
    later = _clips(library, rng, after / rate_hz, False) if after > 0 else ()
    first += sum(len(clip.audio) for clip in earlier)
    clips = (*earlier, word, *later)
    return _marked(_Host(_joined(clips), clips), source, gain, mark, first, rate_hz)


def marked_word_alone(
    library: Library, rng: np.random.Generator, source: str, gain: float, mark: WatermarkSpec, rate_hz: int
) -> Stretch:
    """A single word with the mark centred on it, in silence; `lead` is how long the mark begins before it."""
    word, first = _word(library, rng, mark, rate_hz)
    length = round(mark.duration_s * rate_hz)
    before, after = max(0, -first), max(0, first + length - len(word.audio))
    host = _Host(np.pad(word.audio, (before, after)), (word,), before)
    return _marked(host, source, gain, mark, first + before, rate_hz, lead=before)


def _word(library: Library, rng: np.random.Generator, mark: WatermarkSpec, rate_hz: int) -> tuple[Clip, int]:
    """A word, and where in it the mark begins; below 0 when the mark is the longer."""
    word = library.draw(rng, 0.0, LONGEST_WORD_S, True)
    return word, word.focus - round(mark.duration_s * rate_hz) // 2


def _ending(clips: tuple[Clip, ...], samples: int) -> tuple[Clip, ...]:
    """The last `samples` of clips played one after the other."""
    kept: list[Clip] = []
    for clip in reversed(clips):
        if samples <= 0:
            break
        kept.insert(
            0, clip if len(clip.audio) <= samples else clip.cut(len(clip.audio) - samples, len(clip.audio))
        )
        samples -= len(clip.audio)
    return tuple(kept)


def _joined(clips: tuple[Clip, ...]) -> NDArray[np.float32]:
    return np.concatenate([clip.audio for clip in clips])


def _clips(
    library: Library, rng: np.random.Generator, least_s: float, word: bool | None = None
) -> tuple[Clip, ...]:
    clips = [library.draw(rng, least_s, least_s, word)]
    while (missing := least_s - sum(len(c.audio) for c in clips) / clips[0].rate_hz) > 0:
        clips.append(library.draw(rng, 0.0, missing + 1.0, word))
    return tuple(clips)


def _marked(
    host: _Host, source: str, gain: float, mark: WatermarkSpec, first: int, rate_hz: int, lead: int = 0
) -> Stretch:
    part = slice(first, first + round(mark.duration_s * rate_hz))
    level = max(active_rms(host.audio[part], rate_hz), 0.5 * ENOUGH_LEVEL)
    audio = host.audio * np.float32(gain / level)
    try:
        marked = embed(
            audio,
            rate_hz,
            mark.load_key(),
            start_s=first / rate_hz,
            duration_s=mark.duration_s,
            full_scale_db_spl=SINE_OF_1_PA_DB_SPL,
        )
    except DetectorError as error:
        raise BadInput(f"source '{source}': watermark: {error}") from None
    segments = host.segments(source, rate_hz)
    heard = noise_to_mask(audio[part], marked.audio[part], rate_hz, full_scale_db_spl=SINE_OF_1_PA_DB_SPL)
    over_db = max(0.0, float(heard.mean_db) - NOISE_TO_MASK_LIMIT_DB)
    return Stretch(
        audio=audio + np.float32(10 ** (-over_db / 20)) * (marked.audio - audio),
        segments=segments,
        truth=(Event(marked.onset_s, marked.offset_s, LABEL),) if mark.expected else (),
        measured={
            "noise_to_mask_db": float(heard.mean_db) - over_db,
            "host_to_mark_db": float(marked.host_to_mark_db) + over_db,
            "active_share": active_share(host.audio[part], rate_hz, AUDIBLE),
        },
        lead=lead,
        marked=max(segments, key=lambda s: _overlap(s, marked.onset_s, marked.offset_s)),
    )


def _overlap(segment: Segment, start_s: float, end_s: float) -> float:
    return min(end_s, segment.at_s + segment.duration_s) - max(start_s, segment.at_s)
