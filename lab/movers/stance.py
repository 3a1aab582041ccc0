"""The figure of a person who stays in one place: where every segment is for a lean of the trunk and two hands.

Coordinates are ahead, left and up of the floor below the hips, in m. The sizes are those of the walking figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array
from lab.movers.body import (
    ANKLE,
    FOOT,
    FOREARM,
    HALF_HIPS,
    HALF_SHOULDERS,
    HEAD,
    HEEL,
    HIP_HEIGHT,
    NECK,
    SHANK,
    THIGH,
    TRUNK,
    UPPER_ARM,
)
from lab.movers.gesture import two_links

HAND = 0.05  # of the height, from the wrist to the middle of the hand
ARM = UPPER_ARM + FOREARM + HAND
RIGHT, LEFT = -1.0, 1.0


@dataclass(frozen=True)
class Stance:
    """height_m: of the body. standing: else it sits. desk: hands that rest on a desk, RIGHT and LEFT; others lie in the lap or
    hang beside the body."""

    height_m: float
    standing: bool
    desk: tuple[float, ...] = ()

    @property
    def hip_m(self) -> float:
        """Height of the hip joints."""
        return self.height_m * (HIP_HEIGHT if self.standing else SHANK + ANKLE)

    @property
    def toe_m(self) -> float:
        """How far ahead of the hips the toes are."""
        return self.height_m * (FOOT - HEEL + (0.0 if self.standing else THIGH))

    @property
    def trunk_m(self) -> float:
        """Height of the middle of the trunk above the floor."""
        return self.hip_m + 0.5 * TRUNK * self.height_m

    @property
    def mouth_m(self) -> Array:
        """Where a hand holds a cup to drink."""
        return np.array([0.10, -0.02, TRUNK + NECK + 0.03]) * self.height_m + [0.0, 0.0, self.hip_m]

    def rest_m(self, side: float) -> Array:
        """Where a hand is between gestures (3,)."""
        if side in self.desk:
            at = (0.25, side * 0.10, 0.10 if self.standing else 0.15)
        else:
            at = (0.03, side * 0.16, TRUNK - 0.36) if self.standing else (0.17, side * 0.08, 0.065)
        return np.array([0.0, 0.0, self.hip_m]) + self.height_m * np.asarray(at)

    def shoulder_m(self, side: float, lean: Array) -> Array:
        return self.leant(lean, (0.0, side * HALF_SHOULDERS, TRUNK))

    def crown_m(self, lean: Array) -> Array:
        """The top of the head (T, 3)."""
        return self.leant(lean, (0.0, 0.0, TRUNK + NECK + HEAD))

    def leant(self, lean: Array, share: tuple[float, float, float]) -> Array:
        """A point of the trunk or head (T, 3) for leans (T, 2) in rad, forward and left.

        share: of the body height, ahead, left and up of the hips when upright. Rodrigues' rotation about a horizontal axis.
        """
        angle = np.hypot(lean[:, 0], lean[:, 1])
        ahead, left = (lean / np.maximum(angle, 1e-12)[:, None]).T
        sine, cosine = np.sin(angle), np.cos(angle)
        x, y, z = self.height_m * np.asarray(share)
        along = (ahead * y - left * x) * (1.0 - cosine)
        return np.stack(
            [
                x * cosine + ahead * z * sine - left * along,
                y * cosine + left * z * sine + ahead * along,
                z * cosine - (left * y + ahead * x) * sine + self.hip_m,
            ],
            axis=-1,
        )

    def carried(self, side: float, lean: Array) -> Array:
        """How far a hand that hangs goes with its shoulder (T, 3); 0 for one that lies on something."""
        if not self.standing or side in self.desk:
            return np.zeros((len(lean), 3))
        return self.shoulder_m(side, lean) - self.shoulder_m(side, np.zeros((1, 2)))

    def segments(self, lean: Array, breath_m: Array, right_hand_m: Array) -> tuple[Array, Array]:
        """Starts and ends (19, T, 3): the segments in the order of body.SEGMENTS, then the right and the left hand.

        lean: (T, 2). breath_m: (T,), forward shift of the torso. right_hand_m: (T, 3), the middle of the right hand.
        """
        height, still = self.height_m, np.zeros((len(lean), 3))
        forward = breath_m[:, None] * [1.0, 0.0, 0.0]
        hips = still + [0.0, 0.0, self.hip_m]
        neck = self.leant(lean, (0.0, 0.0, TRUNK))
        skull = self.leant(lean, (0.0, 0.0, TRUNK + NECK))
        parts = [(skull, self.crown_m(lean)), (neck, skull), (hips + forward, neck + forward)]
        hands = []
        left_hand_m = self.rest_m(LEFT) + self.carried(LEFT, lean)
        for side, hand in ((RIGHT, right_hand_m), (LEFT, left_hand_m)):
            shoulder = self.shoulder_m(side, lean)
            hip = hips + [0.0, side * HALF_HIPS * height, 0.0]
            knee = hip + ([0.0, 0.0, -THIGH * height] if self.standing else [THIGH * height, 0.0, 0.0])
            ankle = knee - [0.0, 0.0, SHANK * height]
            sole = ankle - [0.0, 0.0, 0.5 * ANKLE * height]
            # The elbow points behind a hanging arm, below one held forward, and somewhat outwards.
            way = hand - shoulder
            outward = 0.4 * side * np.hypot(way[:, 0], way[:, 2])
            pole = np.stack([way[:, 2], outward, -way[:, 0]], axis=-1)
            elbow = two_links(shoulder, hand, UPPER_ARM * height, (FOREARM + HAND) * height, pole)
            along = (hand - elbow) / ((FOREARM + HAND) * height)
            wrist = elbow + FOREARM * height * along
            parts += [
                (neck, shoulder),
                (hips, hip),
                (shoulder, elbow),
                (elbow, wrist),
                (hip, knee),
                (knee, ankle),
            ]
            parts.append((sole - [HEEL * height, 0.0, 0.0], sole + [(FOOT - HEEL) * height, 0.0, 0.0]))
            hands.append((wrist, wrist + 2.0 * HAND * height * along))
        starts, ends = zip(*(parts + hands), strict=True)
        return np.stack(starts), np.stack(ends)
