"""What left the device: the figure for privacy beside the one for false alarms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from detectors.sound_events.verifier import Clip, State, Verdict

DAY_S = 86_400.0


@dataclass
class Uploads:
    """Counted since the session began. by_label: clips that were sent. seconds: of audio in them. states: every question,
    sent or not, by how the verifier was."""

    by_label: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    states: Counter[State] = field(default_factory=Counter)

    def add(self, clip: Clip, verdict: Verdict) -> None:
        self.states[verdict.state] += 1
        if verdict.sent:
            self.by_label[clip.label] += 1
            self.seconds += clip.duration_s

    @property
    def clips(self) -> int:
        return self.by_label.total()

    @property
    def unanswered(self) -> int:
        """Questions after which the device decided by itself."""
        return self.states.total() - self.states[State.OK]

    def clips_per_day(self, heard_s: float) -> float:
        """heard_s: > 0, how long the device has listened."""
        return self.clips * DAY_S / heard_s

    def seconds_per_day(self, heard_s: float) -> float:
        return self.seconds * DAY_S / heard_s
