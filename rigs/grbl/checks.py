"""What a stage refuses before a byte is sent. Each raises Unsafe, naming the stage, its state and the call."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rigs.errors import Unsafe
from rigs.grbl.profile import StageProfile


def feed(where: str, call: str, feed_mm_min: float, profile: StageProfile) -> None:
    """A speed within what the profile allows."""
    most = profile.maximum_feed_mm_min
    if not _number(feed_mm_min) or not 0 < feed_mm_min <= most:
        raise Unsafe(f"{where}: refused {call} at {feed_mm_min} mm/min: allowed is up to {most:g}")


def axes(where: str, call: str, mm: Mapping[str, float], profile: StageProfile) -> None:
    """Known axes, finite numbers, at least one of them."""
    known = ", ".join(profile.axes)
    if not mm:
        raise Unsafe(f"{where}: refused {call}: no axis is named; axes are {known}")
    for axis, value in mm.items():
        if axis not in profile.axes:
            raise Unsafe(f"{where}: refused {call}: no axis {axis}; axes are {known}")
        if not _number(value):
            raise Unsafe(f"{where}: refused {call}: {value} is no number of mm")


def target(
    where: str,
    call: str,
    mm: Mapping[str, float],
    profile: StageProfile,
    travel_mm: Mapping[str, tuple[float, float]],
) -> None:
    """A place within the travel."""
    axes(where, call, mm, profile)
    for axis, value in mm.items():
        if axis not in travel_mm:
            raise Unsafe(f"{where}: refused {call}: the travel of {axis} is not known; say it in the profile")
        low, high = travel_mm[axis]
        if not low <= value <= high:
            raise Unsafe(f"{where}: refused {call}: {axis} goes from {low:g} to {high:g} mm")


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
