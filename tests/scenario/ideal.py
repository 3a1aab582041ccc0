"""What a scenario's own trials can decide: the verdict on a detector that makes no mistake."""

from __future__ import annotations

from lab.scenario.load import ScenarioFile
from lab.scenario.model import Limit as Asked
from lab.verdicts.clusters import Sample
from lab.verdicts.decisions import Verdict, decide_exposure, decide_share
from lab.verdicts.exposure import Exposure
from lab.verdicts.limits import Limit

REFRACTORY_S = 2.0


def ideal(scenario: ScenarioFile, limit: Asked, hours: float | None = None) -> Verdict:
    """All detected, or no alarm at all, in as many distinct rooms as the file asks for. hours: of an exposure, None for its own."""
    trials, rooms = scenario.trials_per_cell(hours=hours), scenario.first.room.bank
    asked = Limit(limit.metric, limit.label, {}, limit.at_least, limit.at_most)
    if limit.metric == "false_alarms_per_day":
        heard = trials * scenario.first.duration_s / 3600
        return decide_exposure(Exposure(0, heard, heard, 0.0, 0.0, REFRACTORY_S, 0), asked).verdict
    alike = min(trials, rooms)
    found = trials if limit.metric == "detection_rate" else 0
    return decide_share(Sample(found, trials, float(alike), alike), asked).verdict
