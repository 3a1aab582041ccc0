"""How quiet the room is, before and after a trial."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rigs.audio.capture import play_record
from rigs.audio.levels import BAND_HZ, LevelMeter
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import AudioVerdict, Defect, Finding


@dataclass(frozen=True)
class Background:
    """One value per input. dba: A-weighted level. band_db: 50 Hz to 7 kHz, unweighted. Both in dB SPL where `calibrated`,
    else in dB over a full-scale sine."""

    dba: tuple[float, ...]
    band_db: tuple[float, ...]
    seconds: float
    calibrated: bool

    def __str__(self) -> str:
        unit = "dB(A)" if self.calibrated else "dBFS(A), not calibrated"
        return ", ".join(f"{level:.1f}" for level in self.dba) + f" {unit}"


def background(spec: AudioSpec, blocks: Iterable[NDArray[np.float32]]) -> Background:
    """Of blocks (inputs, n), at least 0.2 s together."""
    meter = LevelMeter(spec.rate_hz, spec.inputs)
    for block in blocks:
        meter.feed(block)
    full_scale = spec.full_scale_db_spl or 0.0
    return Background(
        dba=tuple(meter.level_db(full_scale, a_weighted=True).tolist()),
        band_db=tuple(meter.level_db(full_scale, *BAND_HZ).tolist()),
        seconds=meter.seconds,
        calibrated=bool(spec.full_scale_db_spl),
    )


def measure_background(spec: AudioSpec, seconds: float = 5.0) -> tuple[Background, AudioVerdict]:
    """Listen while nothing plays but the two pilots around; they prove that the microphone hears."""
    silence = np.zeros((spec.outputs, round(seconds * spec.rate_hz)), np.float32)
    capture = play_record(spec, silence)
    if capture.body_at is None:
        nothing = (math.nan,) * spec.inputs
        return Background(nothing, nothing, 0.0, bool(spec.full_scale_db_spl)), capture.verdict
    return background(spec, capture.blocks(spec.rate_hz)), capture.verdict


def judge_background(
    spec: AudioSpec,
    before: Background,
    after: Background,
    most_dba: float | None = None,
    most_change_db: float = 6.0,
) -> list[Finding]:
    """Too loud, or not the same at the end, on any input. A digital silence on both sides is no change."""
    findings = []
    for number, first, last in zip(spec.in_connectors, before.dba, after.dba, strict=True):
        if most_dba is not None and before.calibrated and not max(first, last) <= most_dba:
            findings.append(
                Finding(
                    Defect.BACKGROUND,
                    f"input {number}: {first:.1f} dB(A) before, {last:.1f} after, {most_dba:.1f} allowed",
                )
            )
        elif first != last and not abs(last - first) <= most_change_db:
            findings.append(
                Finding(
                    Defect.BACKGROUND,
                    f"input {number}: went from {first:.1f} to {last:.1f} dB(A), {most_change_db:.1f} dB of change allowed",
                )
            )
    return findings
