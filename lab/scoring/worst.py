"""The trials most worth listening to."""

from __future__ import annotations

from collections.abc import Iterable

from lab.scoring.outcome import Moment, Outcome, Target


def misses(outcomes: Iterable[Outcome], limit: int) -> list[tuple[Outcome, Target]]:
    """Undetected targets, the lowest peak first; at most one a trial."""
    found = []
    for outcome in outcomes:
        missed = [t for t in outcome.targets if not t.detected(outcome.rule.threshold)]
        if missed:
            found.append((outcome, min(missed, key=_height)))
    return sorted(found, key=lambda pair: (_height(pair[1]), pair[0].index))[:limit]


def false_alarms(outcomes: Iterable[Outcome], limit: int) -> list[tuple[Outcome, Moment]]:
    """The highest false alarms; at most one a trial."""
    found = [(o, max(o.false_alarms, key=lambda m: m.score)) for o in outcomes if o.false_alarms]
    return sorted(found, key=lambda pair: (-pair[1].score, pair[0].index))[:limit]


def _height(target: Target) -> float:
    return float("-inf") if target.peak is None else target.peak.score
