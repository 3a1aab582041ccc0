"""Streams that have come apart are told by how much, those in step and those that have nothing to do with each other are let be."""

import numpy as np
import pytest

from detectors.presence.alignment import EVERY_HOPS, REACH_S, STEP, WINDOW_HOPS, Alignment, Peak, peak, shift
from tests.detectors.presence.played import HOP, RATE, bass, cone

SECONDS, LOST_S = 12.0, 5.0


def streams(seed=1, noise=0.3):
    """Displacement, and four components that follow it by different amounts, echoes 5 and 19 ms late, noise."""
    rng = np.random.default_rng(seed)
    moved = np.roll(cone(bass(SECONDS, seed)), -16)  # which comes 4 ms late
    follow = rng.uniform(0.5, 1.5, (4, 1)) * (moved + 0.4 * np.roll(moved, 20) - 0.3 * np.roll(moved, 76))
    return moved, follow + noise * rng.standard_normal(follow.shape)


def told(displacement, components):
    """(hop, samples), each time it tells."""
    one, found = Alignment(), []
    for hop in range(min(len(displacement), components.shape[1]) // HOP):
        part = slice(hop * HOP, (hop + 1) * HOP)
        certain = one.certain_hops
        one.push(displacement[part], components[:, part])
        apart = one.told()
        assert not apart or certain == 1
        if apart:
            found.append((hop, apart))
    return found


@pytest.mark.parametrize("late_s", [-0.2, -0.05, 0.0, 0.008, 0.1, 0.24])
def test_the_peak_is_where_components_follow(late_s):
    rng = np.random.default_rng(3)
    sent = rng.standard_normal(RATE // STEP)
    late = round(late_s * RATE / STEP)
    found = peak(sent, np.stack([0.01 * np.roll(sent, late), rng.standard_normal(len(sent))]))
    assert found.lag_s == pytest.approx(late_s) and found.clear > 3.0


def test_streams_in_step_are_let_be():
    for seed in range(1, 6):
        assert told(*streams(seed)) == []


@pytest.mark.parametrize("lost_s", [0.01, 0.05, 0.2])
def test_microphones_that_lost_a_block_are_told_to_be_ahead(lost_s):
    moved, follow = streams()
    at, lost = round(LOST_S * RATE), round(lost_s * RATE)
    found = told(moved, np.delete(follow, slice(at, at + lost), axis=1))
    assert found[0][0] * HOP / RATE <= LOST_S + 2.6
    assert all(abs(apart - lost) <= 8 for _, apart in found)


@pytest.mark.parametrize("lost_s", [0.05, 0.2])
def test_microphones_are_told_to_be_behind_where_playback_lost_a_block(lost_s):
    moved, follow = streams()
    at, lost = round(LOST_S * RATE), round(lost_s * RATE)
    found = told(np.delete(moved, slice(at, at + lost)), follow)
    assert found and all(abs(apart + lost) <= 8 for _, apart in found)


def test_a_block_too_long_to_be_seen_is_not_taken_for_another():
    moved, follow = streams()
    at, lost = round(LOST_S * RATE), round((REACH_S + 0.1) * RATE)
    assert told(moved, np.delete(follow, slice(at, at + lost), axis=1)) == []


def test_music_that_is_not_heard_tells_nothing():
    for seed in range(1, 6):
        assert told(streams(seed)[0], streams(seed + 10)[1]) == []
        assert told(streams(seed)[0], np.zeros((4, round(SECONDS * RATE)))) == []


def test_one_window_is_no_evidence():
    """A step that follows a drum once."""
    moved, _ = streams()
    components = np.random.default_rng(5).standard_normal((4, len(moved)))
    once = slice(3 * RATE, 3 * RATE + RATE // 10)
    components[:, once] += 30.0 * np.roll(moved, 400)[once]
    assert told(moved, components) == []


def test_what_came_before_a_pause_does_not_count():
    moved, follow = streams()
    one, late = Alignment(), np.roll(follow, -400)
    for hop in range(WINDOW_HOPS + 2 * EVERY_HOPS - 1):
        one.push(moved[hop * HOP : (hop + 1) * HOP], late[:, hop * HOP : (hop + 1) * HOP])
    assert one.certain_hops == 1 and one.told() == 0
    one.clear()
    assert one.certain_hops == WINDOW_HOPS


@pytest.mark.parametrize(
    ("looks", "apart"),
    [
        ([(-0.048, 9.0), (-0.048, 2.1), (-0.046, 9.0)], 200),
        ([(0.202, 2.1), (0.202, 2.1), (0.202, 2.1)], -800),
        ([(-0.048, 9.0), (-0.048, 1.9), (-0.046, 9.0)], 0),
        ([(-0.048, 9.0), (-0.056, 9.0), (-0.048, 9.0)], 0),
        ([(-0.048, 9.0), (-0.048, 9.0)], 0),
        ([(0.002, 3.1), (-0.048, 9.0), (-0.048, 9.0), (-0.048, 9.0)], 0),
        ([(0.002, 2.9), (-0.048, 9.0), (-0.048, 9.0), (-0.048, 9.0)], 200),
        ([(0.030, 9.0), (0.030, 9.0), (0.030, 9.0)], 0),
        ([(-0.004, 9.0), (-0.004, 9.0), (-0.004, 9.0)], 0),
    ],
)
def test_looks_that_agree_tell_and_others_do_not(looks, apart):
    assert shift([Peak(*one) for one in looks]) == apart
