"""When presence is told of who moves, and what is told where nobody is."""

import numpy as np
import pytest

from detectors.interface import ScoreTrack
from lab.runs.beside import first_s
from lab.scoring.outcome import Target


def track(*scores):
    return ScoreTrack("presence", "presence", 0.05, 0.05, np.array(scores, np.float32))


@pytest.mark.parametrize(
    ("within_s", "expected"), [(1.0, 0.15), (0.15, 0.15), (0.1, None)], ids=["later", "just", "too late"]
)
def test_presence_is_late_by_what_the_track_says(within_s, expected):
    scores = track(0.9, 0.1, np.nan, 0.4, 0.5, 0.9)  # at 0.05 to 0.3 s
    found = first_s(scores, Target(0.1, 0.4, None, None, None), 0.5, within_s)
    assert found == (None if expected is None else pytest.approx(expected))
