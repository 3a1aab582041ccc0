"""The bench on a table: from a trial to a session, through instruments, air and a sound card.

    with PhysicalBench(rig, folder, operator, log) as bench:
        session = bench.open(trial, stack.needs)      # asks, moves, plays, records; then hands out the recording

A fault before anything was recorded raises NotRun: the trial counts for nothing and is tried again on resume. A fault
while or after recording makes the trial invalid, with its reason.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Self

from detectors.interface import AUDIBLE, PLAYBACK, StreamNeed
from lab.bench.physical.device_report import no_report
from lab.bench.physical.execute import Take, play_and_record
from lab.bench.physical.hearing import heard_by
from lab.bench.physical.kept import capture_path
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import Operator
from lab.bench.physical.plan import RigPlan, plan_trial
from lab.bench.physical.playback import Playback
from lab.bench.physical.session import RecordedSession
from lab.bench.physical.sound_card import audio_spec, sound_card
from lab.bench.protocol import CaptureFacts, DeviceReport, origin_of
from lab.bench.simulated.scene import audible_mark
from lab.scenario.trial import Trial
from rigs.errors import RigError
from rigs.rig_file import RigFile

CAPTURES = "captures"


class NotRun(Exception):
    """Nothing was recorded: nobody answered, an instrument was not there, a move was not made."""


class PhysicalBench:
    """Implements `lab.bench.protocol.Bench`; a context in which the sound card and all links are open.

    folder: of the run; captures go to `captures/` in it. corpus: folder of recordings, None for the user's cache.
    lifted: safety limits that a person at the bench has lifted for this run.
    """

    def __init__(
        self,
        rig: RigFile,
        folder: Path,
        operator: Operator,
        log: BenchLog,
        corpus: Path | None = None,
        lifted: frozenset[str] = frozenset(),
    ) -> None:
        self.rig = rig
        self.origin = origin_of(rig)
        self.captures = folder / CAPTURES
        self._operator, self._log = operator, log
        self._corpus, self.lifted = corpus, lifted
        self._open = ExitStack()
        self._spec = audio_spec(rig)

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(sound_card(self.rig))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> RecordedSession:
        """Run a trial on the bench. Raises Refused for what the bench cannot do, NotRun when nothing was recorded."""
        plan = plan_trial(trial, self.rig, needs, self.lifted)
        name = capture_name(trial)
        self._log.say(f"trial {name}: {'; '.join(plan.steps())}")
        playback = Playback(plan, self.rig, self._corpus)
        try:
            take = play_and_record(self._spec, playback, capture_path(self.captures, name, self.rig))
        except RigError as error:
            raise NotRun(str(error)) from error
        facts = self._facts(plan, playback, take)
        self._note(plan, take, facts)
        need = needs.get(AUDIBLE)
        device = trial.spec.device
        channels = len(device.microphones_m) if need is None or need.channels is None else need.channels
        return RecordedSession(
            rate_hz=device.audible.rate_hz,
            channels=channels,
            samples=round(trial.spec.duration_s * device.audible.rate_hz),
            streams=tuple(stream for stream in (AUDIBLE, PLAYBACK) if stream in needs),
            heard=heard_by(device, channels, self.rig, take.blocks()),
            facts=facts,
        )

    def no_report(self) -> DeviceReport | None:
        """What a trial without a capture has of the device under test; None where there is no device."""
        device = self.rig.device
        return None if device is None else no_report(device.name, device.labels, device.refractory_s)

    def _facts(self, plan: RigPlan, playback: Playback, take: Take) -> CaptureFacts:
        truth, segments, measured = [], [], dict(playback.levels)
        for stream in playback.media.values():
            truth += stream.truth
            segments += stream.segments
            measured |= stream.measured
        measured |= _path_figures(take)
        clusters = {} if self.rig.room is None else {"room": self.rig.room}
        if playback.media:
            clusters["recording"] = next(iter(playback.media.values())).cluster
        duration_s = plan.trial.spec.duration_s
        return CaptureFacts(
            truth=tuple(sorted(truth, key=lambda event: event.onset_s)),
            duration_s=duration_s,
            distinct_s=duration_s,
            clusters=clusters,
            segments=tuple(segments),
            measured=measured,
            invalid=take.invalid or audible_mark(measured),
        )

    def _note(self, plan: RigPlan, take: Take, facts: CaptureFacts) -> None:
        """Write beside the capture what it is, at once: nothing measured depends on the run coming to its end."""
        trial = plan.trial
        content = {
            "scenario": trial.scenario_id,
            "hash": trial.scenario_hash,
            "cell": dict(trial.cell.values),
            "trial": trial.index,
            "seed": trial.seed,
            "rig": self.rig.id,
            "origin": str(self.origin),
            "steps": list(plan.steps()),
            "notes": list(plan.notes),
            "capture": take.path.name,
            "body_at": take.body_at,
            "body_frames": take.body_frames,
            "alignment": {key: _number(value) for key, value in asdict(take.alignment).items()},
            "truth": [[event.onset_s, event.offset_s, event.label] for event in facts.truth],
            "segments": [asdict(segment) for segment in facts.segments],
            "measured": {key: _number(value) for key, value in facts.measured.items()},
            "invalid": facts.invalid,
            "keep_days": self.rig.captures.keep_days,
        }
        take.path.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
        self._log.say(
            f"trial {capture_name(trial)}: {facts.invalid and 'INVALID: ' + facts.invalid or 'valid'}"
        )


def capture_name(trial: Trial) -> str:
    """Unique in a run. A cell's key may hold what a file name may not; its checksum tells two cells apart."""
    return f"{trial.scenario_id}-{zlib.crc32(trial.cell.key.encode()):08x}-{trial.index}"


def _path_figures(take: Take) -> dict[str, float]:
    alignment = take.alignment
    figures = {
        "lag_ms": alignment.lag_samples * 1000.0 / take.rate_hz,
        "skew_ppm": alignment.skew_ppm,
        "pilot_peak_db": alignment.peak_ratio_db,
        "path_gain_db": alignment.gain_db,
    }
    return {key: value for key, value in figures.items() if math.isfinite(value)}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
