"""What left the device: the figure for privacy beside the one for false alarms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from detectors.sound_events.verifier import Clip, State, Verdict


@dataclass(frozen=True)
class Asked:
    """One question and what came of it, without its sound. answered_s: time in the session from which the verdict counts."""

    label: str
    start_s: float
    duration_s: float
    answered_s: float
    verdict: Verdict


@dataclass
class Uploads:
    """Every question since the session began, sent or not, in order."""

    asked: list[Asked] = field(default_factory=list)

    def add(self, clip: Clip, verdict: Verdict, answered_s: float) -> None:
        self.asked.append(Asked(clip.label, clip.start_s, clip.duration_s, answered_s, verdict))

    @property
    def sent(self) -> list[Asked]:
        return [one for one in self.asked if one.verdict.sent]

    @property
    def clips(self) -> int:
        """How many left the device."""
        return len(self.sent)

    @property
    def seconds(self) -> float:
        """Of audio that left the device."""
        return sum(one.duration_s for one in self.sent)

    @property
    def by_label(self) -> Counter[str]:
        return Counter(one.label for one in self.sent)

    @property
    def states(self) -> Counter[State]:
        return Counter(one.verdict.state for one in self.asked)

    @property
    def unanswered(self) -> int:
        """Questions after which the device decided by itself."""
        return sum(not one.verdict.answered for one in self.asked)
