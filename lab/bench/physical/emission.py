"""What a build may make the device emit on a bench: the rig file's limit, held before anything plays and while a trial runs.

A device that hears nothing but its microphones' noise asks for the most: so a build is rehearsed, and what it commands is held against
the limit. What it commands later is checked again, command by command, before a sample of it is played.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from detectors.build import Build
from detectors.interface import PLAYBACK, SILENT, ULTRASONIC, Block, Emission, StreamFormat
from detectors.stack import Stack
from lab.acoustics.device import DeviceSpec
from lab.acoustics.ultrasonic.emission import CLOSE_M, level_db_spl_at
from lab.errors import BadInput
from rigs.rig_file import RigFile

REHEARSAL_S = 12.0
NOISE = 1e-5  # RMS, of full scale
BLOCK_S = 0.05


def check_emission(emission: Emission, rig: RigFile, device: DeviceSpec, build_id: str) -> None:
    """Raises BadInput naming the rig file and its key when a command is beyond what bench or device may emit."""
    if not emission.carriers_hz:
        return
    close_db = close_level_db_spl(emission)
    most = rig.safety.max_emission_db_spl_at_0_3_m
    where = rig.where
    if rig.tone is None or most is None:
        raise BadInput(f'{where}: audio.outputs: build {build_id} emits, and no output has plays = "tone"')
    if not close_db <= most:
        raise BadInput(
            f"{where}: safety.max_emission_db_spl_at_0_3_m = {most:g}: build {build_id} commands {close_db:.1f} dB SPL at "
            f"{CLOSE_M:g} m ({emission.level_db_spl:.1f} at 1 m); nothing of it is played"
        )
    if emission.level_db_spl + 20.0 * math.log10(len(emission.carriers_hz)) > rig.tone.full_scale_db_spl:
        raise BadInput(
            f"{where}: audio.outputs.{rig.tone.name}.full_scale_db_spl = {rig.tone.full_scale_db_spl:g}: build {build_id} commands "
            f"{emission.level_db_spl:.1f} dB SPL at 1 m, which would clip"
        )
    if len(emission.carriers_hz) > 1:
        raise BadInput(
            f"{where}: build {build_id} commands {len(emission.carriers_hz)} tones; a bench plays one at a time"
        )
    check_calibrated(emission, rig, build_id)
    low, high = device.ultrasonic.carrier_band_hz if device.ultrasonic is not None else (0.0, 0.0)
    for carrier in emission.carriers_hz:
        if not low <= carrier <= high:
            raise BadInput(
                f"build {build_id} commands {carrier:g} Hz; device {device.id} has carrier_band_hz = [{low:g}, {high:g}]"
            )


def check_calibrated(emission: Emission, rig: RigFile, build_id: str, today: date | None = None) -> None:
    """A physical bench knows its levels only where it was calibrated: each carrier takes a record of the tone's output and of every input
    that holds there and has not run out. Raises BadInput."""
    if rig.kind != "physical" or rig.tone is None:
        return
    today = today or date.today()
    for wire in (rig.tone, *rig.audio.inputs):
        records = [one for one in rig.calibrations if one.of == wire.name and one.done <= today <= one.due]
        for carrier in emission.carriers_hz:
            if not any(one.holds_at(carrier) for one in records):
                bands = [str([round(f) for f in one.hz]) for one in records if one.hz is not None]
                raise BadInput(
                    f"{rig.where}: calibrations of {wire.name}: hz of those that have not run out is {' and '.join(bands) or 'not stated'}, and "
                    f"build {build_id} commands {carrier:g} Hz; a level found at other frequencies, as with a calibrator of 1 kHz, is not one there"
                )


def close_level_db_spl(emission: Emission) -> float:
    """Of all tones together at 0.3 m on the axis, in dB SPL."""
    return level_db_spl_at(CLOSE_M, emission.level_db_spl) + 10.0 * math.log10(len(emission.carriers_hz))


def rehearse(build: Build, rig: RigFile, device: DeviceSpec, channels: int) -> tuple[Emission, ...]:
    """What the build commands while it hears noise alone for 12 s. Raises BadInput as `check_emission`."""
    stack = Stack(build)
    formats: dict[str, StreamFormat] = {}
    for name, need in stack.needs.items():
        rate_hz = device.ultrasonic.rate_hz if name == ULTRASONIC and device.ultrasonic else need.rates_hz[0]
        formats[name] = StreamFormat(rate_hz, 1 if name == PLAYBACK else channels)
    stack.open(formats)
    clock_hz = max(form.rate_hz for form in formats.values())
    length = round(BLOCK_S * clock_hz)
    rng = np.random.default_rng(0)
    commanded: dict[Emission, None] = {}
    for number in range(round(REHEARSAL_S / BLOCK_S)):
        emission = stack.feed(
            Block(number * length, length, clock_hz, _noise(formats, length, clock_hz, rng))
        )
        if emission != SILENT and emission not in commanded:
            check_emission(emission, rig, device, build.id)
            commanded[emission] = None
    return tuple(commanded)


def _noise(
    formats: Mapping[str, StreamFormat], length: int, clock_hz: int, rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """What a deaf device hears, and the silence that it plays."""
    found = {}
    for name, form in formats.items():
        shape = (form.channels, length * form.rate_hz // clock_hz)
        found[name] = np.zeros(shape, np.float32)
        if name != PLAYBACK:
            found[name] += np.float32(NOISE) * rng.standard_normal(shape, np.float32)
    return found
