"""What a source says that moves: a talker who walks about, a robot vacuum cleaner, a telephone in a pocket."""

from __future__ import annotations

from pydantic import Field

from lab.acoustics.placement import FloorPath
from lab.spec import Spec


class MovesSpec(Spec):
    """A way over the floor. path_m: points (x, y), 2 to 200, corners rounded. speed_m_s: reached within 0.8 s. there_and_back: again and
    again until the trial ends, else it stays where the path ends. It sets out when the source's `start_s` has come."""

    path_m: FloorPath
    speed_m_s: float = Field(1.2, ge=0.05, le=2.4)
    there_and_back: bool = False
