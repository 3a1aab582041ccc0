"""Whether what a detector answers is what it said it would: foreign code is believed no further than it can be checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from detectors.errors import DetectorFault
from detectors.interface import DEVICE, Detector, ScoreTrack

_MUST_HAVE = ("labels", "needs", "open", "feed", "tracks")


def check_detector(detector: object, where: str) -> None:
    """where: build and detector, for the message. Raises DetectorFault for what is no detector."""
    missing = [name for name in _MUST_HAVE if not hasattr(detector, name)]
    if missing:
        raise DetectorFault(
            f"{where}: a {type(detector).__name__} without {', '.join(missing)} is no detector", ""
        )
    labels = detector.labels
    if isinstance(labels, str) or not labels or not all(isinstance(label, str) for label in labels):
        raise DetectorFault(f"{where}: labels = {labels!r}: a tuple of at least one label", "")


def check_tracks(tracks: Sequence[object], detector: Detector, name: str, heard_s: float, where: str) -> None:
    """One track for each label and stage, of scores that can be held against time. heard_s: length of the session. Raises DetectorFault."""
    wanted = {(label, stage) for label in detector.labels for stage in getattr(detector, "stages", (DEVICE,))}
    found: set[tuple[str, str]] = set()
    for track in tracks:
        if not isinstance(track, ScoreTrack):
            raise DetectorFault(
                f"{where}: tracks() answers a {type(track).__name__}; a ScoreTrack is wanted", ""
            )
        of = f"{where}: the score track of label {track.label!r}, stage {track.stage!r}"
        if track.detector != name:
            raise DetectorFault(f"{of} names detector {track.detector!r}", "")
        if (track.label, track.stage) not in wanted:
            told = ", ".join(f"{label!r}, stage {stage!r}" for label, stage in sorted(wanted))
            raise DetectorFault(f"{of} is none that it reports; there may be: {told}", "")
        if (track.label, track.stage) in found:
            raise DetectorFault(f"{of} comes twice", "")
        found.add((track.label, track.stage))
        for wrong in _wrong(track, heard_s):
            raise DetectorFault(f"{of}: {wrong}", "")
    for label, stage in sorted(wanted - found):
        raise DetectorFault(f"{where}: no score track of label {label!r}, stage {stage!r}", "")


def _wrong(track: ScoreTrack, heard_s: float) -> Iterator[str]:
    scores = np.asarray(track.scores)
    if scores.ndim != 1 or not np.issubdtype(scores.dtype, np.floating):
        yield f"scores of shape {scores.shape} and type {scores.dtype}; (hops,) of float32 are wanted"
        return
    for key, least in (("hop_s", 0.0), ("start_s", 0.0), ("span_s", 0.0)):
        value = getattr(track, key)
        if not math.isfinite(value) or value < least or (key == "hop_s" and value == 0.0):
            yield f"{key} = {value:g}: seconds, {'above' if key == 'hop_s' else 'at least'} 0"
            return
    infinite = np.flatnonzero(np.isinf(scores))
    if len(infinite):
        yield f"score {infinite[0]} is {scores[infinite[0]]:g}; numbers are wanted, NaN where it was not sensing"
    last_s = track.start_s + track.hop_s * (len(scores) - 1)
    if len(scores) and last_s > heard_s + track.hop_s * (1.0 + 1e-6):
        yield f"its last score is of {last_s:g} s, {heard_s:g} s were heard"
