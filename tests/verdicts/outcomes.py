"""Builders of outcomes for the verdict tests."""

from __future__ import annotations

from lab.scoring.outcome import Activity, Moment, Outcome, Target
from lab.scoring.records import MatchRule

RULE = MatchRule("watermark", threshold=1.0, refractory_s=5.0, guard_s=1.0, latency_s=1.0, detector="mark")


def detection(
    index: int, detected: bool = True, latency_s: float = 0.5, recording: str | None = None, **more
) -> Outcome:
    """A trial with one target."""
    peak = Moment(3.0, 2.0 if detected else 0.5)
    target = Target(2.5, 4.5, peak, 0.0, latency_s if detected else None)
    return _outcome(index, recording, targets=(target,), **more)


def listening(
    index: int, hours: float = 1.0, alarms: int = 0, active_s: float = 0.0, recording=None, **more
) -> Outcome:
    """A trial without a target. Each alarm lasts the same part of active_s."""
    each = active_s / alarms if alarms else 0.0
    moments = tuple(Moment(60.0 * i, 1.5) for i in range(alarms))
    more.setdefault("distinct_free_s", hours * 3600)
    return _outcome(
        index,
        recording,
        free_s=hours * 3600,
        false_alarms=moments,
        levels=moments,
        activity=Activity(active_s, alarms * each**2, each, alarms),
        **more,
    )


def invalid(index: int, reason: str = "lost block") -> Outcome:
    return _outcome(index, None, invalid=reason)


def _outcome(index, recording, cell=None, rule=RULE, room=None, **more) -> Outcome:
    name = recording if recording is not None else f"clip{index}"
    clusters = {"recording": name, "room": room if room is not None else f"room{index}"}
    return Outcome(cell or {}, index, clusters, (name,), rule, **more)
