"""What was heard in a trial, and how much of it was new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording heard in a trial, with what must be said of it.

    start_s: position inside the recording. at_s: position in the trial. duration_s: seconds heard. Of a
    loop that goes round and round one round is reported: the rest is the same audio.
    """

    source: str
    recording: str
    origin: str
    title: str
    author: str
    licence: str
    start_s: float
    at_s: float
    duration_s: float

    def moved(self, by_s: float, duration_s: float) -> Segment:
        """The same, `by_s` later in the trial, with `duration_s` heard."""
        return replace(self, at_s=self.at_s + by_s, duration_s=duration_s)


def distinct_seconds(segments: Iterable[Segment]) -> float:
    """Seconds of audio heard at least once: the union of [start, end) over each recording.

    Segments of many trials may be given together; what several of them play counts once.
    """
    heard: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for s in segments:
        heard[s.recording].append((s.start_s, s.start_s + s.duration_s))
    total = 0.0
    for spans in heard.values():
        reached = float("-inf")
        for start, end in sorted(spans):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
    return total
