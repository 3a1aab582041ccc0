import numpy as np
import pytest

from lab.movers.body import CHANNELS, SEGMENTS, Body


def pose_of(body, joints, heading=0.0, x=0.0, y=0.0):
    steps = joints.shape[1]
    return body.place(joints, np.full(steps, x), np.full(steps, y), np.full(steps, heading))


def chain(pose, lower, upper):
    return np.linalg.norm(pose.end_m[SEGMENTS.index(lower)] - pose.end_m[SEGMENTS.index(upper)], axis=1)


def test_segments_keep_their_lengths_in_any_posture():
    body = Body(1.8)
    joints = np.random.default_rng(1).normal(0.0, 0.5, (17, 50))
    pose = pose_of(body, joints, 0.7)
    for side in ("right_", "left_"):
        for lower, upper, share in (
            *(("upper_arm", "half_shoulders", 0.188), ("forearm", "upper_arm", 0.152)),
            *(("thigh", "half_hips", 0.245), ("shank", "thigh", 0.246)),
        ):
            assert chain(pose, side + lower, side + upper) == pytest.approx(share * 1.8)
        assert chain(pose, side + "half_hips", "torso") == pytest.approx(0.0955 * 1.8)
        assert chain(pose, side + "half_shoulders", "neck") == pytest.approx(0.1295 * 1.8)
    assert chain(pose, "torso", "neck") == pytest.approx(0.288 * 1.8)


def test_centres_are_half_a_length_before_the_ends_and_axes_have_unit_length():
    body = Body(1.2)
    pose = pose_of(body, np.random.default_rng(2).normal(0.0, 0.4, (17, 20)), 2.0, 3.0, 1.0)
    half = np.linalg.norm(pose.end_m - pose.centre_m, axis=2)
    assert half == pytest.approx(np.repeat(body.half_length_m[:, None], 20, axis=1))
    assert np.linalg.norm(pose.axis, axis=2) == pytest.approx(1.0)


def test_flexions_go_the_way_of_a_human_body():
    body = Body(1.75)
    joints = np.zeros((17, 6))
    for column, channel in enumerate(
        ("right_hip", "right_knee", "right_shoulder", "right_elbow", "right_ankle")
    ):
        joints[CHANNELS.index(channel), column] = 0.3
    pose = pose_of(body, joints)
    at = {name: pose.end_m[SEGMENTS.index(name)] for name in SEGMENTS}
    assert at["right_thigh"][0, 0] > 0.1  # the knee goes forward
    assert at["right_shank"][1, 0] < -0.1  # the heel goes back
    assert at["right_upper_arm"][2, 0] > 0.05 and at["right_forearm"][3, 0] > 0.05
    assert at["right_foot"][4, 2] > at["right_foot"][5, 2] + 0.03  # toes up
    assert np.all(at["right_thigh"][:, 1] < 0.0) and np.all(at["left_thigh"][:, 1] > 0.0)


def test_a_toe_rests_on_the_floor_instead_of_going_through():
    body = Body(1.75)
    joints = np.zeros((17, 40))
    joints[CHANNELS.index("right_ankle")] = np.linspace(0.0, -1.2, 40)
    assert body.sole_m(pose_of(body, joints)).min() > -0.015


def test_a_heading_turns_the_body_about_its_floor_point():
    body, joints = Body(1.75), np.random.default_rng(3).normal(0.0, 0.3, (17, 5))
    ahead, turned = pose_of(body, joints), pose_of(body, joints, 0.5 * np.pi, 2.0, 1.0)
    assert turned.centre_m[..., 0] == pytest.approx(2.0 - ahead.centre_m[..., 1])
    assert turned.centre_m[..., 1] == pytest.approx(1.0 + ahead.centre_m[..., 0])
    assert turned.centre_m[..., 2] == pytest.approx(ahead.centre_m[..., 2])


def test_sizes_follow_the_height_and_clothing_takes_its_loss():
    child, adult = Body(0.9, 0.0), Body(1.8, 6.0)
    assert adult.radius_m == pytest.approx(2.0 * child.radius_m)
    assert adult.half_length_m == pytest.approx(2.0 * child.half_length_m)
    assert adult.radius_m[2] == pytest.approx(0.15 * 1.8 / 1.75)
    assert len(SEGMENTS) == 17 and np.all(child.reflection == 1.0)
    loss = dict(zip(SEGMENTS, -20.0 * np.log10(adult.reflection), strict=True))
    assert loss["torso"] == pytest.approx(6.0) and loss["left_shank"] == pytest.approx(6.0)
    assert loss["head"] == pytest.approx(1.0)
