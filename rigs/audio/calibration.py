"""What a full-scale signal is in pascals, who said so, and until when it holds. Expired is invalid, not failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from rigs.audio.levels import LevelMeter, dbfs
from rigs.audio.verdict import Defect, Finding
from rigs.errors import AudioFault

CALIBRATOR_DB_SPL = 94.0  # IEC 60942; some give 114
CALIBRATOR_HZ = 1000.0
STEADY_DB = 0.2
CLEAN_DB = 25.0
SAME_DB = 0.05


@dataclass(frozen=True)
class Calibration:
    """of: the input, output or instrument. value, unit: such as full scale in dB SPL. done, due: days, both included."""

    of: str
    value: float
    unit: str
    done: date
    due: date

    def expired(self, today: date) -> bool:
        return not self.done <= today <= self.due

    def says(self, full_scale_db_spl: float) -> bool:
        """Whether this full scale is what was measured."""
        return self.unit == "dB SPL" and abs(self.value - full_scale_db_spl) <= SAME_DB


def judge_calibrations(
    records: Iterable[Calibration],
    needed: Sequence[str],
    today: date | None = None,
    full_scale_db_spl: Mapping[str, float] | None = None,
) -> list[Finding]:
    """One finding for everything that is needed and has no record that holds today.

    full_scale_db_spl: in use, by input and output; the record in force must say the same, within 0.05 dB.
    """
    today = today or date.today()
    latest: dict[str, Calibration] = {}
    for record in sorted(records, key=lambda record: record.due):
        latest[record.of] = record
    findings = []
    for name in needed:
        record = latest.get(name)
        if record is None:
            findings.append(Finding(Defect.CALIBRATION, f"{name} was never calibrated"))
        elif record.expired(today):
            detail = f"{name}: calibration of {record.done} was due on {record.due}; calibrate and enter the new value"
            if today < record.done:
                detail = (
                    f"{name}: calibration is dated {record.done}, which has not come yet; check the clock"
                )
            findings.append(Finding(Defect.CALIBRATION, detail))
        elif (used := (full_scale_db_spl or {}).get(name)) is not None and not record.says(used):
            detail = (
                f"{name}: calibration of {record.done} says {record.value:g} {record.unit}, "
                f"full_scale_db_spl = {used:g} is in use"
            )
            findings.append(Finding(Defect.CALIBRATION, detail))
    return findings


def full_scale_by_calibrator(
    recorded: NDArray,
    rate_hz: int,
    level_db_spl: float = CALIBRATOR_DB_SPL,
    frequency_hz: float = CALIBRATOR_HZ,
) -> float:
    """full_scale_db_spl of an input with a calibrator on its microphone.

    recorded: shape (n,), at least 2 s. The tone must stand 25 dB above the rest, hold within 0.2 dB and lie within 2 % of
    `frequency_hz`; otherwise AudioFault says what to look at.
    """
    recorded = np.asarray(recorded, np.float64)
    if len(recorded) < 2 * rate_hz:
        raise AudioFault(f"calibrator: {len(recorded) / rate_hz:.1f} s were recorded, 2 s are needed")
    if np.max(np.abs(recorded)) >= 0.9999:
        raise AudioFault("calibrator: the input is at full scale; lower its gain")
    meter = LevelMeter(rate_hz, 1)
    meter.feed(recorded[None, :])
    # Hann frames of 0.2 s are 20 Hz wide.
    low, high = 0.98 * frequency_hz - 20.0, 1.02 * frequency_hz + 20.0
    tone = float(meter.mean_square(low, high)[0])
    rest = float(meter.mean_square(20.0)[0]) - tone
    if not tone > 0.0 or 10.0 * math.log10(tone / max(rest, 1e-30)) < CLEAN_DB:
        raise AudioFault(
            f"calibrator: no clean tone at {frequency_hz:g} Hz; is it switched on, sealed, and on this input?"
        )
    seconds = recorded[: len(recorded) // rate_hz * rate_hz].reshape(-1, rate_hz)
    levels = dbfs(seconds)
    spread = float(np.max(levels) - np.min(levels))
    if spread > STEADY_DB:
        raise AudioFault(
            f"calibrator: the level moved by {spread:.2f} dB, {STEADY_DB} are allowed; is its seat tight, its battery good?"
        )
    return level_db_spl - 10.0 * math.log10(2.0 * tone)


def full_scale_by_meter(
    recorded: NDArray, rate_hz: int, reading_db_spl: float, a_weighted: bool = True
) -> float:
    """full_scale_db_spl of an input from a sound level meter beside its microphone, both hearing a steady noise.

    recorded: shape (n,), the time over which the meter averaged. a_weighted: the meter reads dB(A), else dB(Z).
    """
    meter = LevelMeter(rate_hz, 1)
    meter.feed(np.asarray(recorded, np.float64)[None, :])
    level = float(meter.level_db(0.0, 20.0, a_weighted=a_weighted)[0])
    if not math.isfinite(level):
        raise AudioFault("meter: nothing was recorded on this input")
    return reading_db_spl - level


def loudspeaker_full_scale(level_db_spl: float, played_dbfs: float, distance_m: float) -> float:
    """Level at 1 m of a full-scale sine, from the level `level_db_spl` heard at `distance_m` (free field, 6 dB a doubling)
    while `played_dbfs` (dB over a full-scale sine) was played."""
    if not 0.1 <= distance_m <= 10.0:
        raise AudioFault(f"loudspeaker: {distance_m} m is no calibration distance, 0.1 to 10 m are")
    return level_db_spl - played_dbfs + 20.0 * math.log10(distance_m)
