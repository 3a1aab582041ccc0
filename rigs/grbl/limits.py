"""How far and how fast a stage may go, by its profile and by the controller's own settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from rigs.grbl.profile import StageProfile
from rigs.grbl.protocol import Feedback

Settings = Mapping[str, str]
GUARDS = {20: "soft limits", 21: "hard limits", 22: "homing"}
AS_PRINTED_MM = 0.001  # settings have three decimals


def travel_mm(
    profile: StageProfile, settings: Settings, build: Iterable[Feedback]
) -> dict[str, tuple[float, float]]:
    """(lowest, highest) on the stage by axis. The profile's word comes before the controller's."""
    return _counted_mm(profile, settings, build) | profile.travel_mm


def unguarded(profile: StageProfile, settings: Settings, build: Iterable[Feedback]) -> Iterator[str]:
    """What of a controller's settings lets a stage that homes run into its end stops; a line each.

    Flags of grblHAL are bit 0 of a mask. A stage without homing has no soft limits to be asked for.
    """
    if not profile.homing:
        return
    for number, what in GUARDS.items():
        if not int(_value(settings, number) or 0) & 1:
            yield f"${number}={settings.get(str(number), 'not told')}: {what} must be on (1)"
    counted = _counted_mm(profile, settings, build)
    for axis, (low, high) in profile.travel_mm.items():
        key = f"${130 + profile.axes.index(axis)}"
        if axis not in counted:
            yield f"{key} is not told: the controller must know the travel of {axis}"
            continue
        least, most = counted[axis]
        if low < least - AS_PRINTED_MM or high > most + AS_PRINTED_MM:
            yield (
                f"{key}={most - least:g}: the controller goes from {least:g} to {most:g} mm on {axis}, "
                f"travel_mm.{axis} of the profile from {low:g} to {high:g}"
            )


def _counted_mm(
    profile: StageProfile, settings: Settings, build: Iterable[Feedback]
) -> dict[str, tuple[float, float]]:
    """By what the controller says, as far as it does.

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
    return found


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
