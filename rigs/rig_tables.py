"""The tables of a rig file: strict, closed, units in the key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from detectors.interface import LABELS
from rigs.console_patterns import ConsolePatterns
from rigs.rig_problems import refuse, twice

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Label = Literal[LABELS]
EMULATOR = "emulator"  # the link of an instrument that the bench itself emulates


class Table(BaseModel):
    """Strict, frozen, and closed: an unknown key is an error, a string is never a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Link(Table):
    """How an instrument is reached.

    url: `/dev/serial/by-path/...`, `rfc2217://host:port`, `socket://host:port`, or `emulator`. usb_path: such as
    `1-1.2`, instead of a device path: identical adapters have no serial number, their socket tells them apart.
    baud_rate: 8N1. pacing_s: pause after each byte sent, for devices that lose characters.
    """

    url: Text | None = None
    usb_path: Annotated[str, StringConstraints(pattern=r"^\d+-\d+(\.\d+)*(:\d+\.\d+)?$")] | None = None
    baud_rate: int | None = Field(None, ge=300, le=4_000_000)
    pacing_s: float = Field(0.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (self.usb_path is None):
            raise ValueError("exactly one of url, usb_path")
        return self


class Instrument(Table):
    """driver: a module of `rigs`. profile: a model of `rigs/profiles`, or a path relative to the rig file.

    serial_number: of this very one; a level meter that says another is refused.
    """

    name: Name
    driver: Name
    link: Link
    profile: Text | None = None
    serial_number: str = ""


class Output(Table):
    """One loudspeaker. full_scale_db_spl: level at 1 m, on axis, of a sine whose peaks reach full scale.

    serial_number: of this very one, for the report. plays: `tone` is the device's own loudspeaker, which emits above hearing what the
    build under test commands.
    """

    name: Text
    channel: int = Field(ge=1, le=64)
    plays: Literal["media", "noise", "tone"]
    full_scale_db_spl: float = Field(ge=40.0, le=160.0)
    serial_number: str = ""


class Input(Table):
    """One microphone. full_scale_db_spl: level of a sine whose peaks reach full scale.

    microphone: which of the device file's it stands for, from 1. serial_number: of this very one, for the report.
    """

    name: Text
    channel: int = Field(ge=1, le=64)
    microphone: int = Field(1, ge=1, le=64)
    full_scale_db_spl: float = Field(ge=40.0, le=180.0)
    serial_number: str = ""


class Jack(Table):
    """A JACK dummy server with loop-back channels, started for the run where none is running."""

    channels: int = Field(8, ge=1, le=64)
    period: int = Field(1024, ge=64, le=8192)


class Audio(Table):
    """device, host_api: parts of the names that `lab rig check` lists. jack: start this server first.

    pilot_db_spl: level at 1 m of the chirp before and after every trial; pilot_hz: its band, None for the upper half of
    what the rate carries. lag_ms: least and most between playing a sound and hearing it back, of converters, buffers and
    air together. jitter_ms: most that the lag may change within a trial. skew_ppm: most that the two clocks may differ.
    path_gain_db: level of the recorded pilot over the played one, both relative to full scale, within 3 dB; None to
    leave it unjudged. peak_db: least that the pilot's correlation must stand above its second peak; in a lively room
    reflections come close, noise alone seldom passes 2 dB.
    """

    device: Text
    host_api: str = ""
    rate_hz: Literal[44100, 48000, 96000, 192000]
    outputs: Annotated[tuple[Output, ...], Field(strict=False, min_length=1)]
    inputs: Annotated[tuple[Input, ...], Field(strict=False, min_length=1)]
    jack: Jack | None = None
    pilot_db_spl: float = Field(70.0, ge=30.0, le=110.0)
    pilot_hz: Annotated[tuple[float, float], Field(strict=False)] | None = None
    lag_ms: Annotated[tuple[float, float], Field(strict=False)] = (0.0, 500.0)
    jitter_ms: float = Field(0.5, ge=0.0, le=10.0)
    skew_ppm: float = Field(0.0, ge=0.0, le=1000.0)
    path_gain_db: float | None = Field(None, ge=-120.0, le=120.0)
    peak_db: float = Field(6.0, ge=1.0, le=60.0)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse(self._misfits())
        return self

    def _misfits(self) -> Iterator[str]:
        for kind, wires in (("outputs", self.outputs), ("inputs", self.inputs)):
            for key in ("name", "channel"):
                yield from twice(f"{kind}.{key}", (getattr(wire, key) for wire in wires))
        yield from twice("inputs.microphone", (wire.microphone for wire in self.inputs))
        if not 0.0 <= self.lag_ms[0] < self.lag_ms[1]:
            yield f"lag_ms must be [least, most], got {list(self.lag_ms)}"
        if self.pilot_hz is not None and not 0.0 < self.pilot_hz[0] < self.pilot_hz[1] < self.rate_hz / 2:
            yield f"pilot_hz must be [low, high] below {self.rate_hz / 2:g}, got {list(self.pilot_hz)}"


class Stage(Table):
    """A linear stage that carries one loudspeaker or the device, so that a distance can be set by motor; or a target that moves
    while a trial runs.

    distance_at_zero_m: from what it carries to the device (or from loudspeaker to device) with the stage at 0 mm; it grows with the
    position, or shrinks with `direction = -1`. travel_mm: least and most position. feed_mm_min: speed of moves.
    """

    instrument: Name
    carries: Literal["loudspeaker", "device", "target"]
    axis: Literal["x", "y", "z"] = "x"
    distance_at_zero_m: float = Field(ge=0.0, le=50.0)
    direction: Literal[1, -1] = 1
    travel_mm: Annotated[tuple[float, float], Field(strict=False)]
    feed_mm_min: float = Field(gt=0.0, le=60_000.0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.travel_mm[0] < self.travel_mm[1]:
            raise ValueError(f"travel_mm must be [least, most], got {list(self.travel_mm)}")
        return self

    def position_mm(self, distance_m: float) -> float:
        return (distance_m - self.distance_at_zero_m) * 1000.0 * self.direction

    @property
    def reach_m(self) -> tuple[float, float]:
        """Least and largest distance that the travel allows."""
        ends = [self.distance_at_zero_m + self.direction * mm / 1000.0 for mm in self.travel_mm]
        return min(ends), max(ends)


class Switch(Table):
    """A relay channel. amplifier: on while anything is played. device_power: closed when the device has power. alarm: an alarm on the bench,
    that sounds while it is closed. settle_s: from closing an amplifier's to the first sound."""

    name: Text
    instrument: Name
    channel: int = Field(ge=1, le=64)
    role: Literal["amplifier", "device_power", "alarm"]
    settle_s: float = Field(0.0, ge=0.0, le=60.0)


class Mark(Table):
    """A place on the floor where the operator puts the loudspeaker, or the device."""

    name: Text
    distance_m: float = Field(ge=0.1, le=50.0)


class Sensitivity(Table):
    """Values that the console's sensitivity_command takes, least sensitive first; verdicts use `under_test`."""

    values: Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=20)]
    under_test: float

    @model_validator(mode="after")
    def _known(self) -> Self:
        refuse(twice("values", self.values))
        if self.under_test not in self.values:
            raise ValueError(f"under_test must be one of values: {', '.join(f'{v:g}' for v in self.values)}")
        return self


class Device(Table):
    """The device under test.

    build: id of the build it must run; its hash is compared too when the console tells one. console: what its lines mean, see
    `rigs.console_patterns`; None for the profile of its instrument. labels: what it reports. delay_ms: from a decision to its line on
    the console, taken off where that tells no time. refractory_s: at least this long between two of its reports of one label.
    forgets_s: how long what it heard goes on counting with it, so that a trial begins so long after the one before has sounded.
    """

    name: Text
    serial_number: str = ""
    instrument: Name
    build: Text
    console: ConsolePatterns | None = None
    labels: Annotated[tuple[Label, ...], Field(strict=False, min_length=1)]
    refractory_s: float = Field(0.0, ge=0.0, le=3600.0)
    delay_ms: float = Field(0.0, ge=0.0, le=1000.0)
    forgets_s: float = Field(0.0, ge=0.0, le=600.0)
    sensitivity: Sensitivity | None = None

    @model_validator(mode="after")
    def _settable(self) -> Self:
        patterns = self.console
        if self.sensitivity is not None and patterns is not None and patterns.sensitivity_command is None:
            raise ValueError("sensitivity: console.sensitivity_command is missing, nothing can set it")
        return self


class Safety(Table):
    """Limits that only a person at the bench may lift, for one run.

    max_playback_db_spl: at 1 m of any loudspeaker. max_emission_db_spl_at_0_3_m: of all tones together that a build may command the
    device to emit; nobody lifts it, and a bench that plays tones must state it. hearing_warning_db_spl: above it a person is warned
    before it sounds. unattended_moves: the stage may move with nobody there to be warned, as in a locked room.
    """

    max_playback_db_spl: float = Field(85.0, ge=30.0, le=130.0)
    max_emission_db_spl_at_0_3_m: float | None = Field(None, ge=30.0, le=100.0)
    hearing_warning_db_spl: float = Field(80.0, ge=30.0, le=130.0)
    unattended_moves: bool = False


class EStop(Table):
    """An instrument that tells of an emergency stop: when it says one of `words`, the guardian makes everything safe.

    words: text on its wire (a character is a byte: Latin-1); None takes those that the profile knows, of a stage `ALARM:`.
    when_lost: an unplugged cable stops everything, too.
    """

    instrument: Name
    words: Annotated[tuple[Text, ...] | None, Field(strict=False, min_length=1)] = None
    when_lost: bool = False

    @model_validator(mode="after")
    def _bytes(self) -> Self:
        for word in self.words or ():
            if not all(ord(character) < 256 for character in word):
                raise ValueError(f"words: {word!r} has a character that is no byte in Latin-1")
        return self


class Background(Table):
    """How quiet the room must be before and after each trial, at every microphone and at the level meter.

    listen_s: how long it is listened to, before and after. most_dba: loudest that is allowed, None for any. most_change_db: between
    before and after. below_noise_db: how far it must lie, from 50 Hz to 7 kHz, below a noise that the trial plays; 10 dB
    make the SNR 0.4 dB less than the scenario says.
    """

    listen_s: float = Field(0.5, ge=0.3, le=60.0)
    most_dba: float | None = Field(None, ge=0.0, le=120.0)
    most_change_db: float = Field(6.0, ge=0.5, le=60.0)
    below_noise_db: float = Field(10.0, ge=0.0, le=60.0)


class Calibration(Table):
    """A figure that holds until `due`. of: an instrument, input, output or `audio`.

    uncertainty: expanded (k = 2), in `unit`; None where nobody has worked it out, which the report says. standard: what it was compared
    with, such as a calibrator with its serial number and certificate. by: who did it. hz: lowest and highest frequency at which it holds; a
    bench that emits needs that of its tone's output and of its inputs.
    """

    of: Text
    what: Text
    value: float
    unit: Text
    uncertainty: float | None = Field(None, gt=0.0)
    standard: str = ""
    by: str = ""
    hz: Annotated[tuple[float, float], Field(strict=False)] | None = None
    done: Annotated[date, Field(strict=False)]
    due: Annotated[date, Field(strict=False)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.hz is not None and not 0.0 < self.hz[0] <= self.hz[1]:
            raise ValueError(f"hz must be [low, high], above 0, got {list(self.hz)}")
        return self

    def holds_at(self, frequency_hz: float) -> bool:
        """Whether it says that it does."""
        return self.hz is not None and self.hz[0] <= frequency_hz <= self.hz[1]


class Captures(Table):
    """Captures are kept whole. keep_days: how long at least; None keeps them for ever. Only `lab rig clean` deletes any."""

    keep_days: int | None = Field(None, ge=1, le=36_500)


class Emulation(Table):
    """What an emulated bench makes up.

    build: what the virtual device runs. room_twin: computes the air. speed: how much faster than life its stage moves.
    """

    build: Text = "reference"
    room_twin: bool = True
    speed: float = Field(1.0, ge=0.1, le=100.0)
