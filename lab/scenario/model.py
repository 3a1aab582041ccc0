"""What a scenario says once every value is concrete. Specs of rooms and sources stand beside their physics."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from detectors.interface import LABELS
from lab.acoustics.device import DeviceSpec
from lab.acoustics.placement import PlacementSpec
from lab.acoustics.room import RoomSpec
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec
from lab.spec import Spec

FORMAT = "earshot-scenario/1"

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Label = Literal[LABELS]
Scalar = bool | int | float | str
Source = Annotated[MediaSpec | NoiseSpec, Field(discriminator="kind")]


class Expectation(Spec):
    """What the detectors under test should say. `labels` is empty when nothing should be detected.

    latency_s: a detection may come this long after the offset of the truth.
    guard_s: the detector must be quiet this long before the onset, or the trial is no detection.
    """

    labels: tuple[Label, ...] = ()
    latency_s: float = Field(1.0, ge=0.0, le=60.0)
    guard_s: float = Field(1.0, ge=0.0, le=60.0)


class Limit(Spec):
    """One limit: a confidence bound of the metric must lie beyond it.

    Without `label` or `detector` it holds for each one, without `where` for every cell.
    Units: detection_rate and active_fraction 0..1, latency_p95_s seconds, false_alarms_per_day 1/(24 h).
    """

    metric: Literal["detection_rate", "false_alarms_per_day", "active_fraction", "latency_p95_s"]
    label: Label | None = None
    detector: str | None = None
    where: dict[str, Scalar] = Field(default_factory=dict)
    at_least: float | None = Field(None, ge=0.0)
    at_most: float | None = Field(None, ge=0.0)

    @model_validator(mode="after")
    def _one_sense(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("exactly one of at_least, at_most")
        if self.at_least is not None and self.metric != "detection_rate":
            raise ValueError(f"{self.metric} takes at_most; at_least is for detection_rate")
        limit = self.at_least if self.at_most is None else self.at_most
        if self.metric in ("detection_rate", "active_fraction") and limit > 1.0:
            raise ValueError(f"{self.metric} is between 0 and 1, got {limit:g}")
        return self


class Scenario(Spec):
    """One scenario, all values concrete: a trial's `spec`. `device` is the content of the device file."""

    format: Literal["earshot-scenario/1"]
    id: Identifier
    title: str = Field(min_length=1, max_length=120)
    description: str = ""
    tags: tuple[Tag, ...] = ()
    device: DeviceSpec
    split: Literal["train", "tune", "test"] = "test"
    trials: int | None = Field(None, ge=1, le=1_000_000)
    hours: float | None = Field(None, gt=0.0, le=10_000.0)
    duration_s: float = Field(gt=0.0, le=86_400.0)
    room: RoomSpec
    placement: PlacementSpec
    sources: tuple[Source, ...] = Field(min_length=1)
    expect: Expectation = Expectation()
    accept: tuple[Limit, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.trials is None) == (self.hours is None):
            raise ValueError("exactly one of trials, hours")
        return self
