"""When gestures happen and how the arm follows the hand."""

from __future__ import annotations

import numpy as np
import pytest

from lab.movers.gesture import (
    GAP_S,
    KEYS,
    RANGES,
    GestureKind,
    draw_occurrences,
    key_strokes,
    poisson_onsets,
    two_links,
)


def drawn(kind, wanted, until=3600.0, seed=1):
    limits = RANGES[kind]
    return draw_occurrences(
        kind,
        np.asarray(wanted),
        until,
        np.random.default_rng(seed),
        stroke_m=limits.stroke_m,
        peak_m_s=limits.peak_m_s,
    )


def test_poisson_counts_have_mean_and_variance_of_the_rate():
    counts = np.array(
        [len(poisson_onsets(40.0, 100.0, 1900.0, np.random.default_rng(s))) for s in range(2000)]
    )
    assert counts.mean() == pytest.approx(20.0, abs=3.0 * np.sqrt(20.0 / 2000))
    assert counts.var() == pytest.approx(20.0, rel=0.15)
    onsets = poisson_onsets(40.0, 100.0, 1900.0, np.random.default_rng(1))
    assert np.all(np.diff(onsets) > 0.0)
    assert onsets.min() >= 100.0
    assert onsets.max() < 1900.0


@pytest.mark.parametrize("kind", list(RANGES))
def test_occurrences_keep_their_ranges_and_never_overlap(kind):
    events = drawn(kind, np.sort(np.random.default_rng(2).uniform(0.0, 3500.0, 200)))
    assert len(events.onset_s) == 200
    assert np.all(events.onset_s[1:] >= events.offset_s[:-1] + GAP_S - 1e-9)
    limits = RANGES[kind]
    assert events.stroke_m.min() >= limits.stroke_m[0]
    assert events.stroke_m.max() <= limits.stroke_m[1]
    assert events.peak_m_s.min() >= limits.peak_m_s[0]
    assert events.peak_m_s.max() <= limits.peak_m_s[1]


def test_a_gesture_that_would_outlast_the_trial_is_left_out():
    assert len(drawn(GestureKind.REACH, [1.0, 9.9], until=10.0).onset_s) == 1
    assert len(drawn(GestureKind.REACH, [9.9], until=10.0).onset_s) == 0


def test_a_change_of_posture_is_undone_by_the_next():
    events = drawn(GestureKind.POSTURE, [1.0, 10.0, 20.0, 30.0])
    assert events.stroke_m[0] == events.stroke_m[1]
    assert events.stroke_m[2] == events.stroke_m[3] != events.stroke_m[0]


def test_shares_of_the_way_run_out_rest_and_return():
    events = drawn(GestureKind.REACH, [2.0])
    middle = 2.0 + events.out_s[0] + 0.5 * events.hold_s[0]
    number, out, back = events.moment(
        np.array([1.9, 2.0 + events.out_s[0] / 2, middle, events.offset_s[0], 99.0])
    )
    assert number.tolist() == [-1, 0, 0, 0, 0]
    assert out == pytest.approx([0.0, 0.5, 1.0, 1.0, 1.0])
    assert back == pytest.approx([0.0, 0.0, 0.0, 1.0, 1.0])


def test_keys_go_down_by_the_stroke_at_the_peak_speed_and_are_up_when_the_bout_ends():
    stroke, peak = 0.025, 0.4
    down = 1.875 * stroke / peak
    bout = 2.0 * down * (10 * 2.0 - 1.0)  # ten strokes of the first finger, no rest after the last
    t = np.linspace(-0.5, bout + 0.5, 200001)
    for key in range(len(KEYS)):
        depth = key_strokes(t, np.full_like(t, bout), np.full_like(t, stroke), np.full_like(t, peak), key)
        assert depth.max() == pytest.approx(stroke, rel=1e-4)
        assert np.gradient(depth, t).max() == pytest.approx(peak, rel=1e-3)
        assert np.all(depth[(t <= 0.0) | (t >= bout)] == pytest.approx(0.0, abs=1e-9))
    first = key_strokes(t, np.full_like(t, bout), np.full_like(t, stroke), np.full_like(t, peak), 0)
    moving = t[first > 1e-6]
    assert moving[0] == pytest.approx(0.0, abs=0.02)
    assert moving[-1] == pytest.approx(bout, abs=0.02)


def test_two_links_keep_their_lengths_and_bend_towards_the_pole():
    rng = np.random.default_rng(4)
    start = rng.uniform(-1.0, 1.0, (500, 3))
    way = rng.standard_normal((500, 3))
    end = start + way / np.linalg.norm(way, axis=1, keepdims=True) * rng.uniform(0.06, 0.59, (500, 1))
    pole = rng.standard_normal((500, 3))
    joint = two_links(start, end, 0.32, 0.28, pole)
    assert np.linalg.norm(joint - start, axis=1) == pytest.approx(0.32, abs=1e-12)
    assert np.linalg.norm(joint - end, axis=1) == pytest.approx(0.28, abs=1e-12)
    along = (end - start) / np.linalg.norm(end - start, axis=1, keepdims=True)
    beside = joint - start - np.sum((joint - start) * along, axis=1, keepdims=True) * along
    assert np.all(np.sum(beside * pole, axis=1) > 0.0)
