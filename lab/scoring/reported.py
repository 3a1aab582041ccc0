"""Detectors known only by what they reported: onset, offset, label, at a threshold of their own.

A detection is an alarm at its onset and in alarm until its offset; it stands for a score of 1. Windows,
guards and target-free time are those of `lab.scoring.matching`.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.interface import Event
from lab.scoring.outcome import Activity, Moment, Outcome, Target
from lab.scoring.records import MatchRule, ScoredTrial

REPORTED = 0.5  # the threshold to put in the rule: between no detection (0) and a detection (1)

Span = tuple[float, float]


def match_reported(trial: ScoredTrial, rule: MatchRule) -> Outcome:
    """The outcome of one trial from `trial.events`. Detections closer than the refractory time are one alarm."""
    recordings = trial.recordings or ((trial.clusters["recording"],) if "recording" in trial.clusters else ())
    cell, clusters = dict(trial.cell), dict(trial.clusters)
    if trial.invalid is not None:
        return Outcome(cell, trial.index, clusters, recordings, rule, invalid=trial.invalid)
    truth = sorted((e for e in trial.truth if e.label == rule.label), key=lambda e: e.onset_s)
    said = sorted((e for e in trial.events if e.label == rule.label), key=lambda e: e.onset_s)
    taken = _union((e.onset_s - rule.early_s, e.offset_s + rule.latency_s + rule.refractory_s) for e in truth)
    free = _without((0.0, trial.duration_s), taken)
    free_s = sum(end - start for start, end in free)
    false = [Moment(at, 1.0) for at in _alarms(said, rule) if any(a <= at < b for a, b in free)]
    share = min(1.0, trial.distinct_s / trial.duration_s) if trial.duration_s > 0 else 0.0
    return Outcome(
        cell=cell,
        index=trial.index,
        clusters=clusters,
        recordings=recordings,
        rule=rule,
        targets=tuple(_target(event, said, rule) for event in truth),
        free_s=free_s,
        distinct_free_s=free_s * share,
        false_alarms=tuple(false),
        activity=_activity(said, free, rule.refractory_s),
        levels=tuple(false),
    )


def _alarms(said: Sequence[Event], rule: MatchRule) -> list[float]:
    fired: list[float] = []
    for event in said:
        if not fired or event.onset_s - fired[-1] >= rule.refractory_s:
            fired.append(event.onset_s)
    return fired


def _target(event: Event, said: Sequence[Event], rule: MatchRule) -> Target:
    opens, closes = event.onset_s - rule.early_s, rule.closes_s(event.onset_s, event.offset_s)
    guarded = opens - max(rule.guard_s, rule.refractory_s)
    before = any(e.onset_s < opens and max(e.offset_s, e.onset_s) > guarded for e in said)
    within = [e for e in said if e.onset_s <= closes and (e.onset_s >= opens or e.offset_s > opens)]
    first = max(within[0].onset_s, opens) if within else None
    return Target(
        onset_s=event.onset_s,
        offset_s=event.offset_s,
        peak=Moment(opens if first is None else first, float(first is not None)),
        guard_peak=float(before and opens > guarded),
        latency_s=first - event.onset_s if first is not None and not (before and opens > guarded) else None,
    )


def _activity(said: Sequence[Event], free: Sequence[Span], gap_s: float) -> Activity:
    spans = _union((e.onset_s, e.offset_s) for e in said)
    active = [(max(a, c), min(b, d)) for a, b in spans for c, d in free if max(a, c) < min(b, d)]
    bouts: list[float] = []
    last = None
    for start, end in sorted(active):
        if last is not None and start - last <= gap_s:
            bouts[-1] += end - start
        else:
            bouts.append(end - start)
        last = end
    return Activity(sum(bouts), sum(bout**2 for bout in bouts), max(bouts, default=0.0), len(bouts))


def _union(spans) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _without(whole: Span, taken: Sequence[Span]) -> list[Span]:
    left, at = [], whole[0]
    for start, end in taken:
        if start > at:
            left.append((at, min(start, whole[1])))
        at = max(at, end)
        if at >= whole[1]:
            return left
    return [*left, (at, whole[1])]
