"""A person as 17 spheroids hung on a skeleton, and where they are for given joint angles.

Segment lengths as a share of body height and spheroid radii are those of V. C. Chen's walking figure (The Micro-Doppler
Effect in Radar, 2011): legs 0.245 + 0.246, trunk 0.288, head 0.130, arms 0.188 + 0.152, feet 0.143, half shoulders 0.1295,
half hips 0.0955. His radii hold for 1.75 m and shrink with the person here. The ankle's height 0.039 and the neck
0.052 (Drillis and Contini 1966) close the sum to one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.bodies import Array, Spheroids

THIGH, SHANK, ANKLE = 0.245, 0.246, 0.039
TRUNK, NECK, HEAD = 0.288, 0.052, 0.130
UPPER_ARM, FOREARM, FOOT = 0.188, 0.152, 0.143
HALF_SHOULDERS, HALF_HIPS = 0.1295, 0.0955
HEEL = 0.036  # how far the heel lies behind the ankle
YIELD = 0.006  # how deep a toe may press into the floor
HIP_HEIGHT = THIGH + SHANK + ANKLE
LEG = THIGH + SHANK  # the thigh height Ht by which the gait's speeds and lengths are normalised

# Every angle in rad. Flexions are positive where the limb's lower part goes forward (hip, shoulder, elbow) or back (knee), or
# the toes go up (ankle). Yaw is positive to the left, roll where the right hip rises, lean forward. x, y, z: of the pelvis,
# in m, forward, to the left and up from where it is when the person stands.
CHANNELS = (
    *("right_hip", "right_knee", "right_ankle", "right_shoulder", "right_elbow"),
    *("left_hip", "left_knee", "left_ankle", "left_shoulder", "left_elbow"),
    *("pelvis_yaw", "pelvis_roll", "thorax_yaw", "lean", "x", "y", "z"),
)
SEGMENTS = (
    *("head", "neck", "torso"),
    *("right_half_shoulders", "right_half_hips", "right_upper_arm", "right_forearm"),
    *("right_thigh", "right_shank", "right_foot"),
    *("left_half_shoulders", "left_half_hips", "left_upper_arm", "left_forearm"),
    *("left_thigh", "left_shank", "left_foot"),
)
_TRUNK_SIZES = ((0.10, HEAD), (0.05, NECK), (0.15, TRUNK))
_SIDE_SIZES = (
    *((0.06, HALF_SHOULDERS), (0.07, HALF_HIPS), (0.06, UPPER_ARM), (0.05, FOREARM)),
    *((0.07, THIGH), (0.06, SHANK), (0.05, FOOT)),
)
_SIZES = np.array(_TRUNK_SIZES + _SIDE_SIZES + _SIDE_SIZES)
_BARE = np.array([name in ("head", "neck", "right_foot", "left_foot") for name in SEGMENTS])
RADII_HEIGHT_M = 1.75
BARE_LOSS_DB = 1.0  # hair, skin and shoes, at most


@dataclass(frozen=True, eq=False)
class Pose:
    """Joints and spheroids in the room.

    centre_m, axis: (17, T, 3), see SEGMENTS. end_m: (17, T, 3), the lower or outer end of each segment: the hand is the
    forearm's, the ankle the shank's, the toe the foot's. heel_m: (2, T, 3), right and left.
    """

    centre_m: Array
    axis: Array
    end_m: Array
    heel_m: Array


@dataclass(frozen=True)
class Body:
    """height_m: 0.9 to 2.0. clothing_loss_db: what clothing takes from an echo, 0 to 12 dB; hair and shoes up to 1 dB."""

    height_m: float
    clothing_loss_db: float = 4.0
    radius_m: Array = field(init=False, repr=False, compare=False)
    half_length_m: Array = field(init=False, repr=False, compare=False)
    reflection: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        loss = np.where(_BARE, min(BARE_LOSS_DB, self.clothing_loss_db), self.clothing_loss_db)
        object.__setattr__(self, "radius_m", _SIZES[:, 0] * self.height_m / RADII_HEIGHT_M)
        object.__setattr__(self, "half_length_m", _SIZES[:, 1] * self.height_m / 2.0)
        object.__setattr__(self, "reflection", 10.0 ** (-loss / 20.0))

    @property
    def leg_m(self) -> float:
        """Ht, the length of thigh and shank."""
        return LEG * self.height_m

    def place(
        self, joints: Array, x_m: Array, y_m: Array, heading_rad: Array, lean: Array | None = None
    ) -> Pose:
        """The body at joints (17, T), rows as in CHANNELS, over the floor point (x_m, y_m), facing heading_rad, each (T,).

        lean: (2, T), how far every point is moved in x and y per metre of its height. A foot that would
        point through the floor is bent up until its toe rests there.
        """
        steps = joints.shape[1]
        pose = Pose(
            np.empty((17, steps, 3)),
            np.empty((17, steps, 3)),
            np.empty((17, steps, 3)),
            np.empty((2, steps, 3)),
        )
        lean = np.zeros((2, steps)) if lean is None else lean
        sizes = (self.height_m, 2.0 * self.half_length_m)
        _place(joints, x_m, y_m, heading_rad, lean, *sizes, pose.centre_m, pose.axis, pose.end_m, pose.heel_m)
        return pose

    def sole_m(self, pose: Pose) -> Array:
        """Height of the lowest point of either foot above the floor, (2, T), right and left."""
        toe = pose.end_m[[9, 16]]
        level = np.hypot(pose.axis[[9, 16], :, 0], pose.axis[[9, 16], :, 1])
        drop = ANKLE / 2.0 * self.height_m * level
        return np.minimum(toe[..., 2] - drop, pose.heel_m[..., 2])

    def spheroids(self, pose: Pose) -> Spheroids:
        return Spheroids(pose.centre_m, pose.axis, self.radius_m, self.half_length_m, self.reflection)


def trunk_cylinder(height_m: float) -> tuple[float, float]:
    """Radius and height in m of the upright cylinder that shadows like this body."""
    return 0.17 * height_m / RADII_HEIGHT_M, height_m


@compiled
def _place(joints, x_m, y_m, heading, lean, height, lengths, centre, axis, end, heel):
    tip, ray = np.zeros((19, 3)), np.zeros((17, 3))  # ahead, left, up; rows 17 and 18 are the heels
    ray[:2, 2] = -1.0
    ball, reach = FOOT - HEEL, math.hypot(FOOT - HEEL, ANKLE) * height
    rest = math.atan2(ANKLE, ball)
    for t in range(joints.shape[1]):
        tip[2, 0], tip[2, 1], tip[2, 2] = joints[14, t], joints[15, t], HIP_HEIGHT * height + joints[16, t]
        ray[2, 0], ray[2, 2] = -math.sin(joints[13, t]), -math.cos(joints[13, t])
        # Head, neck and torso each end where the next one begins.
        for k in (1, 0):
            for i in range(3):
                tip[k, i] = tip[k + 1, i] - lengths[k + 1] * ray[k + 1, i]
        for side in range(2):
            first, row, sign = 3 + 7 * side, 5 * side, 1.0 - 2.0 * side
            yaw, roll = joints[12, t], joints[11, t]
            ray[first, 0], ray[first, 1], ray[first, 2] = sign * math.sin(yaw), -sign * math.cos(yaw), 0.0
            yaw = joints[10, t]
            ray[first + 1, 0] = sign * math.sin(yaw) * math.cos(roll)
            ray[first + 1, 1] = -sign * math.cos(yaw) * math.cos(roll)
            ray[first + 1, 2] = sign * math.sin(roll)
            upper, thigh = joints[row + 3, t], joints[row, t]
            shank = thigh - joints[row + 1, t]
            _hang(ray, first + 2, upper)
            _hang(ray, first + 3, upper + joints[row + 4, t])
            _hang(ray, first + 4, thigh)
            _hang(ray, first + 5, shank)
            for i in range(3):
                tip[first, i] = tip[1, i] + lengths[first] * ray[first, i]
                tip[first + 1, i] = tip[2, i] + lengths[first + 1] * ray[first + 1, i]
                tip[first + 2, i] = tip[first, i] + lengths[first + 2] * ray[first + 2, i]
                tip[first + 3, i] = tip[first + 2, i] + lengths[first + 3] * ray[first + 3, i]
                tip[first + 4, i] = tip[first + 1, i] + lengths[first + 4] * ray[first + 4, i]
                tip[first + 5, i] = tip[first + 4, i] + lengths[first + 5] * ray[first + 5, i]
            ankle = tip[first + 5]
            pitch = shank + joints[row + 2, t]
            above = min(2.0, (ankle[2] + YIELD * height) / reach)
            # arcsin up to 0.9, but with no edge at 1, where the toe leaves the floor; then a soft maximum.
            lowest = rest - above * (1.0 + above**2 / 6.0 + 0.15 * above**4)
            pitch = 0.5 * (pitch + lowest + math.sqrt((pitch - lowest) ** 2 + 0.01))
            sin, cos = math.sin(pitch), math.cos(pitch)
            ray[first + 6, 0], ray[first + 6, 2] = cos, sin
            _point(tip[first + 6], ankle, height * ball, height * ANKLE / 2.0, sin, cos)
            _point(tip[17 + side], ankle, -height * HEEL, height * ANKLE, sin, cos)
        cos, sin = math.cos(heading[t]), math.sin(heading[t])
        for k in range(17):
            half = 0.5 * lengths[k]
            x, y, z = ray[k, 0] * cos - ray[k, 1] * sin, ray[k, 0] * sin + ray[k, 1] * cos, ray[k, 2]
            axis[k, t, 0], axis[k, t, 1], axis[k, t, 2] = x, y, z
            high = tip[k, 2]
            east = x_m[t] + tip[k, 0] * cos - tip[k, 1] * sin + high * lean[0, t]
            north = y_m[t] + tip[k, 0] * sin + tip[k, 1] * cos + high * lean[1, t]
            end[k, t, 0], end[k, t, 1], end[k, t, 2] = east, north, high
            centre[k, t, 0] = east - half * x
            centre[k, t, 1] = north - half * y
            centre[k, t, 2] = high - half * z
        for side in range(2):
            k = 17 + side
            heel[side, t, 0] = x_m[t] + tip[k, 0] * cos - tip[k, 1] * sin + tip[k, 2] * lean[0, t]
            heel[side, t, 1] = y_m[t] + tip[k, 0] * sin + tip[k, 1] * cos + tip[k, 2] * lean[1, t]
            heel[side, t, 2] = tip[k, 2]


@compiled
def _hang(ray, k, angle):
    """A limb at this angle from straight down, forward positive."""
    ray[k, 0], ray[k, 2] = math.sin(angle), -math.cos(angle)


@compiled
def _point(point, ankle, ahead, below, sin, cos):
    """A point of the foot, at its distances ahead of and below the ankle when the foot is flat."""
    point[0] = ankle[0] + ahead * cos + below * sin
    point[1] = ankle[1]
    point[2] = ankle[2] + ahead * sin - below * cos
