"""Direct sound and early reflections of a point in a room: the images of the microphones, and what is lost on the way.

By reciprocity a source hears the same paths to the images of a microphone as its own images have to the microphone. Microphones
stand still, so their images serve every place a source may have. A path of length r to image i brings

    G_i(f, r) exp(-j 2 pi f r / c) / r,     G_i = sum_b w_b(f) R_ib exp(-m_b r / 2)

w_b: octave bands that cross over in an octave; R: amplitudes left by walls, scattering and all; m: energy exponent of ISO 9613-1 air.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.late import octave_weights
from lab.acoustics.room import CalibratedRoom
from lab.acoustics.rt60 import OCTAVES_HZ
from lab.acoustics.shoebox import IMAGE_ORDER
from lab.acoustics.ultrasonic.images import lattice

Array = NDArray[np.float64]
FADE = 0.96  # of half the rate: what lies above fades out, so that a path rings shortly
RING = 256  # samples that a path may ring on either side


@dataclass(frozen=True, eq=False)
class Images:
    """Of M microphones, N of each. position_m: (M, N, 3). reflection: (N, bands), amplitude. air_np_m: (bands,).

    farthest_m: the longest path from anywhere in the room.
    """

    position_m: Array
    reflection: Array
    air_np_m: Array
    centres_hz: Array
    farthest_m: float

    def gains(self, distance_m: Array) -> Array:
        """R exp(-m r / 2) of each image at its distance (N,), (N, bands)."""
        return self.reflection * np.exp(-self.air_np_m * distance_m[:, None])

    def weights(self, frequency_hz: Array) -> Array:
        """w, (bands, F), adding up to 1."""
        return octave_weights(frequency_hz, self.centres_hz, 1.0)


def images_of(
    room: CalibratedRoom, microphones_m: ArrayLike, rate_hz: int, order: int = IMAGE_ORDER
) -> Images:
    """Images up to an order; above 8 kHz walls stay as they are there, and the air goes on. microphones_m: (M, 3)."""
    centres = [float(octave) for octave in OCTAVES_HZ]
    while centres[-1] * math.sqrt(2.0) < rate_hz / 2.0:
        centres.append(2.0 * centres[-1])
    cells = lattice(0, order)
    # Rays carry on what scatters, so the images have lost it.
    kept = np.sqrt((1.0 - room.absorption) * (1.0 - room.scattering))
    walls = np.concatenate([kept, np.repeat(kept[:, -1:], len(centres) - kept.shape[1], axis=1)], axis=1)
    position = cells.position_m(room.size_m, np.asarray(microphones_m, dtype=np.float64))
    corners = np.maximum(np.abs(position), np.abs(position - np.asarray(room.size_m)))
    return Images(
        position_m=position,
        reflection=np.stack([cells.reflection(wall) for wall in walls.T], axis=1),
        air_np_m=0.5 * room.climate.energy_per_m(centres),
        centres_hz=np.array(centres),
        farthest_m=float(np.sqrt((corners**2).sum(axis=-1)).max()),
    )


def early_responses(
    images: Images, source_m: ArrayLike, speed_m_s: float, rate_hz: int
) -> NDArray[np.float32]:
    """Impulse responses of the images alone from a place (3,), (M, taps); time 0 is the emission."""
    distance = np.linalg.norm(images.position_m - np.asarray(source_m, dtype=np.float64), axis=2)
    taps = math.ceil(distance.max() / speed_m_s * rate_hz) + RING
    length = scipy.fft.next_fast_len(taps + RING, real=True)
    frequency = scipy.fft.rfftfreq(length, 1.0 / rate_hz)
    weights = images.weights(frequency)
    above = np.clip((frequency / (0.5 * rate_hz) - FADE) / (1.0 - FADE), 0.0, 1.0)
    weights *= np.cos(0.5 * np.pi * above) ** 2
    rows = []
    for lengths in distance:
        turns = np.exp(-2j * np.pi / speed_m_s * np.outer(lengths, frequency))
        shaped = (images.gains(lengths) / lengths[:, None]) @ weights
        rows.append(scipy.fft.irfft((turns * shaped).sum(axis=0), length)[:taps])
    return np.array(rows, dtype=np.float32)
