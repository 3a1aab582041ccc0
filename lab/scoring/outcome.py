"""What one trial says about one label of one detector: small, and all that a verdict needs.

An outcome is computed once, while the score track is at hand; tracks of hours need not stay in memory.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lab.scoring.records import MatchRule, Scalar


@dataclass(frozen=True)
class Moment:
    """A score and when it stood, in seconds from the start of the trial."""

    at_s: float
    score: float


@dataclass(frozen=True)
class Target:
    """One truth event of the label.

    peak: highest score in the window [onset - early, offset + latency], None without a score there.
    guard_peak: highest score in the guard before the window, None without a score there.
    latency_s: first score at or above the build's threshold, relative to the onset; None when the
    target is not detected.
    """

    onset_s: float
    offset_s: float
    peak: Moment | None
    guard_peak: float | None
    latency_s: float | None

    def detected(self, threshold: float) -> bool:
        """The window reaches the threshold and the guard does not."""
        return self.peak is not None and self.peak.score >= threshold and not self.guard_violated(threshold)

    def guard_violated(self, threshold: float) -> bool:
        return self.guard_peak is not None and self.guard_peak >= threshold


@dataclass(frozen=True)
class Activity:
    """Target-free time at or above the build's threshold, in bouts.

    Stretches less than a refractory time apart make one bout. seconds: active time of all bouts;
    seconds_squared: sum of their squares (s^2); longest_s: active time of the longest.
    """

    seconds: float = 0.0
    seconds_squared: float = 0.0
    longest_s: float = 0.0
    bouts: int = 0


@dataclass(frozen=True)
class Outcome:
    """One trial, one (detector, stage, label).

    free_s: target-free time in which the detector gave scores. distinct_free_s: its share of audio
    that no other trial of the cell plays.
    false_alarms: alarms of the stack in target-free time, at the build's threshold.
    levels: descending; at a threshold t the detector raises as many false alarms as there are levels
    >= t. Complete above `floor` (None: complete).
    invalid: the reason why the trial counts for nothing but the number of invalid trials.
    """

    cell: Mapping[str, Scalar]
    index: int
    clusters: Mapping[str, str]
    recordings: tuple[str, ...]
    rule: MatchRule
    targets: tuple[Target, ...] = ()
    free_s: float = 0.0
    distinct_free_s: float = 0.0
    false_alarms: tuple[Moment, ...] = ()
    activity: Activity = Activity()
    levels: tuple[Moment, ...] = ()
    floor: float | None = None
    invalid: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.rule.detector, self.rule.stage, self.rule.label

    def asked(self, labels: Container[str]) -> Outcome:
        """As it counts where these labels are expected: what is true but not asked for is no target; its time is no exposure either way."""
        return self if self.rule.label in labels else replace(self, targets=())

    def to_json(self) -> dict[str, Any]:
        """Plain values only; no NaN and no infinity."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Outcome:
        data = dict(stored)
        data["rule"] = MatchRule(**data["rule"])
        data["recordings"] = tuple(data["recordings"])
        data["targets"] = tuple(_target(target) for target in data["targets"])
        data["false_alarms"] = tuple(Moment(**moment) for moment in data["false_alarms"])
        data["levels"] = tuple(Moment(**moment) for moment in data["levels"])
        data["activity"] = Activity(**data["activity"])
        return cls(**data)


def _target(data: dict[str, Any]) -> Target:
    peak = Moment(**data["peak"]) if data["peak"] is not None else None
    return Target(**{**data, "peak": peak})
