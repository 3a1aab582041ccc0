"""Code that changes what published builds score is noticed: their evidence was measured with other code."""

import json

import pytest

from tests.runs.kept_scores import KEPT, TRIALS, differences, heard

ADVICE = (
    "if a detector's code changed, raise its number in REVISIONS of detectors/shipped.py, so that the build's hash tells, and measure again "
    "what is published; if the scenario or the sound in it did, raise nothing; then python -m tests.runs.kept_scores --write"
)


@pytest.mark.parametrize(("build", "scenario"), TRIALS)
def test_a_build_scores_as_when_its_evidence_was_measured(build, scenario):
    kept = json.loads(KEPT.read_text())[f"{build} {scenario}"]
    found = differences(heard(build, scenario), kept)
    assert not found, f"{'; '.join(found)}. {ADVICE}"


def test_what_moves_in_a_capture_is_held_closer_than_scores():
    kept = {"capture": [-90.0, -50.0]}
    assert differences({"capture": [-90.05, -49.95]}, kept) == []
    assert differences({"capture": [-90.0, -49.5]}, kept) == ["capture: -49.500 at 1 s, was -50.000"]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"a": [0.1, None, 0.93]}, []),
        ({"a": [0.1, None, 0.8]}, ["a: 0.800 at 2 s, was 0.940"]),
        ({"a": [None, 0.1, 0.94]}, ["a: scores stand elsewhere"]),
        ({"b": [0.1, None, 0.94]}, ["tracks are ['b'], were ['a']"]),
    ],
)
def test_a_score_that_moved_is_told_with_its_second(now, said):
    assert differences(now, {"a": [0.1, None, 0.94]}) == said
