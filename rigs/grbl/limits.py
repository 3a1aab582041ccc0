"""How far and how fast a stage may go, by its profile and by the controller's own settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rigs.grbl.profile import StageProfile
from rigs.grbl.protocol import Feedback

Settings = Mapping[str, str]


def travel_mm(
    profile: StageProfile, settings: Settings, build: Iterable[Feedback]
) -> dict[str, tuple[float, float]]:
    """(lowest, highest) on the stage by axis. The profile's word comes before the controller's.

    A controller counts its $130 and on downwards from 0; one built with homing to the origin (option Z)
    counts upwards on axes whose bit is set in $23.
    """
    origin_at_switch = any(one.kind == "OPT" and "Z" in one.text.split(",")[0] for one in build)
    mask = int(_value(settings, 23) or 0)
    found = {}
    for number, axis in enumerate(profile.axes):
        span = _value(settings, 130 + number)
        if span is not None and span > 0:
            low, high = (0.0, span) if origin_at_switch and mask >> number & 1 else (-span, 0.0)
            zero = profile.zero_mm.get(axis, 0.0)
            found[axis] = (low - zero, high - zero)
    return found | profile.travel_mm


def duration_s(distance_mm: float, feed_mm_min: float, axes: int, settings: Settings) -> float:
    """Longest that a straight move can take, by the controller's slowest axis: cruise and both ramps."""
    rates = [feed_mm_min] + [v for n in range(axes) if (v := _value(settings, 110 + n))]
    ramps = [v for n in range(axes) if (v := _value(settings, 120 + n))]
    speed_mm_s = max(min(rates) / 60.0, 1e-3)
    return distance_mm / speed_mm_s + 2.0 * speed_mm_s / min(ramps, default=10.0)


def axis_words(mm: Mapping[str, float]) -> str:
    """`X1.5Y-2`"""
    return "".join(f"{axis.upper()}{number(value)}" for axis, value in mm.items())


def in_words(mm: Mapping[str, float]) -> str:
    """`x 1.5, y -2`, for messages."""
    return ", ".join(f"{axis} {value:g}" for axis, value in mm.items())


def number(value: float) -> str:
    """A decimal as GRBL reads it: no exponent, micrometres at most."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _value(settings: Settings, key: int) -> float | None:
    try:
        value = float(settings[str(key)])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None
