"""The notifications of a recording: what a stack told of it, each with its stretch of the recording."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from detectors.interface import DEVICE, Event
from detectors.sound_events.clips import EXCERPTS, SUDDEN
from detectors.sound_events.uploads import Asked
from detectors.sound_events.verifier import RATE_HZ, SHORTEST_S, Clip
from lab.errors import BadInput
from lab.verifier.notifications import KEEP_DAYS, Notification, keep


def keep_told(
    folder: Path,
    recording: Path,
    events: Sequence[Event],
    asked: Sequence[Asked] = (),
    keep_days: float = KEEP_DAYS,
    twice: Collection[str] = (),
) -> list[Notification]:
    """Keep the sound events among `events`: those of the last stage alone, where a detector has two.

    asked: the detector's questions, `uploads.asked`; the one that an event answers gives its clip and verdict. twice: detectors that
    decide twice. Raises BadInput for a recording that cannot be read.
    """
    told = [event for event in events if event.label in EXCERPTS]
    last = [event for event in told if event.stage != DEVICE or event.detector not in twice]
    kept = []
    for event in last:
        question = _question(event, asked)
        device_score = _device_score(told, question) if question else None
        clip = _clip(recording, event, question)
        verdict = question.verdict if question else None
        kept.append(
            keep(
                folder,
                event,
                clip,
                verdict,
                source=recording.name,
                device_score=device_score,
                keep_days=keep_days,
            )
        )
    return kept


def stretch(recording: Path, label: str, start_s: float, end_s: float) -> Clip | None:
    """That much of a recording, the mean of its channels at 16 kHz, from its begin at the earliest to its end at the latest; None
    where less than 0.1 s is left. Only the stretch is read."""
    try:
        with soundfile.SoundFile(recording) as file:
            first = min(max(0, round(start_s * file.samplerate)), file.frames)
            file.seek(first)
            wanted = min(round(end_s * file.samplerate), file.frames) - first
            audio, rate_hz = file.read(max(0, wanted), dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput(f"{recording}: not readable as audio: {error}") from None
    mono = audio.mean(axis=1, dtype=np.float32)
    heard = mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ).astype(np.float32)
    return Clip(heard, label, first / rate_hz) if len(heard) >= SHORTEST_S * RATE_HZ else None


def _question(event: Event, asked: Sequence[Asked]) -> Asked | None:
    """The latest of the event's label whose answer counted when the event was told; scores of a track are 32 bit, times are hops."""
    answered = [one for one in asked if one.label == event.label and one.answered_s <= event.offset_s + 1e-6]
    return answered[-1] if answered else None


def _device_score(events: Sequence[Event], question: Asked) -> float | None:
    scores = [
        event.score
        for event in events
        if event.stage == DEVICE
        and event.label == question.label
        and question.start_s <= event.offset_s <= question.answered_s
    ]
    return max(scores, default=None)


def _clip(recording: Path, event: Event, question: Asked | None) -> Clip | None:
    if question is not None:
        return stretch(recording, event.label, question.start_s, question.start_s + question.duration_s)
    span = EXCERPTS[event.label]
    moment_s = event.onset_s if span == SUDDEN else event.offset_s
    return stretch(recording, event.label, moment_s - span.before_s, moment_s + span.after_s)
