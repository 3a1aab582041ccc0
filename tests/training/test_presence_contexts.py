"""Figures of whole trials under a context, on probabilities made by hand."""

import numpy as np
import pytest

from detectors.presence.context import MAJOR, PRESENCE, ContextSettings
from lab.training.presence.contexts import row, scores, told
from lab.training.presence.examples import HOP_S, MAJOR_CLASS, Example

NOBODY, WALKING = (0.99, 0.005, 0.005), (0.001, 0.001, 0.998)


def trial(stretches, onsets=()):
    """stretches: (seconds, probabilities). onsets: (onset, offset, class)."""
    heard = np.concatenate([np.tile(np.float32(p), (round(s / HOP_S), 1)) for s, p in stretches])
    blank = np.zeros((1, len(heard), 5, 38), np.float16)
    events = np.array(onsets, float).reshape(-1, 3)
    return Example("hall [] 0", "hall", blank, np.zeros(len(heard), np.int8), events), heard


def test_a_motion_is_told_before_presence_and_neither_while_the_device_starts():
    _, heard = trial([(3.0, WALKING), (3.0, NOBODY), (4.0, WALKING)])
    found = scores(heard, ContextSettings())
    assert (found[: round(3.0 / HOP_S)] == 0.0).all()
    major, came = (told(found, label, 6.0, 4.0) for label in (MAJOR, PRESENCE))
    assert 0.05 < major < 0.5 < came < 1.5
    assert told(found, PRESENCE, 6.0, 0.5) is None


@pytest.mark.parametrize(("arrival_s", "alarms"), [(0.15, 2), (1.0, 1)])
def test_where_nobody_is_presence_is_counted_and_short_bursts_only_with_little_patience(arrival_s, alarms):
    burst = trial([(15.0, NOBODY), (0.5, WALKING), (15.0, NOBODY), (3.0, WALKING), (1500.0, NOBODY)])
    walk = trial([(10.0, NOBODY), (4.0, WALKING)], [(10.0, 14.0, MAJOR_CLASS)])
    shown = row([burst, walk], ContextSettings(arrival_s=arrival_s))
    assert f"{alarms} alarms, 2 majors in 0.43 h" in shown
    assert "major 1/1" in shown and "came 1/1" in shown and "ever 1/1" in shown and "minor" not in shown
