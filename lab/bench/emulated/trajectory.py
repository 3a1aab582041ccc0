"""Where an emulated stage was and when: written by its emulator, read by the room twin a little later.

Both count time in samples of the sound card, so that a busy machine stretches motion and sound alike.
"""

from __future__ import annotations

import threading
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from lab.errors import LabFailure
from rigs.grbl.profile import StageProfile
from rigs.rig_tables import Stage

KEEP_S = 600.0  # of what is past
PATIENCE_S = 8.0  # below what a JACK server waits for a client
MOVED_M = 0.001  # less is no motion
APART_S = 0.3  # motions nearer together are one


class Trajectory:
    """Distances over time of what a stage carries.

    stage: how positions become distances. travel_mm: between the axis's switches. Poses between two entries follow a monotone cubic
    (Fritsch and Carlson 1980): at entries 10 ms apart and 1 m/s^2 within 3 um, 4e-3 rad of an echo at 34 kHz.
    """

    def __init__(self, stage: Stage, profile: StageProfile, travel_mm: float) -> None:
        self._stage = stage
        self._axis = "xyz".index(stage.axis)
        self._zero_mm = travel_mm + profile.zero_mm.get(stage.axis, 0.0)
        self._time_s: list[float] = []
        self._distance_m: list[float] = []
        self._news = threading.Condition()

    def note(self, time_s: float, carriage_mm: tuple[float, ...]) -> None:
        """The emulator's entry; in order of time. Of a rest only begin and end are kept."""
        position_mm = carriage_mm[self._axis] - self._zero_mm
        distance_m = self._stage.distance_at_zero_m + self._stage.direction * position_mm / 1000.0
        with self._news:
            times, ways = self._time_s, self._distance_m
            if len(ways) >= 2 and ways[-1] == ways[-2] == distance_m:
                times[-1] = time_s
            else:
                times.append(time_s)
                ways.append(distance_m)
            stale = bisect_left(times, time_s - KEEP_S) - 2
            if stale > 1000:
                del times[:stale], ways[:stale]
            self._news.notify_all()

    def wait_for(self, time_s: float) -> None:
        """Until everything up to this moment is known. Raises LabFailure when the stage's emulator has stopped."""
        with self._news:
            known = self._news.wait_for(lambda: self._time_s and self._time_s[-1] >= time_s, PATIENCE_S)
        if not known:
            raise LabFailure(f"the emulated stage has not moved its clock for {PATIENCE_S:g} s")

    def distance_m(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances at these moments, (T,); before the first and after the last that is known it rests."""
        low, high = float(np.min(time_s)), float(np.max(time_s))
        with self._news:
            first = max(0, bisect_left(self._time_s, low) - 2)
            last = bisect_left(self._time_s, high) + 3
            times, ways = np.array(self._time_s[first:last]), np.array(self._distance_m[first:last])
        if not len(times):
            return np.full(np.shape(time_s), self._stage.distance_at_zero_m)
        if len(times) == 1 or np.all(ways == ways[0]):
            return np.full(np.shape(time_s), ways[0])
        return PchipInterpolator(times, ways)(np.clip(time_s, times[0], times[-1]))

    def moved_s(self, since_s: float) -> list[tuple[float, float]]:
        """Begin and end of each motion that began after since_s."""
        with self._news:
            times, ways = np.array(self._time_s), np.array(self._distance_m)
        found: list[list[float]] = []
        covered: list[float] = []
        for index in np.flatnonzero(np.diff(ways) != 0.0):
            begin, end = float(times[index]), float(times[index + 1])
            if begin < since_s:
                continue
            if found and begin - found[-1][1] < APART_S:
                found[-1][1] = end
                covered[-1] += abs(ways[index + 1] - ways[index])
            else:
                found.append([begin, end])
                covered.append(abs(ways[index + 1] - ways[index]))
        return [(begin, end) for (begin, end), way in zip(found, covered, strict=True) if way >= MOVED_M]
