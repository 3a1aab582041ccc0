"""Builders of trials for the scoring tests: a hop of 0.1 s unless told otherwise."""

from __future__ import annotations

import numpy as np

from detectors.interface import Event, ScoreTrack
from lab.scoring.records import MatchRule, ScoredTrial

LABEL = "watermark"


def track(scores, hop_s: float = 0.1, start_s: float = 0.0) -> ScoreTrack:
    return ScoreTrack("detector", LABEL, start_s, hop_s, np.asarray(scores, dtype=np.float32))


def target(onset_s: float, offset_s: float, label: str = LABEL) -> Event:
    return Event(onset_s, offset_s, label)


def trial(
    *truth: Event, tracks=(), duration_s: float = 10.0, invalid=None, index: int = 0, **kinds
) -> ScoredTrial:
    return ScoredTrial(
        cell={"distance_m": 3.0},
        index=index,
        clusters={"room": "r0", "recording": "clip0", **kinds},
        duration_s=duration_s,
        distinct_s=duration_s,
        truth=tuple(truth),
        tracks=tuple(tracks),
        events=(),
        invalid=invalid,
    )


def rule(threshold=1.0, refractory_s=0.1, guard_s=1.0, latency_s=1.0, **more) -> MatchRule:
    return MatchRule(LABEL, threshold, refractory_s, guard_s, latency_s, detector="detector", **more)


def quiet(*spikes: tuple[int, float], hops: int = 100) -> np.ndarray:
    """Scores of 0 with a score at each (hop, score)."""
    scores = np.zeros(hops)
    for hop, score in spikes:
        scores[hop] = score
    return scores
