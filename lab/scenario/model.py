"""What a scenario says once every value is concrete. Specs of rooms, sources and movers stand beside their physics."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from detectors.interface import LABELS
from lab.acoustics.device import DeviceSpec
from lab.acoustics.placement import PlacementSpec
from lab.acoustics.room import RoomSpec
from lab.acoustics.ultrasonic.interference import AnyInterfererSpec
from lab.acoustics.ultrasonic.world import UltrasoundSpec
from lab.movers.catalogue import MoverSpec
from lab.movers.mover import MAJOR, MINOR, PRESENCE, Doorway
from lab.sources.catalogue import SourceSpec, stands_somewhere
from lab.sources.days import DaySpec
from lab.sources.footsteps import FootstepsSpec
from lab.sources.marking import LABEL as MARK_LABEL
from lab.sources.marking import WatermarkSpec
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec
from lab.sources.playback import PlaybackSpec
from lab.spec import Spec

FORMAT = "earshot-scenario/1"

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Label = Literal[LABELS]
Scalar = bool | int | float | str


class Expectation(Spec):
    """What the detectors under test should say. `labels` is empty when nothing should be detected.

    latency_s: a detection may come this long after the offset of the truth. within_s: and no later than this after its
    onset, 0.1 to 3600; without it, as long as the truth lasts. early_s: or come this long before the onset, 0 to 10, where what
    is to be detected can be heard before it counts: who comes in is seen through the open door.
    guard_s: the detector must be quiet this long before the onset, or the trial is no detection.
    """

    labels: tuple[Label, ...] = ()
    latency_s: float = Field(1.0, ge=0.0, le=60.0)
    within_s: float | None = Field(None, ge=0.1, le=3600.0)
    early_s: float = Field(0.0, ge=0.0, le=10.0)
    guard_s: float = Field(1.0, ge=0.0, le=60.0)


class Limit(Spec):
    """One limit: a confidence bound of the metric must lie beyond it.

    Without `label`, `detector` or `stage` it holds for each one, without `where` for every cell.
    detection_rate: share of targets, 0..1. false_alarms_per_day: events in 24 h; with them the share of time
    in alarm is held to 0.1 %. active_fraction: that share, 0..1. latency_p95_s: seconds after onset, of detected
    targets. false_alarm_rate: share of trials without a target that alarm, 0..1.
    """

    metric: Literal[
        "detection_rate", "false_alarms_per_day", "active_fraction", "latency_p95_s", "false_alarm_rate"
    ]
    label: Label | None = None
    detector: str | None = None
    stage: str | None = None
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
        if self.metric in ("detection_rate", "active_fraction", "false_alarm_rate") and limit > 1.0:
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
    ultrasound: UltrasoundSpec = UltrasoundSpec()
    sources: tuple[SourceSpec, ...] = ()
    day: DaySpec | None = None
    movers: tuple[MoverSpec, ...] = ()
    doorways: tuple[Doorway, ...] = ()
    interferers: tuple[AnyInterfererSpec, ...] = ()
    expect: Expectation = Expectation()
    accept: tuple[Limit, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.trials is None) == (self.hours is None):
            raise ValueError("exactly one of trials, hours")
        self._check_ultrasound()
        media = [source for source in self.sources if isinstance(source, MediaSpec)]
        for source in self.sources:
            if isinstance(source, NoiseSpec) and source.snr_db is not None:
                self._check_reference(source, [one.name for one in self.sources if stands_somewhere(one)])
        walkers = [mover.name for mover in self.movers if mover.kind == "walker"]
        for source in self.sources:
            if isinstance(source, FootstepsSpec) and source.of not in (None, *walkers):
                known = ", ".join(walkers) or "none"
                raise ValueError(
                    f"sources.{source.name}.of = {source.of!r}: no mover of kind walker; there are: {known}"
                )
        marks = [source.watermark for source in media if source.watermark is not None]
        for source in media:
            if source.watermark is not None:
                self._check_mark(source.name, source.watermark)
        if MARK_LABEL in self.expect.labels and not any(mark.expected for mark in marks):
            raise ValueError(f"expect.labels has {MARK_LABEL!r}, but no source bears an expected watermark")
        return self

    def _check_ultrasound(self) -> None:
        if self.device.ultrasonic is None and self.movers:
            raise ValueError(
                f"movers: device {self.device.id} has no [ultrasonic] converter to hear them with"
            )
        if self.device.ultrasonic is None and self.interferers:
            raise ValueError(
                f"interferers: device {self.device.id} has no [ultrasonic] converter to hear them with"
            )
        if self.device.ultrasonic is None and not self.sources and self.day is None:
            raise ValueError("sources: at least one, or a day, or a device with an [ultrasonic] converter")
        if sum(isinstance(source, PlaybackSpec) for source in self.sources) > 1:
            raise ValueError('sources: one of kind "playback" at most; a device has one loudspeaker')
        moved = {PRESENCE, MAJOR, MINOR} & set(self.expect.labels)
        if moved and not self.movers:
            raise ValueError(f"expect.labels has {min(moved)!r}, but there are no movers")

    def _check_reference(self, noise: NoiseSpec, placed: list[str]) -> None:
        if not placed:
            raise ValueError(
                f"sources.{noise.name}.snr_db: needs a source that stands somewhere; without one, use level_db_spl"
            )
        if noise.relative_to not in (None, *placed):
            raise ValueError(
                f"sources.{noise.name}.relative_to = {noise.relative_to!r}: must be one of {', '.join(placed)}"
            )

    def _check_mark(self, name: str, mark: WatermarkSpec) -> None:
        if mark.start_s is None:
            return
        end_s = mark.start_s + mark.duration_s
        if end_s > self.duration_s:
            raise ValueError(
                f"sources.{name}.watermark: start_s + duration_s = {end_s:g} s is after the end of the trial, "
                f"duration_s = {self.duration_s:g}"
            )
        if mark.expected and mark.start_s < self.expect.guard_s:
            raise ValueError(
                f"sources.{name}.watermark.start_s = {mark.start_s:g}: must be at least "
                f"expect.guard_s = {self.expect.guard_s:g}, during which the detector must be quiet"
            )
