"""What the same pass says of a detector's other labels on the trials of a row: whoever moves should also be present, and what moves in an
empty room may be told as a motion though nobody is called present."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.interface import ScoreTrack
from lab.runs.campaign import Campaign
from lab.runs.evidence import EvidenceRow
from lab.scoring.outcome import Outcome, Target
from lab.store.records import TrialRecord
from lab.store.store import Store
from lab.verdicts.exposure import exposure

PRESENCE, MAJOR = "presence", "major_motion"


@dataclass(frozen=True)
class Told:
    """in_time: of `targets`, those of which presence was told within the time that the row's own label has. median_s: of the time to it,
    NaN where there is none."""

    in_time: int
    targets: int
    median_s: float


def presence_of_motions(
    campaign: Campaign, row: EvidenceRow, detector: str, records: Sequence[TrialRecord]
) -> Told | None:
    """Whether who makes a major motion is called present; None for rows of other labels. Read from score tracks."""
    if row.spec.label != MAJOR or not records:
        return None
    late: list[float | None] = []
    with Store.read(campaign.folder(row)) as store:
        for record in records:
            outcomes = {
                one.rule.label: one
                for one in map(Outcome.from_json, record.outcomes)
                if one.rule.detector == detector and one.invalid is None
            }
            if not {PRESENCE, MAJOR} <= set(outcomes) or not outcomes[MAJOR].targets:
                continue
            track = next(
                one for one in store.tracks(record) if (one.detector, one.label) == (detector, PRESENCE)
            )
            rule = outcomes[PRESENCE].rule
            within_s = outcomes[MAJOR].rule.within_s
            late += [
                first_s(track, target, rule.threshold, within_s or np.inf)
                for target in outcomes[MAJOR].targets
            ]
    if not late:
        return None
    times = [one for one in late if one is not None]
    return Told(len(times), len(late), float(np.median(times)) if times else float("nan"))


def first_s(track: ScoreTrack, target: Target, threshold: float, within_s: float) -> float | None:
    """Seconds from a target's onset to the first score at or above the threshold, at most within_s; None where there is none."""
    times = track.times_s - target.onset_s
    reached = np.flatnonzero((times >= 0.0) & (times <= within_s) & (track.scores >= threshold))
    return float(times[reached[0]]) if len(reached) else None


def alarms_of_others(
    records: Sequence[TrialRecord], detector: str, label: str
) -> dict[str, tuple[int, float]]:
    """Other label -> false alarms, and the upper bound of their number a day, of trials in which nobody is."""
    by_label: dict[str, list[Outcome]] = defaultdict(list)
    for record in records:
        for outcome in map(Outcome.from_json, record.outcomes):
            if outcome.rule.detector == detector and outcome.rule.label != label and outcome.invalid is None:
                by_label[outcome.rule.label].append(outcome)
    heard = {other: exposure(outcomes) for other, outcomes in by_label.items()}
    return {other: (one.count, one.per_day_bounds().high) for other, one in heard.items()}
