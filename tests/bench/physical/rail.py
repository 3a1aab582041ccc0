"""A plate on the rail of the ultrasonic bench, as a scenario."""

from __future__ import annotations

PLATE = """
format = "earshot-scenario/1"
id = "{name}"
title = "{title}"
device = "ultrasonic_speaker"
trials = 1
duration_s = {duration_s}
[room]
size_m = [4.0, 3.5, 2.5]
rt60_s = 0.3
[placement]
rule = "shelf"
[[movers]]
kind = "linear_stage"
name = "plate"
distance_m = {distance_m}
end_m = {end_m}
"""


def plate(
    duration_s: float,
    distance_m: float,
    end_m: float,
    more: str,
    name: str = "rail",
    title: str = "A plate on a rail",
) -> str:
    """From distance_m to end_m. more: further keys of the plate, and tables after it."""
    return (
        PLATE.format(name=name, title=title, duration_s=duration_s, distance_m=distance_m, end_m=end_m) + more
    )
