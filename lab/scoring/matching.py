"""Truth against scores: targets with their peaks, and false alarms in the time that holds no target.

A target's window is the closed interval [onset - early_s, offset + latency_s], cut at onset + within_s; its guard is the
max(guard_s, refractory_s) before the window, half-open. A target is detected when the window reaches
the threshold and the guard does not; such a target always has an alarm of its own in the window.

Target-free is every moment of the trial outside [onset - early_s, offset + latency_s + refractory_s] of
every target: for one refractory time after the window the detector may still be ringing from the
target, so that time counts neither way. Each finite score stands for one hop of listening; a hop
without a score (warm-up, NaN) is not exposure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.interface import Event, ScoreTrack, alarm_indices, refractory_hops
from lab.scoring.levels import alarm_levels
from lab.scoring.outcome import Activity, Moment, Outcome, Target
from lab.scoring.records import MatchRule, ScoredTrial

_SLACK_HOPS = 1e-6  # truth that stands on a hop belongs to it, whatever the rounding


def match_trial(trial: ScoredTrial, rules: Iterable[MatchRule]) -> tuple[Outcome, ...]:
    """Match each rule with the track of its detector, stage and label.

    Errors: ValueError when a valid trial has no such track, or more than one.
    """
    outcomes = []
    for rule in rules:
        if trial.invalid is not None:
            outcomes.append(_empty(trial, rule))
            continue
        wanted = (rule.detector, rule.stage, rule.label)
        tracks = [track for track in trial.tracks if (track.detector, track.stage, track.label) == wanted]
        if len(tracks) != 1:
            raise ValueError(f"trial {trial.index}: {len(tracks)} score tracks for {wanted}, need one")
        outcomes.append(match(trial, tracks[0], rule))
    return tuple(outcomes)


def match(trial: ScoredTrial, track: ScoreTrack, rule: MatchRule) -> Outcome:
    """The outcome of one track. An invalid trial keeps its reason and nothing else."""
    if trial.invalid is not None:
        return _empty(trial, rule)
    truth = sorted((e for e in trial.truth if e.label == rule.label), key=lambda e: e.onset_s)
    scores = np.asarray(track.scores, dtype=np.float64)
    scores = scores[: _first(track, trial.duration_s + track.hop_s)]  # the last frame may run over the end
    counted = _target_free(track, rule, truth, len(scores))
    free = counted & np.isfinite(scores)
    hops = refractory_hops(rule.refractory_s, track.hop_s)
    alarms = alarm_indices(scores, rule.threshold, hops)
    false = alarms[free[alarms]]
    levels, floor = alarm_levels(scores, counted, hops, keep=max(64, 2 * len(false)))
    free_s = min(float(np.count_nonzero(free)) * track.hop_s, trial.duration_s)
    share = min(1.0, trial.distinct_s / trial.duration_s) if trial.duration_s > 0 else 0.0
    return Outcome(
        cell=dict(trial.cell),
        index=trial.index,
        clusters=dict(trial.clusters),
        recordings=_recordings(trial),
        rule=rule,
        targets=tuple(_target(event, track, scores, rule) for event in truth),
        free_s=free_s,
        distinct_free_s=free_s * share,
        false_alarms=tuple(_moment(track, scores, i) for i in false),
        activity=_activity(free & (scores >= rule.threshold), hops, track.hop_s),
        levels=tuple(Moment(_moment(track, scores, i).at_s, level) for i, level in levels),
        floor=floor,
    )


def _recordings(trial: ScoredTrial) -> tuple[str, ...]:
    if trial.recordings:
        return tuple(trial.recordings)
    return (trial.clusters["recording"],) if "recording" in trial.clusters else ()


def _empty(trial: ScoredTrial, rule: MatchRule) -> Outcome:
    return Outcome(
        cell=dict(trial.cell),
        index=trial.index,
        clusters=dict(trial.clusters),
        recordings=_recordings(trial),
        rule=rule,
        invalid=trial.invalid,
    )


def _first(track: ScoreTrack, time_s: float) -> int:
    """First hop at or after this time; never negative."""
    return max(0, math.ceil((time_s - track.start_s) / track.hop_s - _SLACK_HOPS))


def _after(track: ScoreTrack, time_s: float) -> int:
    """First hop strictly after this time; never negative."""
    return max(0, math.floor((time_s - track.start_s) / track.hop_s + _SLACK_HOPS) + 1)


def _moment(track: ScoreTrack, scores: NDArray, index: int) -> Moment:
    return Moment(round(track.start_s + track.hop_s * int(index), 9), float(scores[index]))


def _highest(scores: NDArray, first: int, end: int) -> int | None:
    part = scores[first:end]
    if not np.isfinite(part).any():
        return None
    return first + int(np.nanargmax(part))


def _target(event: Event, track: ScoreTrack, scores: NDArray, rule: MatchRule) -> Target:
    opens = event.onset_s - rule.early_s
    first, end = _first(track, opens), _after(track, rule.closes_s(event.onset_s, event.offset_s))
    guard = _highest(scores, _first(track, opens - max(rule.guard_s, rule.refractory_s)), first)
    peak = _highest(scores, first, end)
    target = Target(
        onset_s=float(event.onset_s),
        offset_s=float(event.offset_s),
        peak=None if peak is None else _moment(track, scores, peak),
        guard_peak=None if guard is None else float(scores[guard]),
        latency_s=None,
    )
    if not target.detected(rule.threshold):
        return target
    crossing = first + int(np.flatnonzero(scores[first:end] >= rule.threshold)[0])
    latency = round(track.start_s + track.hop_s * crossing - event.onset_s, 9)
    return Target(target.onset_s, target.offset_s, target.peak, target.guard_peak, latency)


def _target_free(
    track: ScoreTrack, rule: MatchRule, truth: Iterable[Event], length: int
) -> NDArray[np.bool_]:
    counted = np.ones(length, dtype=bool)
    for event in truth:
        first = _first(track, event.onset_s - rule.early_s)
        counted[first : _after(track, event.offset_s + rule.latency_s + rule.refractory_s)] = False
    return counted


def _activity(active: NDArray[np.bool_], hops: int, hop_s: float) -> Activity:
    where = np.flatnonzero(active)
    if len(where) == 0:
        return Activity()
    bout = np.cumsum(np.concatenate([[0], np.diff(where) > hops]))
    lengths = np.bincount(bout) * hop_s
    return Activity(
        seconds=float(lengths.sum()),
        seconds_squared=float((lengths**2).sum()),
        longest_s=float(lengths.max()),
        bouts=len(lengths),
    )
