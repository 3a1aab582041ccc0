"""Media: what a television or a loudspeaker plays."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lab.acoustics.placement import Position, Rule
from lab.spec import Spec


class WatermarkSpec(Spec):
    """A watermark over part of what is played. expected: whether the device under test listens for this key."""

    key: str = "reference"
    start_s: float = Field(0.0, ge=0.0)
    duration_s: float = Field(gt=0.0)
    expected: bool = True


class ScheduleSpec(Spec):
    poisson_per_h: float = Field(gt=0.0)


class MediaSpec(Spec):
    """Recordings, or procedural audio, played at a level.

    distance_m: exact distance to the centre of the device, or position_m, or rule. level_db_spl: RMS at 1 m in
    the free field. start_s: when it starts, or schedule.
    """

    kind: Literal["media"]
    name: str
    corpus: str = "procedural"
    classes: tuple[str, ...]
    distance_m: Annotated[float, Field(gt=0.0, le=50.0)] | None = None
    position_m: Position | None = None
    rule: Rule | None = None
    level_db_spl: float = Field(70.0, ge=0.0, le=120.0)
    start_s: float | None = Field(None, ge=0.0)
    schedule: ScheduleSpec | None = None
    watermark: WatermarkSpec | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if [self.distance_m, self.position_m, self.rule].count(None) != 2:
            raise ValueError("exactly one of distance_m, position_m, rule")
        if self.start_s is not None and self.schedule is not None:
            raise ValueError("exactly one of start_s, schedule")
        return self
