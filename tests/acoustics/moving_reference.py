"""What moving sources should sound like: tones over every path, each sample solved for itself in double precision.

    y(t) = sum_i sum_f A_f G_i(f, r) / r cos(2 pi f te + phi_f),     te + r(te) / c = t

Nothing is interpolated: a sum of tones is known at any time. Times are solved to 1e-13 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.acoustics.early import images_of
from lab.acoustics.moving import Course
from lab.acoustics.room import CalibratedRoom


@dataclass(frozen=True)
class Tones:
    """Equally loud tones of unit RMS in all. frequency_hz, phase: (F,)."""

    frequency_hz: np.ndarray
    phase: np.ndarray

    @property
    def amplitude(self) -> float:
        return float(np.sqrt(2.0 / len(self.frequency_hz)))

    def at(self, time_s: np.ndarray) -> np.ndarray:
        turns = 2.0 * np.pi * self.frequency_hz[:, None] * time_s + self.phase[:, None]
        return self.amplitude * np.cos(turns).sum(axis=0)

    def reader(self, rate_hz: int) -> Callable[[int], np.ndarray]:
        position = 0

        def read(samples: int) -> np.ndarray:
            nonlocal position
            position += samples
            return self.at(np.arange(position - samples, position) / rate_hz)

        return read


def tones(count: int, low_hz: float, high_hz: float, seed: int) -> Tones:
    """As many tones in each hertz, so that they weigh like white noise."""
    rng = np.random.default_rng(seed)
    return Tones(rng.uniform(low_hz, high_hz, count), rng.uniform(0.0, 2.0 * np.pi, count))


def reference(
    room: CalibratedRoom,
    course: Course,
    microphones_m,
    source: Tones,
    time_s: np.ndarray,
    order: int,
    rate_hz: int,
) -> np.ndarray:
    """Early images alone at the moments time_s (T,), (M, T)."""
    images = images_of(room, microphones_m, rate_hz, order)
    weights = images.weights(source.frequency_hz)
    speed = room.climate.speed_m_s
    heard = np.zeros((len(images.position_m), len(time_s)))
    for channel, positions in enumerate(images.position_m):
        for image, reflection in zip(positions, images.reflection, strict=True):
            emitted = time_s.copy()
            for _ in range(8):
                away = np.linalg.norm(course.at(emitted) - image, axis=1)
                emitted = time_s - away / speed
            gain = (reflection * np.exp(-images.air_np_m * away[:, None])) @ weights
            turns = 2.0 * np.pi * emitted[:, None] * source.frequency_hz + source.phase
            heard[channel] += source.amplitude * (gain * np.cos(turns)).sum(axis=1) / away
    return heard


def residual_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10.0 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2)))
