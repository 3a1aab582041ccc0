"""A person as 17 spheroids hung on a skeleton, and where they are for given joint angles.

Segment lengths as a share of body height and spheroid radii are those of V. C. Chen's walking figure (The Micro-Doppler
Effect in Radar, 2011): legs 0.245 + 0.246, trunk 0.288, head 0.130, arms 0.188 + 0.152, feet 0.143, half shoulders 0.1295,
half hips 0.0955. His radii hold for 1.75 m and shrink with the person here. The ankle's height 0.039 and the neck
0.052 (Drillis and Contini 1966) close the sum to one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array, Spheroids

THIGH, SHANK, ANKLE = 0.245, 0.246, 0.039
TRUNK, NECK, HEAD = 0.288, 0.052, 0.130
UPPER_ARM, FOREARM, FOOT = 0.188, 0.152, 0.143
HALF_SHOULDERS, HALF_HIPS = 0.1295, 0.0955
HEEL = 0.036  # how far the heel lies behind the ankle
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

    def place(self, joints: Array, x_m: Array, y_m: Array, heading_rad: Array) -> Pose:
        """The body at joints (17, T), rows as in CHANNELS, over the floor point (x_m, y_m), facing heading_rad, each (T,)."""
        height, steps = self.height_m, joints.shape[1]
        lengths = 2.0 * self.half_length_m
        direction = np.zeros((3, 17, steps))
        end = np.empty((3, 17, steps))
        pelvis = np.stack((joints[14], joints[15], HIP_HEIGHT * height + joints[16]))
        lean_sin, lean_cos = np.sin(joints[13]), np.cos(joints[13])
        direction[0, 2], direction[2, 2] = -lean_sin, -lean_cos  # the torso points down to the pelvis
        direction[2, :2] = -1.0
        end[:, 2] = pelvis
        shoulders = pelvis - lengths[2] * direction[:, 2]
        end[:, 1] = shoulders
        end[:, 0] = shoulders - lengths[1] * direction[:, 1]
        yaw = np.stack((joints[12], joints[10]))
        roll = np.stack((np.zeros(steps), joints[11]))
        sideways = np.stack((np.sin(yaw) * np.cos(roll), -np.cos(yaw) * np.cos(roll), np.sin(roll)))
        # Angles from straight down, forward positive: upper arm, forearm, thigh, shank of either side.
        hang = np.empty((2, 4, steps))
        hang[0], hang[1] = joints[[3, 4, 0, 1]], joints[[8, 9, 5, 6]]
        hang[:, 1] += hang[:, 0]
        hang[:, 3] = hang[:, 2] - hang[:, 3]
        hang_sin, hang_cos = np.sin(hang), np.cos(hang)
        heel = np.empty((3, 2, steps))
        for side, first, sign in ((0, 3, 1.0), (1, 10, -1.0)):
            direction[:, first : first + 2] = sign * sideways
            end[:, first] = shoulders + lengths[first] * direction[:, first]
            end[:, first + 1] = pelvis + lengths[first + 1] * direction[:, first + 1]
            direction[0, first + 2 : first + 6] = hang_sin[side]
            direction[2, first + 2 : first + 6] = -hang_cos[side]
            for segment, above in ((2, 0), (3, 2), (4, 1), (5, 4)):
                at = first + segment
                end[:, at] = end[:, first + above] + lengths[at] * direction[:, at]
            pitch = hang[side, 3] + joints[2 + 5 * side]
            pitch_sin, pitch_cos = np.sin(pitch), np.cos(pitch)
            direction[0, first + 6], direction[2, first + 6] = pitch_cos, pitch_sin
            # The foot's axis lies half an ankle's height above the sole, its end at the toe.
            ankle, foot = end[:, first + 5], end[:, first + 6]
            for point, ahead, below in ((foot, FOOT - HEEL, ANKLE / 2.0), (heel[:, side], -HEEL, ANKLE)):
                point[0] = ankle[0] + height * (ahead * pitch_cos + below * pitch_sin)
                point[1] = ankle[1]
                point[2] = ankle[2] + height * (ahead * pitch_sin - below * pitch_cos)
        centre = end - self.half_length_m[:, None] * direction
        turn = (np.cos(heading_rad), np.sin(heading_rad))
        return Pose(
            _in_room(centre, turn, x_m, y_m),
            _in_room(direction, turn),
            _in_room(end, turn, x_m, y_m),
            _in_room(heel, turn, x_m, y_m),
        )

    def sole_m(self, pose: Pose) -> Array:
        """Height of the lowest point of either foot above the floor, (2, T), right and left."""
        toe = pose.end_m[[9, 16]]
        drop = ANKLE / 2.0 * self.height_m * np.hypot(pose.axis[[9, 16], :, 0], pose.axis[[9, 16], :, 1])
        return np.minimum(toe[..., 2] - drop, pose.heel_m[..., 2])

    def spheroids(self, pose: Pose) -> Spheroids:
        return Spheroids(pose.centre_m, pose.axis, self.radius_m, self.half_length_m, self.reflection)


def _in_room(local: Array, turn: tuple[Array, Array], x_m: Array | None = None, y_m: Array | None = None):
    """(3, N, T) ahead, left, up to (N, T, 3) in the room."""
    cos, sin = turn
    out = np.empty((*local.shape[1:], 3))
    east = local[0] * cos - local[1] * sin
    north = local[0] * sin + local[1] * cos
    out[..., 0] = east if x_m is None else east + x_m
    out[..., 1] = north if y_m is None else north + y_m
    out[..., 2] = local[2]
    return out


def trunk_cylinder(height_m: float) -> tuple[float, float]:
    """Radius and height in m of the upright cylinder that shadows like this body."""
    return 0.17 * height_m / RADII_HEIGHT_M, height_m
