"""Whether the room was quiet enough before and after a trial, by its microphones and by the level meter, and its noise there meanwhile.

A trial at a stated SNR needs a room that adds little to the noise that is played: a background d dB below it costs
10 log10(1 + 10^(-d/10)) dB of SNR, 0.4 dB at 10 dB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from lab.bench.physical.plan import RigPlan
from rigs.audio.background import Background, background, judge_background
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import Defect, Finding
from rigs.rig_file import RigFile
from rigs.rig_tables import Background as Limits

Quiet = tuple[Background, Background]
STEADY = ("pink", "white")
SHORT_DB = 6.0  # less than was asked for is not there: a room and a second of noise take less away
WHOLE_S = 0.9  # of a block of a second; a shorter one says little


def judge_quiet(
    plan: RigPlan,
    rig: RigFile,
    spec: AudioSpec,
    quiet: Quiet | None,
    noises_db_spl: Mapping[str, float],
    measured: Mapping[str, float],
) -> list[str]:
    """Why the trial must not count, each with its figures; empty when it was quiet enough.

    quiet: before and after, by the microphones. noises_db_spl: level at the device of each noise that was played.
    measured: what the meter read, `background_dba_before` and `background_dba_after`, where there is one.

    Noise that a room twin makes by itself sounds all the time and is no background; such a trial is not judged.
    """
    played = {sound.source for sound in plan.sounds}
    if any(source.kind == "noise" and source.name not in played for source in plan.trial.spec.sources):
        return []
    limits = rig.background
    found = list(_by_meter(limits, measured))
    if quiet is not None:
        before, after = quiet
        found += judge_background(spec, before, after, limits.most_dba, limits.most_change_db)
        loudest = max((*before.band_db, *after.band_db))
        found += _under_noise(limits, loudest, noises_db_spl)
    return [str(finding) for finding in found]


def judge_noise(
    plan: RigPlan, spec: AudioSpec, body: Iterable[NDArray[np.float32]], noises_db_spl: Mapping[str, float]
) -> list[str]:
    """Why a trial must not count whose noise was not there: a steady one is in the quietest second of what was heard.

    body: blocks (inputs, n) of a second or so. noises_db_spl: as of `judge_quiet`. Of babble and a household, which pause, nothing is said.
    """
    steady = {
        source.name
        for source in plan.trial.spec.sources
        if source.kind == "noise" and source.colour in STEADY
    }
    wanted = {name: level for name, level in noises_db_spl.items() if name in steady}
    if not wanted or not spec.full_scale_db_spl:
        return []
    levels = [
        max(background(spec, [block]).band_db) for block in body if block.shape[1] >= WHOLE_S * spec.rate_hz
    ]
    quietest = min(levels, default=math.inf)
    return [
        str(
            Finding(
                Defect.BACKGROUND,
                f"{quietest:.1f} dB SPL from 50 Hz to 7 kHz in the quietest second, where {name} should play at {level:.1f} dB SPL",
            )
        )
        for name, level in wanted.items()
        if quietest < level - SHORT_DB
    ]


def quiet_figures(quiet: Quiet | None) -> dict[str, float]:
    """The loudest microphone before and after; silence of a cable has no level and gives no figure."""
    if quiet is None:
        return {}
    found = {}
    for when, room in zip(("before", "after"), quiet, strict=True):
        found[f"room_dba_{when}"] = max(room.dba)
        found[f"room_db_spl_{when}"] = max(room.band_db)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _by_meter(limits: Limits, measured: Mapping[str, float]) -> Iterator[Finding]:
    first, last = measured.get("background_dba_before"), measured.get("background_dba_after")
    if first is None or last is None:
        return
    if limits.most_dba is not None and not max(first, last) <= limits.most_dba:
        detail = f"meter: {first:.1f} dB(A) before, {last:.1f} after, {limits.most_dba:.1f} allowed"
    elif not abs(last - first) <= limits.most_change_db:
        detail = f"meter: went from {first:.1f} to {last:.1f} dB(A), {limits.most_change_db:.1f} dB of change allowed"
    else:
        return
    yield Finding(Defect.BACKGROUND, detail)


def _under_noise(limits: Limits, loudest_db: float, noises_db_spl: Mapping[str, float]) -> Iterator[Finding]:
    for name, level in noises_db_spl.items():
        if not loudest_db <= level - limits.below_noise_db:
            yield Finding(
                Defect.BACKGROUND,
                f"{loudest_db:.1f} dB SPL from 50 Hz to 7 kHz, where {name} plays at {level:.1f} dB SPL and "
                f"{limits.below_noise_db:.1f} dB below it are wanted",
            )
