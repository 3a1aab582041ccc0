"""A rig file: what stands on a bench, how it is wired and calibrated, and how far it may go.

`rigs/benches/NAME.toml`. `kind` decides what results are worth: `physical` gives measured results; `emulated`
(instruments and device are emulators) and `loopback` (the sound card hears what it plays) give emulated ones.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from rigs.errors import BadRigFile
from rigs.profile import load_profile
from rigs.rig_problems import problems, refuse
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
)
from rigs.rig_wiring import channels_beyond, misfits

FORMAT = "earshot-rig/1"
BENCHES = Path(__file__).resolve().parent / "benches"


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
        refuse(misfits(self))
        return self

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
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadRigFile(f"{path}: not a readable TOML file: {error}") from None
    if content.get("format") != FORMAT:
        raise BadRigFile(f'{path}: format must be "{FORMAT}", not {content.get("format")!r}')
    try:
        rig = RigFile.model_validate_json(json.dumps(_with_paths(content, path.parent), default=str))
    except ValidationError as error:
        raise _refused(path, problems(error, RigFile)) from None
    rig._path = path
    profiles, found = {}, []
    for one in rig.instruments:
        try:
            profiles[one.name] = rig.profile_of(one)
            rig.stop_words(one)
        except BadRigFile as error:
            found += [f"instruments.{one.name}: {line}" for line in str(error).splitlines()]
    found += channels_beyond(rig, profiles)
    if found:
        raise _refused(path, found)
    return rig


def _refused(path: Path, found: Iterable[str]) -> BadRigFile:
    return BadRigFile("\n".join(f"{path}: {line}" for line in found))


def _with_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Profiles given by path are relative to the rig file."""
    instruments = content.get("instruments")
    for one in instruments if isinstance(instruments, list) else ():
        profile = one.get("profile") if isinstance(one, dict) else None
        if isinstance(profile, str) and profile.endswith(".toml"):
            one["profile"] = str(folder / profile)
    return content
