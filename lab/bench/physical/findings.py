"""What is known of a finished trial on a bench: facts for scoring, and the note kept beside its capture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from detectors.interface import Event
from lab.bench.physical.execute import Take
from lab.bench.physical.notes import write_note
from lab.bench.physical.plan import RigPlan
from lab.bench.physical.playback import Playback
from lab.bench.physical.quiet import quiet_figures
from lab.bench.protocol import CaptureFacts, DeviceReport
from lab.bench.simulated.scene import audible_mark
from rigs.rig_file import RigFile


def facts_of(
    plan: RigPlan,
    rig: RigFile,
    playback: Playback | None,
    take: Take,
    measured: Mapping[str, float],
    faults: Sequence[str],
    reported: DeviceReport | None,
    moved: Sequence[Event] = (),
) -> CaptureFacts:
    """playback: None where a device played nothing but its tone; its noises have the level that was asked of them, and figures named so, as
    whether they were there is judged apart. measured: by instruments. faults: of instruments or device while the
    trial ran; they make it invalid. moved: what happened that is no sound."""
    truth, segments = list(moved), []
    noises = {} if playback is None else playback.noises_db_spl
    media = {} if playback is None else playback.media
    figures = {**measured, **{f"{name}_stated_db_spl": level for name, level in noises.items()}}
    for stream in media.values():
        truth += stream.truth
        segments += stream.segments
        figures |= stream.measured
    figures |= _path_figures(take) | quiet_figures(take.quiet)
    clusters = {}
    if rig.kind == "emulated":
        clusters["room"] = f"twin-{plan.trial.room_index}"
    # A physical bench is one room: its trials differ in what is played, and its verdict speaks of that room only.
    if media:
        clusters["recording"] = next(iter(media.values())).cluster
    reasons = [*faults, *filter(None, (take.invalid, audible_mark(figures)))]
    duration_s = plan.trial.spec.duration_s
    return CaptureFacts(
        truth=tuple(sorted(truth, key=lambda event: event.onset_s)),
        duration_s=duration_s,
        distinct_s=duration_s,
        clusters=clusters,
        segments=tuple(segments),
        measured=figures,
        invalid="; ".join(reasons) or None,
        reported=reported,
    )


def note_trial(plan: RigPlan, rig: RigFile, take: Take, facts: CaptureFacts, console: Sequence[str]) -> None:
    """Beside the capture, at once: what was measured does not depend on the run coming to its end.

    console: what the device said meanwhile, harmless text. Raises OSError.
    """
    trial, reported = plan.trial, facts.reported
    content = {
        "capture": take.path.name,
        "scenario": trial.scenario_id,
        "hash": trial.scenario_hash,
        "cell": dict(trial.cell.values),
        "trial": trial.index,
        "seed": trial.seed,
        "rig": rig.id,
        "rig_hash": rig.hash,
        "steps": list(plan.steps()),
        "notes": list(plan.notes),
        "body_at": take.body_at,
        "body_frames": take.body_frames,
        "alignment": _finite(asdict(take.alignment)),
        "truth": [[event.onset_s, event.offset_s, event.label] for event in facts.truth],
        "reported": []
        if reported is None
        else [[e.offset_s, e.label, _plain(e.score)] for e in reported.events],
        "console": list(console),
        "segments": [asdict(segment) for segment in facts.segments],
        "measured": _finite(facts.measured),
        "invalid": facts.invalid,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "keep_days": rig.captures.keep_days,
    }
    write_note(take.path.with_suffix(".json"), content)


def _path_figures(take: Take) -> dict[str, float]:
    alignment = take.alignment
    figures = {
        "lag_ms": alignment.lag_samples * 1000.0 / take.rate_hz,
        "skew_ppm": alignment.skew_ppm,
        "pilot_peak_db": alignment.peak_ratio_db,
        "path_gain_db": alignment.gain_db,
    }
    return {key: value for key, value in figures.items() if math.isfinite(value)}


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
