"""A rig file: what stands on a bench, how it is wired and calibrated, and how far it may go.

`rigs/benches/NAME.toml`. `kind` decides what results are worth: `physical` gives measured results; `emulated`
(instruments and device are emulators) and `loopback` (the sound card hears what it plays) give emulated ones.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from rigs.errors import BadRigFile
from rigs.profile import load_profile
from rigs.rig_problems import problem
from rigs.rig_tables import (
    Audio,
    Background,
    Calibration,
    Captures,
    Device,
    Emulation,
    EStop,
    Instrument,
    Mark,
    Name,
    Output,
    Safety,
    Stage,
    Switch,
    Table,
    Text,
    all_differ,
)

FORMAT = "earshot-rig/1"
BENCHES = Path(__file__).resolve().parent / "benches"
EMULATOR = "emulator"  # the link of an instrument that the bench itself emulates


class RigFile(Table):
    """What a rig file says. room: names the room it stands in; verdicts of a physical bench speak of that one only."""

    format: Literal["earshot-rig/1"]
    id: Name
    title: Text
    kind: Literal["physical", "emulated", "loopback"]
    room: Name | None = None
    audio: Audio
    instruments: Annotated[tuple[Instrument, ...], Field(strict=False)] = ()
    stage: Stage | None = None
    switches: Annotated[tuple[Switch, ...], Field(strict=False)] = ()
    marks: Annotated[tuple[Mark, ...], Field(strict=False)] = ()
    meter: Name | None = None
    climate: Name | None = None
    device: Device | None = None
    safety: Safety = Safety()
    background: Background = Background()
    e_stop: Annotated[tuple[EStop, ...], Field(strict=False)] = ()
    calibrations: Annotated[tuple[Calibration, ...], Field(strict=False)] = ()
    captures: Captures = Captures()
    emulation: Emulation | None = None
    _path: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        all_differ("instruments.name", [one.name for one in self.instruments])
        all_differ("switches.name", [one.name for one in self.switches])
        all_differ("e_stop.instrument", [one.instrument for one in self.e_stop])
        for key, name, drivers in self._references():
            self._check_reference(key, name, drivers)
        for one in self.e_stop:
            self._check_reference("e_stop.instrument", one.instrument, None)
        for one in self.instruments:
            if one.profile is None and not (
                self.device and self.device.console and self.device.instrument == one.name
            ):
                raise ValueError(
                    f"instruments.{one.name}.profile is missing: a model of rigs/profiles, or a path"
                )
        if self.kind == "physical":
            if self.room is None:
                raise ValueError("room is missing: a physical bench stands in a room, give it a name")
            if self.emulation is not None:
                raise ValueError("emulation: a physical bench emulates nothing")
            for one in self.instruments:
                if one.link.url == EMULATOR:
                    raise ValueError(f"instruments.{one.name}.link.url: a physical bench has no emulators")
        if self.kind == "loopback" and (self.stage or self.marks):
            raise ValueError("stage, marks: a loopback bench has no room to move in")
        if self.kind == "emulated" and self.emulation is None:
            raise ValueError('emulation is missing: kind = "emulated" needs it')
        if self.tone is not None:
            self._check_tone()
        return self

    def _check_tone(self) -> None:
        """What a bench must be on which the device's own tone is played."""
        if len([output for output in self.audio.outputs if output.plays == "tone"]) > 1:
            raise ValueError('audio.outputs: one with plays = "tone" at most, a device has one loudspeaker')
        if self.audio.rate_hz < 96_000:
            raise ValueError(
                f"audio.rate_hz: must be 96000 or 192000 to play a tone, not {self.audio.rate_hz}"
            )
        if self.safety.max_emission_db_spl_at_0_3_m is None:
            raise ValueError(
                "safety.max_emission_db_spl_at_0_3_m is missing: a bench that plays a tone limits it"
            )
        if self.emulation is not None and self.device is not None:
            raise ValueError("device: the room twin of a bench that plays a tone has no console")
        if self.emulation is not None and self.stage is not None and self.emulation.speed != 1.0:
            raise ValueError(
                f"emulation.speed: must be 1 where an echo follows the stage, not {self.emulation.speed:g}"
            )

    @property
    def where(self) -> str:
        """The file it was read from, for messages."""
        return f"rig file of {self.id}" if self._path is None else str(self._path)

    @property
    def tone(self) -> Output | None:
        """The output that is the device's own loudspeaker, None on a bench where no build can emit."""
        return next((output for output in self.audio.outputs if output.plays == "tone"), None)

    @property
    def hash(self) -> str:
        """SHA-256 of all that the file says, calibrations included."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def instrument(self, name: str) -> Instrument:
        return next(one for one in self.instruments if one.name == name)

    def profile_of(self, instrument: Instrument) -> Any:
        """What the driver must know of this model. Raises BadRigFile."""
        if (
            self.device is not None
            and self.device.instrument == instrument.name
            and self.device.console is not None
        ):
            return self.device.console
        assert instrument.profile is not None
        return load_profile(instrument.profile, instrument.driver)

    def stop_words(self, instrument: Instrument) -> tuple[bytes, ...]:
        """What this instrument says when everything must stop; none unless the rig file makes it an emergency stop.

        Raises BadRigFile where nobody has said what its words are.
        """
        found = [one for one in self.e_stop if one.instrument == instrument.name]
        if not found:
            return ()
        words = found[0].words or getattr(self.profile_of(instrument), "stop_words", tuple)()
        if not words:
            raise BadRigFile(f"e_stop.words is missing: driver {instrument.driver} has no words of its own")
        return tuple(word.encode("latin-1") for word in words)

    def _references(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(key, instrument it names, drivers that will do)."""
        found = [
            (f"switches.{s.name}.instrument", s.instrument, ("lcus", "modbus_relay")) for s in self.switches
        ]
        if self.stage is not None:
            found.append(("stage.instrument", self.stage.instrument, ("grbl",)))
        if self.meter is not None:
            found.append(("meter", self.meter, ("scpi",)))
        if self.climate is not None:
            found.append(("climate", self.climate, ("climate",)))
        if self.device is not None:
            found.append(("device.instrument", self.device.instrument, ("console",)))
        return found

    def _check_reference(self, key: str, name: str, drivers: tuple[str, ...] | None) -> None:
        """drivers: that will do, None for any."""
        named = [one for one in self.instruments if one.name == name]
        if not named:
            names = ", ".join(one.name for one in self.instruments) or "none"
            raise ValueError(f"{key} = {name!r}: there is no such instrument; there are: {names}")
        if drivers is not None and named[0].driver not in drivers:
            raise ValueError(
                f"{key} = {name!r}: its driver must be {' or '.join(drivers)}, not {named[0].driver}"
            )


def find_rig(rig: str | Path) -> Path:
    """The file of a rig given by path, or by name among the shipped benches. Raises BadRigFile."""
    path = Path(rig)
    if path.is_file():
        return path
    shipped = BENCHES / f"{rig}.toml"
    if shipped.is_file():
        return shipped
    known = ", ".join(sorted(one.stem for one in BENCHES.glob("*.toml")))
    raise BadRigFile(f"{rig}: no such rig file (shipped benches: {known})")


def load_rig(rig: str | Path) -> RigFile:
    """Read a rig file by path or name. Raises BadRigFile naming file, key and what is allowed."""
    path = find_rig(rig)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadRigFile(f"{path}: not a readable TOML file: {error}") from None
    if content.get("format") != FORMAT:
        raise BadRigFile(f'{path}: format must be "{FORMAT}", not {content.get("format")!r}')
    try:
        rig = RigFile.model_validate_json(json.dumps(_with_paths(content, path.parent), default=str))
    except BadRigFile as error:
        raise BadRigFile(f"{path}: device.{error}") from None
    except ValidationError as error:
        raise BadRigFile(f"{path}: {problem(error, RigFile)}") from None
    rig._path = path
    for one in rig.instruments:
        try:
            rig.profile_of(one)
            rig.stop_words(one)
        except BadRigFile as error:
            raise BadRigFile(f"{path}: instruments.{one.name}: {error}") from None
    return rig


def _with_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Profiles given by path are relative to the rig file."""
    instruments = content.get("instruments")
    for one in instruments if isinstance(instruments, list) else ():
        profile = one.get("profile") if isinstance(one, dict) else None
        if isinstance(profile, str) and profile.endswith(".toml"):
            one["profile"] = str(folder / profile)
    return content
