"""The same toy data through sed_scores_eval, where its definitions and ours are the same thing.

Segment-based: a segment is a true positive when its highest score passes the threshold; so is a target
whose window is that segment, with no guard. A segment without events is a false positive when its highest
score passes; so is a whole file of one segment with a refractory time as long as the file.

Intersection-based: a detection is a run of frames above the threshold; single frames that stand apart are
our alarms. With tolerances that one frame meets, a target is found when any detection touches it, and a
detection that touches none is a false positive.

Not the same, and not compared: collar-based counts (they ask for onset and offset estimates, we ask for an alarm
in time), cross-triggers, PSDS.
"""

from dataclasses import replace

import numpy as np
import pandas
import pytest
from sed_scores_eval import intersection_based, segment_based
from sed_scores_eval.base_modules.scores import create_score_dataframe

from detectors.interface import ScoreTrack
from lab.scoring import curves
from lab.scoring.matching import match
from tests.scoring.trials import LABEL, rule, target, trial

HOP_S = 0.1
needs_writable_frames = pytest.mark.skipif(
    int(pandas.__version__.split(".")[0]) >= 3,
    reason="sed_scores_eval 0.0.4 writes into arrays that pandas 3 hands out read-only",
)


def their_frames(scores):
    return create_score_dataframe(scores[:, None], np.arange(len(scores) + 1) * HOP_S, [LABEL])


def our_outcome(scores, truth, refractory_s=0.0):
    frames = ScoreTrack("detector", LABEL, HOP_S, HOP_S, scores)  # known at the end of the frame
    duration_s = len(scores) * HOP_S
    events = [target(onset, offset) for onset, offset, _ in truth]
    there = replace(trial(*events), duration_s=duration_s, distinct_s=duration_s)
    return match(there, frames, rule(0.5, refractory_s=refractory_s, guard_s=0.0, latency_s=0.0))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_detection_counts_are_the_true_positives_of_segments(seed):
    rng = np.random.default_rng(seed)
    scores = {f"f{i}": rng.random(100).round(2) for i in range(30)}
    # Each truth event lies inside one segment of 1 s; sed_scores_eval refuses events that touch.
    truth = {
        name: [(s + 0.05, s + 1.0, LABEL) for s in (rng.integers(0, 5), rng.integers(5, 10))]
        for name in scores
    }
    theirs, _ = segment_based.intermediate_statistics.accumulated_intermediate_statistics(
        {name: their_frames(values) for name, values in scores.items()},
        truth,
        dict.fromkeys(scores, 10.0),
        segment_length=1.0,
    )
    thresholds, counts = theirs[LABEL]
    ours = [our_outcome(values, truth[name]) for name, values in scores.items()]
    finite = np.isfinite(thresholds)
    mine = [curves.detections(ours, threshold).sum() for threshold in thresholds[finite]]
    assert counts["n_ref"] == len(curves.detections(ours, 0.5))
    assert len(mine) > 20
    np.testing.assert_array_equal(mine, np.asarray(counts["tps"])[finite])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_false_alarm_counts_are_the_false_positives_of_one_segment_files(seed):
    rng = np.random.default_rng(seed)
    scores = {f"f{i}": rng.random(10).round(2) for i in range(200)}
    truth = {name: [(0.05, 1.0, LABEL)] if i % 4 == 0 else [] for i, name in enumerate(scores)}
    theirs, _ = segment_based.intermediate_statistics.accumulated_intermediate_statistics(
        {name: their_frames(values) for name, values in scores.items()},
        truth,
        dict.fromkeys(scores, 1.0),
        segment_length=1.0,
    )
    thresholds, counts = theirs[LABEL]
    ours = [our_outcome(values, truth[name], refractory_s=1.0) for name, values in scores.items()]
    finite = np.isfinite(thresholds)
    mine = curves.false_alarm_counts(ours, thresholds[finite])
    assert mine.max() == 150
    np.testing.assert_array_equal(mine, np.asarray(counts["fps"])[finite])


@needs_writable_frames
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_isolated_alarms_are_the_detections_of_intersection(seed):
    rng = np.random.default_rng(seed)
    scores, truth = {}, {}
    for i in range(40):
        values = np.zeros(100)
        at = np.arange(2, 100, 4)  # alone: no two in neighbouring frames
        values[at] = rng.random(len(at)).round(2) * (rng.random(len(at)) < 0.3)
        scores[f"f{i}"] = values
        truth[f"f{i}"] = [(4.05, 5.0, LABEL)] if i % 2 else []
    theirs, _ = intersection_based.intermediate_statistics.accumulated_intermediate_statistics(
        {name: their_frames(values) for name, values in scores.items()},
        truth,
        dtc_threshold=0.5,
        gtc_threshold=0.05,
    )
    thresholds, counts = theirs[LABEL]
    ours = [our_outcome(values, truth[name]) for name, values in scores.items()]
    usable = np.isfinite(thresholds) & (thresholds > 0)
    tps = [curves.detections(ours, threshold).sum() for threshold in thresholds[usable]]
    fps = curves.false_alarm_counts(ours, thresholds[usable])
    assert max(tps) > 5 and max(fps) > 100
    np.testing.assert_array_equal(tps, np.asarray(counts["tps"])[usable])
    np.testing.assert_array_equal(fps, np.asarray(counts["fps"])[usable])
