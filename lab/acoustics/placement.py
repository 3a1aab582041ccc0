"""Where things stand in a room."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from lab.spec import Spec

Rule = Literal["table", "shelf", "wall", "centre"]
Position = tuple[float, float, float]


class PlacementSpec(Spec):
    """Where the device stands: by rule, or the coordinates of its centre in metres."""

    rule: Rule | None = None
    position_m: Position | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rule is None) == (self.position_m is None):
            raise ValueError("exactly one of rule, position_m")
        return self
