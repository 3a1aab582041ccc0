"""What thresholds cost and bring, on evidence that is known."""

import numpy as np
import pytest

from detectors.presence.context import Context, ContextSettings
from lab.training.presence import thresholds
from lab.training.presence.examples import HOP_S, MAJOR_CLASS, Example


def heard(evidence, onsets=()):
    labels = np.zeros(len(evidence), np.int8)
    example = Example(
        "walk [cell] 0", "walk", np.zeros((1, len(evidence), 5, 38)), labels, np.array(onsets).reshape(-1, 3)
    )
    return thresholds.Heard(example, {"major": np.asarray(evidence), "motion": np.asarray(evidence)})


def test_an_event_is_found_when_the_evidence_comes_in_time():
    evidence = np.full(200, -5.0)
    evidence[110:] = 2.0
    one = heard(evidence, [(5.0, 7.0, MAJOR_CLASS)])
    assert thresholds.found([one], MAJOR_CLASS, 1.0) == (1, 1, pytest.approx(0.55))
    assert thresholds.found([one], MAJOR_CLASS, 2.5)[:2] == (0, 1)
    late = heard(np.where(np.arange(200) < 145, -5.0, 2.0), [(5.0, 7.0, MAJOR_CLASS)])
    assert thresholds.found([late], MAJOR_CLASS, 1.0)[:2] == (0, 1)


def test_alarms_count_only_where_nothing_that_counts_moves():
    evidence = np.full(1000, -5.0)
    evidence[[100, 150, 600]] = 2.0  # the second within the refractory time of the first
    alarms, hours = thresholds.false_alarms(
        [heard(evidence), heard(evidence, [(5.0, 7.0, MAJOR_CLASS)])], "major", 1.0
    )
    assert alarms == 2
    assert hours == pytest.approx(1000 * HOP_S / 3600.0)


def test_the_evidence_is_that_of_the_device():
    rng = np.random.default_rng(1)
    p = rng.dirichlet((1.0, 1.0, 1.0), 50)
    context = Context(ContextSettings(average_s=0.15), HOP_S)
    for row in p:
        context.step(row)
    gain = 1.0 - np.exp(-HOP_S / 0.15)
    mean = thresholds._mean(thresholds._logit(p[:, 2]), gain)
    assert mean[-1] == pytest.approx(context._evidence[1], abs=1e-9)
