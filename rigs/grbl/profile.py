"""What differs between stages that speak GRBL: axes, travel, speed, times. Filled from `rigs/profiles/*.toml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rigs.grbl.protocol import SAFE_BYTES
from rigs.profile import SerialLine, profile

AXES = ("x", "y", "z", "a", "b", "c", "u", "v", "w")


@profile
class StageProfile(SerialLine):
    """A motion stage behind a GRBL controller. Positions on the stage are machine coordinates less `zero_mm`.

    axes: names in the order the controller reports them.
    zero_mm: machine coordinate of the stage's own zero, by axis (GRBL counts 0 downwards from the far end).
    travel_mm: (lowest, highest) on the stage, by axis; axes not named take what the controller says ($130).
    homing: True refuses moves until the stage has been homed; False trusts the position at power-up.
    maximum_feed_mm_min: nothing moves faster, whatever is asked (a person may be near).
    arrival_mm: a move that ends further from its target than this is an error.
    buffer_bytes: receive buffer where `$I` does not tell it.
    startup_s: how long the controller may take to speak after its port is opened (boot loader).
    reply_s: how long it may take to answer a status query or a line that does not move.
    homing_s: how long homing may take. poll_hz: status queries while moving, at most 10.
    """

    baud_rate: Annotated[int, Field(ge=300, le=4_000_000)] = 115200
    axes: tuple[str, ...] = ("x", "y", "z")
    zero_mm: dict[str, float] = Field(default_factory=dict)
    travel_mm: dict[str, tuple[float, float]] = Field(default_factory=dict)
    homing: bool = True
    maximum_feed_mm_min: float = Field(default=3000.0, gt=0)
    arrival_mm: float = Field(default=0.05, gt=0)
    buffer_bytes: int = Field(default=128, ge=16)
    startup_s: float = Field(default=5.0, gt=0)
    reply_s: float = Field(default=3.0, gt=0)
    homing_s: float = Field(default=120.0, gt=0)
    poll_hz: float = Field(default=5.0, gt=0, le=10)

    def __post_init__(self) -> None:
        if not self.axes or len(set(self.axes)) != len(self.axes):
            raise ValueError("axes: each axis once, in the order the controller reports them")
        if wrong := [axis for axis in self.axes if axis not in AXES]:
            raise ValueError(f"axes: {wrong[0]!r} is no axis; known: {', '.join(AXES)}")
        for key in ("zero_mm", "travel_mm"):
            if strange := set(getattr(self, key)) - set(self.axes):
                raise ValueError(f"{key}: no axis {min(strange)}; axes are {', '.join(self.axes)}")
        for axis, (low, high) in self.travel_mm.items():
            if not low < high:
                raise ValueError(f"travel_mm.{axis}: must be [lowest, highest], not [{low:g}, {high:g}]")

    def safe_bytes(self) -> tuple[bytes, ...]:
        return SAFE_BYTES

    def stop_words(self) -> tuple[str, ...]:
        """Said once when an alarm begins: limit switch, reset in mid-move, emergency stop input."""
        return ("ALARM:",)
