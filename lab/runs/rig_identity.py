"""Which bench a result was made on: its file, its instruments in their own words, its calibrations.

Kept in `rig.json` of the run, since a run may be resumed with nothing left to do and no bench to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lab.bench.physical.instruments import Instruments
from lab.bench.physical.sound_card import audio_spec
from lab.errors import BadInput
from lab.store.results import (
    CalibrationRecord,
    DeviceIdentity,
    InstrumentIdentity,
    RigIdentity,
    WireIdentity,
    replace,
)
from rigs.audio.devices import find_device
from rigs.console_text import escaped
from rigs.grbl import Stage
from rigs.rig_file import RigFile
from rigs.scpi import ScpiInstrument

FILE_NAME = "rig.json"
_RIGS = TypeAdapter(list[RigIdentity])


def ask_identity(rig: RigFile, instruments: Instruments) -> RigIdentity:
    """Ask everything that can be asked; the bench is open and healthy. Raises RigError."""
    return RigIdentity(
        id=rig.id,
        title=rig.title,
        kind=rig.kind,
        room=rig.room,
        hash=rig.hash,
        sound=str(find_device(audio_spec(rig))),
        instruments=[
            InstrumentIdentity(
                name=one.name,
                driver=one.driver,
                profile=Path(one.profile or "").name,
                serial_number=one.serial_number,
                says=escaped(_words(instruments.drivers.get(one.name))),
            )
            for one in rig.instruments
        ],
        device=_device(rig, instruments),
        calibrations=[
            CalibrationRecord(
                of=one.of,
                what=one.what,
                value=one.value,
                unit=one.unit,
                done=one.done.isoformat(),
                due=one.due.isoformat(),
                uncertainty=one.uncertainty,
                standard=one.standard,
                by=one.by,
                hz=one.hz,
            )
            for one in rig.calibrations
        ],
        wires=wires(rig),
    )


def wires(rig: RigFile) -> list[WireIdentity]:
    """Loudspeakers, then microphones."""
    return [
        *(
            WireIdentity(name=one.name, does=one.plays, serial_number=one.serial_number)
            for one in rig.audio.outputs
        ),
        *(
            WireIdentity(name=one.name, does=f"microphone {one.microphone}", serial_number=one.serial_number)
            for one in rig.audio.inputs
        ),
    ]


def layout(rig: RigFile) -> dict[str, Any]:
    """Where a bench stands and how it is wired, which all trials of a run have in common.

    A calibration may change full scales, and another microphone or loudspeaker may take the place of one that broke.
    """
    return {
        "room": rig.room,
        "stage": None if rig.stage is None else rig.stage.model_dump(mode="json", exclude={"feed_mm_min"}),
        **{
            key: [
                one.model_dump(mode="json", exclude={"full_scale_db_spl", "serial_number"})
                for one in getattr(rig.audio, key)
            ]
            for key in ("outputs", "inputs")
        },
    }


def add_identity(folder: Path, found: RigIdentity) -> bool:
    """Note the bench of a run; answers whether it is another than in the part of the run before. Raises LabFailure."""
    known = identities(folder)
    if known and known[-1] == found:
        return False
    replace(folder / FILE_NAME, _RIGS.dump_json([*known, found], indent=1).decode() + "\n")
    return bool(known)


def identities(folder: Path) -> Sequence[RigIdentity]:
    """The benches of a run, in order; none for a run in simulated rooms. Raises BadInput for a damaged file."""
    path = folder / FILE_NAME
    if not path.exists():
        return []
    try:
        return _RIGS.validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: not the benches of a run: {error.errors()[0]['msg']}") from error


def _words(driver: Any) -> str:
    if isinstance(driver, ScpiInstrument):
        says = driver.identity()
        return ", ".join(filter(None, (says.maker, says.model, says.serial_number, says.firmware)))
    return driver.build if isinstance(driver, Stage) else ""


def _device(rig: RigFile, instruments: Instruments) -> DeviceIdentity | None:
    if rig.device is None or instruments.console is None:
        return None
    says = instruments.console.identify()
    return DeviceIdentity(
        name=rig.device.name,
        serial_number=rig.device.serial_number,
        version=says.version,
        build_id=says.build_id,
        build_hash=says.build_hash,
    )
