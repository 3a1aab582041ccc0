"""A person in one place: what moves, when, and what truth says of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Facets, Points, Spheroids
from lab.errors import BadInput
from lab.movers.body import SEGMENTS
from lab.movers.gesture import GestureKind
from lab.movers.mover import MINOR, PRESENCE, Surroundings
from lab.movers.seated import SeatedSpec, make

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([1.0, 0.3, 0.9]), 120.0)
HANDS = (17, 18)
GESTURES = [kind for kind in GestureKind if kind is not GestureKind.BREATHING]
RATE = 250.0


def person(seed=1, room=ROOM, **keys):
    keys = {"kind": "seated", "name": "p", "distance_m": 2.0} | keys
    return make(SeatedSpec(**keys), room, np.random.default_rng(seed))


def tips(shapes):
    """Outermost points of every shape, (N, T, 3)."""
    found = []
    for shape in shapes:
        if isinstance(shape, Spheroids):
            along = shape.axis * shape.half_length_m[:, None, None]
            found += [shape.centre_m - along, shape.centre_m + along]
        elif isinstance(shape, Points):
            found.append(shape.position_m)
        else:
            assert isinstance(shape, Facets)
            found.append(shape.centre_m + 0.5 * shape.edge_u_m)
    return np.concatenate(found)


def moving(person, until=120.0):
    """Times and the speed of the fastest part."""
    t = np.arange(0.0, until, 1.0 / RATE)
    return t, np.linalg.norm(np.diff(tips(person.pose(t)), axis=1), axis=-1) * RATE


@pytest.mark.parametrize("kind", ["seated", "standing"])
@pytest.mark.parametrize("gesture", GESTURES)
def test_nothing_but_breath_and_sway_moves_outside_the_truth(kind, gesture):
    for seed in (1, 2):
        someone = person(seed, kind=kind, gesture=gesture, per_h=240.0)
        t, speed = moving(someone)
        fastest = speed.max(axis=0)
        motions = [event for event in someone.truth() if event.label == MINOR]
        assert len(motions) >= 2
        inside = np.zeros(len(t) - 1, bool)
        for event in motions:
            during = (t[1:] > event.onset_s) & (t[:-1] < event.offset_s)
            inside |= during
            # It moves at both ends of the interval: 10 % from either end of it something is well on its way.
            length = event.offset_s - event.onset_s
            for middle in (event.onset_s + 0.1 * length, event.offset_s - 0.1 * length):
                near = np.abs(t[1:] - middle) < 0.1 * length
                assert fastest[near].max() > 0.05
        assert fastest[~inside].max() < 0.02
        assert fastest.max() <= someone.top_speed_m_s


def test_truth_is_presence_throughout_and_a_minor_motion_at_the_moment_asked_for():
    someone = person(gesture="reach", start_s=5.0, stroke_m=0.5, peak_m_s=1.25)
    presence, motion = someone.truth()
    assert presence == Event(0.0, 120.0, PRESENCE)
    assert motion.label == MINOR
    assert motion.onset_s == 5.0
    # Twice 1.875 D / T, and a rest between.
    assert 1.5 + 0.2 <= motion.offset_s - 5.0 <= 1.5 + 1.0


def test_the_hand_goes_its_way_at_minimum_jerk():
    someone = person(gesture="reach", start_s=5.0, stroke_m=0.5, peak_m_s=1.25, sway_mm=0.0)
    t = np.arange(4.9, 5.75, 1e-3)
    starts = someone.pose(t)[0]
    hand = starts.centre_m[HANDS[0]]
    speed = np.linalg.norm(np.diff(hand, axis=0), axis=1) / 1e-3
    assert speed.max() == pytest.approx(1.25, rel=1e-3)
    assert np.linalg.norm(hand[-1] - hand[0]) == pytest.approx(0.5, abs=1e-3)
    assert np.all(np.abs(speed[t[:-1] < 5.0]) < 1e-9)


@pytest.mark.parametrize("gesture", ["reach", "cup", "page", "posture"])
def test_segments_keep_their_lengths_and_stay_joined(gesture):
    someone = person(gesture=gesture, per_h=240.0)
    bodies = someone.pose(np.arange(0.0, 120.0, 0.01))[0]
    along = bodies.axis * bodies.half_length_m[:, None, None]
    start, end = bodies.centre_m - along, bodies.centre_m + along
    assert np.linalg.norm(bodies.axis, axis=-1) == pytest.approx(1.0, abs=1e-9)
    index = {name: number for number, name in enumerate(SEGMENTS)}
    joints = [("neck", "head"), ("right_upper_arm", "right_forearm"), ("left_upper_arm", "left_forearm")]
    joints += [("right_thigh", "right_shank"), ("left_half_shoulders", "left_upper_arm")]
    for first, second in joints:
        gap = np.linalg.norm(end[index[first]] - start[index[second]], axis=-1)
        assert gap.max() < 1e-6, (first, second)


def test_breath_has_its_amplitude_its_rate_and_its_shape():
    someone = person(breath_mm=10.0, breath_hz=0.25)
    t = np.arange(0.0, 1200.0, 0.01)
    breath = someone.breath_m(t)
    assert breath.min() == pytest.approx(0.0, abs=1e-6)
    assert breath.max() == pytest.approx(0.010, abs=1e-6)
    rising = np.diff(breath) > 0.0
    # In for 1.7 of 3.8 parts.
    assert rising.mean() == pytest.approx(1.7 / 3.8, abs=0.01)
    breaths = np.count_nonzero(np.diff(rising.astype(int)) == 1)
    assert breaths == pytest.approx(300, abs=2)
    speed = np.abs(np.diff(breath)) / 0.01
    # Half a cosine of 10 mm in 1.79 s peaks at 8.8 mm/s; the wandering rate adds some per cent.
    assert speed.max() == pytest.approx(0.0088, rel=0.2)


def test_breath_moves_the_torso_towards_the_device():
    someone = person(breath_mm=10.0, sway_mm=0.0)
    t = np.arange(0.0, 8.0, 0.01)
    torso = someone.pose(t)[0].centre_m[SEGMENTS.index("torso")]
    away = np.linalg.norm((torso - ROOM.device_m)[:, :2], axis=1)
    assert np.ptp(away) == pytest.approx(0.010, rel=0.02)


def test_the_middle_of_the_trunk_is_at_the_distance_asked_for():
    for kind in ("seated", "standing"):
        someone = person(kind=kind, distance_m=2.5, breath_mm=0.0, sway_mm=0.0)
        torso = someone.pose(np.zeros(1))[0].centre_m[SEGMENTS.index("torso"), 0]
        assert np.linalg.norm(torso - ROOM.device_m) == pytest.approx(2.5, abs=1e-9)


@pytest.mark.parametrize("kind", ["seated", "standing"])
@pytest.mark.parametrize("gesture", GESTURES)
def test_nobody_reaches_through_a_wall(kind, gesture):
    small = Surroundings((2.6, 2.4, 2.4), np.array([0.3, 1.2, 0.8]), 600.0)
    for seed in range(4):
        someone = person(seed, small, kind=kind, gesture=gesture, per_h=240.0, distance_m=1.3)
        ends = tips(someone.pose(np.arange(0.0, 600.0, 0.05)))
        assert np.all(ends > 0.0)
        assert np.all(ends < small.size_m)


def test_what_is_still_stays_equal_to_the_bit():
    someone = person(gesture="reach", per_h=100.0)
    bodies = someone.pose(np.arange(0.0, 10.0, 1.0 / 250.0))[0]
    for name in ("right_thigh", "left_shank", "right_foot"):
        number = SEGMENTS.index(name)
        assert np.all(bodies.centre_m[number] == bodies.centre_m[number, :1])
        assert np.all(bodies.axis[number] == bodies.axis[number, :1])


@pytest.mark.parametrize("gesture", list(GestureKind))
def test_poses_do_not_depend_on_what_was_asked_before(gesture):
    keys = {} if gesture is GestureKind.BREATHING else {"per_h": 240.0}
    someone, t = person(gesture=gesture, **keys), np.arange(-0.1, 60.0, 0.03)
    whole = tips(someone.pose(t))
    order = np.random.default_rng(2).permutation(len(t))
    np.testing.assert_allclose(
        tips(person(gesture=gesture, **keys).pose(t[order])), whole[:, order], atol=1e-12
    )
    np.testing.assert_allclose(tips(someone.pose(t[700:701])), whole[:, 700:701], atol=1e-12)


def test_a_dwell_of_eight_hours_has_the_gestures_it_is_asked_for():
    shift = Surroundings(ROOM.size_m, ROOM.device_m, 8 * 3600.0)
    counts = [len(person(seed, shift, gesture="cup", per_h=40.0).truth()) - 1 for seed in range(5)]
    assert np.sum(counts) == pytest.approx(1600, abs=3.5 * np.sqrt(1600))
    events = person(1, shift, gesture="cup", per_h=40.0).truth()
    assert all(first.offset_s < second.onset_s for first, second in pairwise(events[1:]))


def test_one_who_is_there_for_a_while_fades_in_and_out_and_shades_only_then():
    someone = person(from_s=20.0, until_s=80.0)
    assert someone.truth() == (Event(20.0, 80.0, PRESENCE),)
    t = np.array([19.0, 21.0, 50.0, 79.0, 81.0])
    reflection = someone.pose(t)[0].reflection
    share = reflection / reflection[:, 2:3]
    assert share == pytest.approx(np.tile([0.0, 0.5, 1.0, 0.5, 0.0], (len(share), 1)))
    foot, _, height = someone.blockers(t)
    assert foot[:, 2] == pytest.approx([-height, -height / 2, 0.0, -height / 2, -height])


def test_a_trial_may_be_short():
    short = Surroundings(ROOM.size_m, ROOM.device_m, 1.0)
    assert person(room=short).truth() == (Event(0.0, 1.0, PRESENCE),)


def test_a_seated_person_shades_up_to_the_crown():
    bodies = person().pose(np.zeros(1))[0]
    crown = bodies.centre_m[0, 0, 2] + bodies.half_length_m[0]
    foot, radius, height = person().blockers(np.zeros(1))
    assert foot[0, 2] + height == pytest.approx(crown, abs=0.01)
    assert 0.1 < radius < 0.25


def test_strengths_of_hand_and_forearm_are_those_expected():
    """Far and broadside c / 2, end-on a^2 / 2 c: hands -32 and -36 dB, a sleeved forearm -27.5 dB broadside."""
    bodies = person(clothing_loss_db=4.0).pose(np.zeros(1))[0]
    hand, forearm = HANDS[0], SEGMENTS.index("right_forearm")
    a, c = bodies.radius_m[hand], bodies.half_length_m[hand]
    assert 20 * np.log10(c / 2 * bodies.reflection[hand]) == pytest.approx(-32.0, abs=0.2)
    assert 20 * np.log10(a * a / (2 * c) * bodies.reflection[hand]) == pytest.approx(-35.9, abs=0.2)
    strength = 20 * np.log10(bodies.half_length_m[forearm] / 2 * bodies.reflection[forearm])
    assert strength == pytest.approx(-27.5, abs=0.2)


def test_a_page_turns_over_and_shows_only_on_its_way():
    someone = person(gesture="page", start_s=5.0, stroke_m=0.25, peak_m_s=0.75)
    turn = 1.875 * 0.25 / 0.75
    page = someone.pose(np.array([4.9, 5.0 + turn / 2, 5.0 + turn, 9.0]))[1]
    assert page.reflection[0] == pytest.approx([0.0, 1.0, 0.0, 0.0], abs=1e-9)
    upright = page.edge_u_m[0, 1]
    assert upright == pytest.approx([0.0, 0.0, 0.148], abs=1e-9)
    np.testing.assert_allclose(page.edge_u_m[0, 0], -page.edge_u_m[0, 2], atol=1e-9)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"distance_m": 9.0}, r"movers\.p\.distance_m = 9: .* largest possible distance is"),
        ({"distance_m": 0.3}, r"movers\.p\.distance_m = 0\.3: .* at least 0\.40 m"),
        (
            {"gesture": "reach", "start_s": 5.0, "stroke_m": 0.8, "height_m": 0.9},
            r"movers\.p: no reach of 0\.80 m .* longest stroke_m is 0\.[4-7]",
        ),
        ({"gesture": "reach", "start_s": 119.5}, r"movers\.p\.start_s: the reach must begin and end"),
        (
            {"from_s": 50.0, "until_s": 20.0},
            r"movers\.p: from_s and until_s must lie within the trial of 120 s",
        ),
        ({"until_s": 300.0}, r"movers\.p: from_s and until_s must lie within the trial of 120 s"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_message(keys, words):
    with pytest.raises(BadInput, match=words):
        person(**keys)


def test_a_gesture_needs_one_time_and_its_own_size_and_breathing_none():
    with pytest.raises(ValidationError, match="exactly one of start_s, per_h"):
        SeatedSpec(kind="seated", name="p", distance_m=2.0, gesture="reach")
    with pytest.raises(ValidationError, match=r"stroke_m of cup must be 0\.15 to 0\.5"):
        SeatedSpec(kind="seated", name="p", distance_m=2.0, gesture="cup", start_s=1.0, stroke_m=0.9)
    with pytest.raises(ValidationError, match="takes neither"):
        SeatedSpec(kind="seated", name="p", distance_m=2.0, per_h=3.0)
