"""Whether a bench is fit for a run, looked at before the first trial and by `lab rig check`: green, or what to do."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from detectors.build import Build, load_build
from detectors.errors import DetectorError
from lab.bench.physical.instruments import Instruments
from lab.bench.physical.sound_card import audio_spec
from lab.bench.physical.upkeep import Left
from rigs.audio import play_record
from rigs.audio.background import background
from rigs.audio.calibration import Calibration, judge_calibrations
from rigs.console import Identity
from rigs.errors import LinkBusy, OperatorAbsent, RigError, Unsafe
from rigs.rig_file import RigFile
from rigs.rig_tables import Device, Instrument
from rigs.scpi import ScpiInstrument
from rigs.stop_button import StopButton

QUIET_S = 1.0


class Mark(Enum):
    GOOD = "good"
    LOOK = "look"  # a run goes on, a person should know
    BAD = "bad"  # no run before this is put right


@dataclass(frozen=True)
class Check:
    """what: was looked at. found: in a technician's words. remedy: what to do, empty when nothing."""

    what: str
    mark: Mark
    found: str
    remedy: str = ""


def check_bench(
    rig: RigFile, instruments: Instruments, left: Left | None, build: Build | None = None, sound: bool = True
) -> list[Check]:
    """Everything, in the order in which a technician would go round.

    left: how the bench was left before it was opened now. build: under test, where one is known. sound: play a pilot.
    """
    found = [_left(rig, left), *check_calibrations(rig)]
    with instruments.attended(600.0):
        for one in rig.instruments:
            if one.name in instruments.faults:
                fault = instruments.faults[one.name]
                remedy = _remedy(fault, "look at cable, power and USB socket")
                found.append(Check(one.name, Mark.BAD, str(fault), remedy))
            else:
                found += _asked(one.name, _questions(rig, instruments, one.name))
        if rig.device is not None and rig.device.instrument not in instruments.faults:
            found.append(check_device(rig.device, instruments, build))
        if sound:
            found.append(check_sound(rig, instruments))
    return found


def to_fix(checks: Iterable[Check]) -> str:
    """What must be put right before a run, in one line; empty when nothing."""
    bad = [one for one in checks if one.mark is Mark.BAD]
    return "; ".join(f"{one.what}: {one.found} ({one.remedy})" for one in bad)


def check_calibrations(rig: RigFile, today: date | None = None) -> list[Check]:
    """A physical bench needs a record that holds for each input, each output and the meter; others only keep theirs.

    That of an input or output must be of the full scale that the rig file uses.
    """
    needed = [record.of for record in rig.calibrations]
    full_scale = {wire.name: wire.full_scale_db_spl for wire in (*rig.audio.inputs, *rig.audio.outputs)}
    if rig.kind == "physical":
        needed += [*full_scale, *([rig.meter] if rig.meter else [])]
    if not needed:
        return [Check("calibration", Mark.GOOD, "none is needed: nothing here is real")]
    records = [Calibration(one.of, one.value, one.unit, one.done, one.due) for one in rig.calibrations]
    findings = judge_calibrations(records, list(dict.fromkeys(needed)), today, full_scale)
    if findings:
        remedy = "calibrate, and enter value and dates in the rig file"
        return [Check("calibration", Mark.BAD, finding.detail, remedy) for finding in findings]
    first = min(record.due for record in rig.calibrations)
    return [Check("calibration", Mark.GOOD, f"all hold, the first is due on {first}")]


def check_device(device: Device, instruments: Instruments, build: Build | None) -> Check:
    """Whether the device runs what the rig file says it does, by id and by hash where it tells one."""
    try:
        identity = instruments.console.identify()
    except RigError as error:
        return Check(device.name, Mark.BAD, str(error), "look at its power and console; reset it")
    wrong = wrong_identity(identity, device.build, build or _known(device.build))
    said = f"{identity.version} {identity.build_id} {identity.build_hash[:12]}".strip()
    if wrong:
        return Check(
            device.name, Mark.BAD, wrong, "flash the build under test, or name another in the rig file"
        )
    return Check(device.name, Mark.GOOD, f"runs {said}")


def wrong_identity(identity: Identity, expected: str, build: Build | None) -> str:
    """Why this is not the device that was asked for, empty when it is."""
    said = identity.build_id or identity.version
    if said != expected:
        return f"it runs {said!r}, the rig file wants {expected!r}"
    if build is not None and build.id == expected and not build.hash.startswith(identity.build_hash):
        return (
            f"it runs another {expected}: hash {identity.build_hash[:12]}, the build's is {build.hash[:12]}"
        )
    return ""


def check_sound(rig: RigFile, instruments: Instruments) -> Check:
    """Two pilots with silence between: lag, level at the reference microphone, noise. Warns first where the pilot is loud."""
    spec = audio_spec(rig)
    faults: list[str] = []
    level = rig.audio.pilot_db_spl
    try:
        if rig.kind == "physical" and level > rig.safety.hearing_warning_db_spl:
            instruments.warn_ears(f"a pilot of {level:.0f} dB SPL at 1 m next")
        with instruments.closed(instruments.amplifiers, faults):
            capture = play_record(spec, np.zeros((spec.outputs, round(QUIET_S * spec.rate_hz)), np.float32))
    except OperatorAbsent as error:
        return Check("sound", Mark.BAD, str(error), "cover ears or leave the room, and confirm it when asked")
    except RigError as error:
        return Check(
            "sound", Mark.BAD, str(error), "look at the sound card, its name in the rig file, and its cables"
        )
    if faults:
        return Check("sound", Mark.BAD, "; ".join(faults), "look at cable and power of the amplifier's relay")
    if not capture.verdict.valid:
        return Check("sound", Mark.BAD, capture.verdict.reason, "look at amplifier, gain and microphone")
    noise, alignment = background(spec, capture.blocks(spec.rate_hz)), capture.alignment
    # RMS 1.0 is 3 dB above a full-scale sine.
    heard = spec.pilot.level_dbfs + alignment.gain_db + 3.01 + spec.full_scale_db_spl[spec.reference_input]
    lag_ms = alignment.lag_samples * 1000.0 / spec.rate_hz
    if deaf := deaf_inputs(rig, noise.dba):
        said = f"{', '.join(deaf)}: not a single bit of noise"
        return Check("sound", Mark.BAD, said, "look at microphone, its supply and its cable")
    most = rig.background.most_dba
    if most is not None and not max(noise.dba) <= most:
        return Check(
            "sound", Mark.BAD, f"background {noise}, {most:.1f} allowed", "find out what is loud, or wait"
        )
    found = f"pilot of {level:.1f} dB SPL heard at {heard:.1f} dB SPL, {lag_ms:.1f} ms later; noise {noise}"
    return Check("sound", Mark.GOOD, found)


def deaf_inputs(rig: RigFile, dba: Sequence[float]) -> list[str]:
    """Inputs of a physical bench that hear nothing at all, which no microphone in a room does. dba: of each input."""
    if rig.kind != "physical":
        return []
    return [wire.name for wire, level in zip(rig.audio.inputs, dba, strict=True) if level == -math.inf]


def _left(rig: RigFile, left: Left | None) -> Check:
    words = left.words if left is not None else ""
    if not words:
        return Check("last run", Mark.GOOD, "was put away" if left else "none on this computer yet")
    mark = Mark.BAD if rig.kind == "physical" else Mark.LOOK
    return Check("last run", mark, words, "look at the bench, then say so to `lab rig check`")


def _asked(name: str, questions: Iterator[Callable[[], str]]) -> Iterator[Check]:
    try:
        answers = [question() for question in questions]
    except RigError as error:
        remedy = _remedy(error, "look at cable and power; switch it off and on")
        yield Check(name, Mark.BAD, str(error), remedy)
        return
    yield Check(name, Mark.GOOD, ", ".join(filter(None, answers)) or "its port is open")


def _remedy(fault: RigError, otherwise: str) -> str:
    if isinstance(fault, LinkBusy):
        return "end that process"
    if getattr(fault.__cause__, "errno", None) in (errno.EACCES, errno.EPERM):
        return "join the group dialout (the group of the port, see ls -l) and log in again"
    if isinstance(fault, Unsafe):
        return "put the controller's settings right, see docs/instruments.md"
    return otherwise


def _questions(rig: RigFile, instruments: Instruments, name: str) -> Iterator[Callable[[], str]]:
    driver = instruments.drivers.get(name)
    if rig.stage is not None and name == rig.stage.instrument:
        yield lambda: _stage(rig, instruments)
    elif name == rig.meter:
        yield lambda: _meter(rig.instrument(name), driver)
    elif isinstance(driver, StopButton):
        yield lambda: _stop_button(driver)
    elif name == rig.climate:
        yield lambda: "{0.temperature_c:.1f} degrees C, {0.humidity_percent:.0f} % humidity".format(
            driver.read()
        )
    elif any(switch.instrument == name for switch in rig.switches):
        yield (
            lambda: (
                f"{sum(bool(on) for on in driver.commanded.values())} of {driver.channels} relays on (commanded)"
            )
        )


def _meter(one: Instrument, driver: ScpiInstrument) -> str:
    says = driver.identity()
    if one.serial_number and says.serial_number != one.serial_number:
        raise RigError(
            f"{one.name}: it is number {says.serial_number or 'unknown'}, the rig file has {one.serial_number}: "
            "another instrument has another calibration"
        )
    return f"{says.model} reads {driver.read('level'):.1f} dB"


def _stop_button(driver: StopButton) -> str:
    if driver.pressed:
        raise RigError("the emergency stop is pressed")
    return "not pressed" if driver.pressed is False else "silent so far; press it once in lab rig monitor"


def _stage(rig: RigFile, instruments: Instruments) -> str:
    stage = instruments.stage
    if not stage.homed:
        stage.connect()
    stage.refresh()
    pins = "" if stage.status is None else stage.status.pins
    if any(one.instrument == rig.stage.instrument for one in rig.e_stop) and set(pins) & set("RDH"):
        raise RigError("the emergency stop is pressed")
    if not stage.homed:
        return "waits to be homed"
    where = ", ".join(f"{axis} {mm:.1f} mm" for axis, mm in stage.position_mm.items())
    return f"{stage.state.value}, {where}"


def _known(build: str) -> Build | None:
    """The build of that name, where this checkout has it."""
    try:
        found = load_build(build)
    except DetectorError:
        return None
    return found if found.id == build else None
