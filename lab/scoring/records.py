"""What scoring takes in: a finished trial and the rule by which it is matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.interface import Event, ScoreTrack

Scalar = bool | int | float | str


@dataclass(frozen=True, eq=False)
class ScoredTrial:
    """One trial with its truth and what the stack made of it.

    cell: sweep key -> value. index: number of the trial in its cell.
    clusters: what trials of a cell may share (`room`, `recording`) -> its id.
    duration_s: length of the trial. distinct_s: seconds of audio that no other trial of this cell plays.
    truth: events as they reach the reference microphone. tracks: scores of the detectors.
    events: what the stack reported at the build's thresholds.
    invalid: why the trial must not count, None when it counts.
    recordings: distinct origin recordings heard; empty: the one in `clusters`.
    """

    cell: Mapping[str, Scalar]
    index: int
    clusters: Mapping[str, str]
    duration_s: float
    distinct_s: float
    truth: tuple[Event, ...]
    tracks: tuple[ScoreTrack, ...]
    events: tuple[Event, ...]
    invalid: str | None = None
    recordings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchRule:
    """How scores of one label meet the truth.

    threshold: the build's own; a score at or above it is an alarm.
    refractory_s: after an alarm no other fires for so long (>= 0).
    guard_s: the detector must have been below the threshold for so long before a target's onset (>= 0).
        The guard is never shorter than the refractory time: an alarm just before the onset would
        keep the detector from reporting the target.
    latency_s: a detection may come so long after a target's offset (>= 0).
    within_s: and no later than this after its onset (> 0), None for as long as it lasts.
    detector, stage: whose scores.
    early_s: a target's window opens so long before its onset (>= 0). Zero for truth that the lab
        made; truth marked by hand is known to some 0.2 s only.
    """

    label: str
    threshold: float
    refractory_s: float
    guard_s: float
    latency_s: float
    detector: str = ""
    stage: str = "device"
    early_s: float = 0.0
    within_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("refractory_s", "guard_s", "latency_s", "early_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"match rule for {self.label}: {name} must be 0 or more")
        if self.within_s is not None and not self.within_s > 0:
            raise ValueError(f"match rule for {self.label}: within_s must be above 0")

    def closes_s(self, onset_s: float, offset_s: float) -> float:
        """The last moment at which a target may be detected."""
        end_s = offset_s + self.latency_s
        return end_s if self.within_s is None else min(end_s, onset_s + self.within_s)
