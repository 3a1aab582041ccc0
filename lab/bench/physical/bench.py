"""The bench on a table: from a trial to a session, through instruments, air and a sound card.

    with PhysicalBench(rig, folder, operator, log) as bench:
        session = bench.open(trial, stack.needs)      # asks, moves, plays, records; then hands out the recording

A fault before anything was recorded raises NotRun: the trial counts for nothing and is tried again on resume. A fault
while recording makes the trial invalid, with its reason.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from detectors.build import Build
from detectors.interface import AUDIBLE, PLAYBACK, Event, StreamNeed
from lab.bench.physical.device_ear import DeviceEar
from lab.bench.physical.device_report import device_report, no_report
from lab.bench.physical.execute import Take, play_and_record
from lab.bench.physical.findings import facts_of, note_trial
from lab.bench.physical.health import Check, Mark, check_bench, check_calibrations
from lab.bench.physical.hearing import heard_by
from lab.bench.physical.instruments import PATIENT_S
from lab.bench.physical.kept import capture_path
from lab.bench.physical.live import DELAY_S, LiveSession, LiveTake
from lab.bench.physical.log import BenchLog
from lab.bench.physical.opened import opened
from lab.bench.physical.operator import Operator
from lab.bench.physical.plan import Placing, RigPlan, plan_trial
from lab.bench.physical.playback import Playback
from lab.bench.physical.quiet import judge_noise, judge_quiet
from lab.bench.physical.session import RecordedSession
from lab.bench.physical.sound_card import audio_spec
from lab.bench.physical.soundings import Soundings
from lab.bench.physical.strokes import Strokes
from lab.bench.physical.upkeep import last_left
from lab.bench.protocol import CaptureFacts, DeviceReport, Session, origin_of
from lab.errors import LabFailure
from lab.movers.linear_stage import truth_of
from lab.scenario.trial import Trial
from rigs.errors import LinkLost, RigError
from rigs.locks import Lease
from rigs.rig_file import RigFile

CAPTURES = "captures"
TAKE_MARGIN_S = 120.0  # on top of a trial's length, for a busy machine


class NotRun(Exception):
    """Nothing was recorded: nobody answered, an instrument was not there, a move was not made."""


@dataclass(frozen=True, eq=False)
class _Heard:
    """One playback of a trial: what was played, what came back, and what the device said of it."""

    playback: Playback
    take: Take
    events: tuple[Event, ...]
    console: tuple[str, ...]
    faults: tuple[str, ...]
    alarms: tuple[Event, ...] = ()


class PhysicalBench:
    """Implements `lab.bench.protocol.Bench`; a context in which the sound card and all links are open.

    folder: of the run; captures go to `captures/` in it. corpus: folder of recordings, None for the user's cache.
    lifted: safety limits that a person at the bench has lifted for this run. lease: of this rig, shared with the
    guardian. scenarios: the file of each scenario id, which an emulated bench needs for its room twin. build_id: in messages.
    """

    def __init__(
        self,
        rig: RigFile,
        folder: Path,
        operator: Operator,
        log: BenchLog,
        corpus: Path | None = None,
        lifted: frozenset[str] = frozenset(),
        lease: Lease | None = None,
        scenarios: Mapping[str, Path] | None = None,
        build_id: str = "under test",
    ) -> None:
        self.rig = rig
        self.origin = origin_of(rig)
        self.lifted = lifted
        self.captures = folder / CAPTURES
        self._folder, self._operator, self._log = folder, operator, log
        self._corpus, self._lease, self._scenarios = corpus, lease, scenarios or {}
        self._spec, self._build_id = audio_spec(rig), build_id
        self._placed: Placing | None = None
        self._sounded: float | None = None  # when the last trial had, on the clock of time.monotonic
        self._stop_sound: Callable[[str], None] = lambda _reason: None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises RigError or LabFailure when anything that the rig file names is not there."""
        self._left = last_left(self.rig)
        with ExitStack() as opening:
            self.stand, self.instruments = opening.enter_context(
                opened(self.rig, self._folder, self._operator, self._log, self._lease, self._corpus)
            )
            self.instruments.on_trip(lambda reason: self._stop_sound(reason))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *what: object) -> None:
        self._open.__exit__(*what)

    def health(self, build: Build | None) -> list[Check]:
        """What `lab rig check` would say, a pilot played. build: under test."""
        return check_bench(self.rig, self.instruments, self._left, build)

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> Session:
        """Run a trial on the bench; where the device emits, while its blocks are asked for.

        Raises Refused for what the bench cannot do, NotRun when nothing was recorded.
        """
        plan = plan_trial(trial, self.rig, needs, self.lifted)
        self._log.say(f"trial {capture_name(trial)}: {'; '.join(plan.steps())}")
        if plan.tone is not None:
            return self._open_live(plan, tuple(needs))
        facts, take = self._run(plan)
        device = trial.spec.device
        return RecordedSession(
            rate_hz=device.audible.rate_hz,
            channels=plan.channels,
            samples=round(trial.spec.duration_s * device.audible.rate_hz),
            streams=tuple(stream for stream in (AUDIBLE, PLAYBACK) if stream in needs),
            heard=heard_by(device, plan.channels, self.rig, take.blocks()),
            facts=facts,
        )

    def no_report(self) -> DeviceReport | None:
        """What a trial without a capture has of the device under test; None where there is no device."""
        device = self.rig.device
        return None if device is None else no_report(device.name, device.labels, device.refractory_s)

    def _run(self, plan: RigPlan) -> tuple[CaptureFacts, Take]:
        measured: dict[str, float] = {}
        faults: list[str] = []
        try:
            losses = self.instruments.losses()
            self._prepare(plan)
            measured |= self._surroundings("before")
            with self.instruments.closed(plan.switches, faults):
                heard = [self._play(plan, setting) for setting in self._settings()]
        except (RigError, OSError) as error:
            raise NotRun(str(error)) from error
        own = heard[self._under_test()]
        faults += dict.fromkeys(fault for one in heard for fault in one.faults)
        faults += [one.take.invalid for one in heard if one is not own and one.take.invalid]
        faults += self._faults_since(losses, measured)
        for one in heard:
            noises = one.playback.noises_db_spl
            faults += judge_quiet(plan, self.rig, self._spec, one.take.quiet, noises, measured)
            faults += judge_noise(plan, self._spec, one.take.blocks(), noises)
        report = self._report(plan, heard)
        facts = facts_of(plan, self.rig, own.playback, own.take, measured, faults, report, own.alarms)
        return self._noted(plan, own.take, facts, own.console), own.take

    def _faults_since(self, losses: Mapping[str, int], measured: dict[str, float]) -> list[str]:
        """What went wrong with instruments during a trial; adds to `measured` what they read after it."""
        lost = [link for link, count in self.instruments.losses().items() if count > losses[link]]
        faults = [f"{link}: its link was lost during the trial" for link in lost]
        faults += [one.found for one in check_calibrations(self.rig) if one.mark is Mark.BAD]
        try:
            measured |= self._surroundings("after")
        except RigError as error:
            faults.append(str(error))
        return faults

    def _noted(self, plan: RigPlan, take: Take, facts: CaptureFacts, console: Sequence[str]) -> CaptureFacts:
        """The facts, once they are kept beside the capture. Raises LabFailure."""
        try:
            note_trial(plan, self.rig, take, facts, console)
        except OSError as error:
            raise LabFailure(
                f"{take.path}: its note cannot be written: {error.strerror}; go on with --resume"
            ) from error
        self._log.say(
            f"trial {capture_name(plan.trial)}: {facts.invalid and f'INVALID: {facts.invalid}' or 'valid'}"
        )
        return facts

    def _open_live(self, plan: RigPlan, streams: tuple[str, ...]) -> LiveSession:
        """Everything in place and the first pilot heard. The session puts it away again."""
        faults: list[str] = []
        held = ExitStack()
        stage = self.rig.stage
        say = self._log.say
        try:
            losses = self.instruments.losses()
            self._prepare(plan)
            measured = self._surroundings("before")
            held.enter_context(self.instruments.closed(plan.switches, faults))
            held.enter_context(self.instruments.attended(plan.trial.spec.duration_s + TAKE_MARGIN_S))
            path = capture_path(self.captures, capture_name(plan.trial), self.rig)
            take = held.enter_context(LiveTake(self._spec, plan, self.rig, path, self._stop_with))
        except (RigError, OSError) as error:
            held.close()
            raise NotRun(str(error)) from error
        except BaseException:
            held.close()
            raise
        strokes = Strokes(self.instruments.stage, stage.axis if stage is not None else "x", plan.strokes, say)

        def conclude() -> CaptureFacts:
            with held:
                done = take.finish()
                strokes.finish()
            return self._conclude_live(
                plan, take, done, strokes, measured, [*faults, *strokes.faults], losses
            )

        return LiveSession(take, plan, self.rig, streams, self._build_id, strokes, conclude, held.close)

    def _conclude_live(
        self,
        plan: RigPlan,
        take: LiveTake,
        done: Take,
        strokes: Strokes,
        measured: dict[str, float],
        faults: list[str],
        losses: Mapping[str, int],
    ) -> CaptureFacts:
        faults += self._faults_since(losses, measured)
        faults += judge_quiet(plan, self.rig, self._spec, done.quiet, {}, measured)
        moved_s = [tuple(done.clock.trial_s(at_ns) for at_ns in stroke) for stroke in strokes.made]
        if (
            self.stand is not None
            and self.stand.control is not None
            and plan.strokes
            and done.invalid is None
        ):
            # The twin knows to the millisecond when it let the echo move.
            moved_s = [
                (begin - take.body_after_pilot_s, end - take.body_after_pilot_s)
                for begin, end in self.stand.moved_s()
            ]
        if len(moved_s) < len(plan.strokes):
            faults.append(f"the stage made {len(moved_s)} of {len(plan.strokes)} strokes")
        moved = () if plan.target is None else truth_of(plan.target, moved_s, plan.trial.spec.duration_s)
        measured |= take.tone.facts | {"emission_delay_ms": 1000.0 * DELAY_S}
        facts = facts_of(plan, self.rig, None, done, measured, faults, None, moved)
        return self._noted(plan, done, facts, ())

    def _prepare(self, plan: RigPlan) -> None:
        """Everything where it belongs, before any sound. Raises RigError."""
        lost = [name for name, state in self.instruments.states().items() if state != "open"]
        if lost:
            raise LinkLost(f"not there: {', '.join(lost)}; look at cable and power")
        self._let_forget()
        self.instruments.start_device()
        if plan.placing is not None and plan.placing != self._placed:
            with self.instruments.attended(PATIENT_S):
                self._operator.confirm(plan.placing.words)
            self._log.say(f"operator: {plan.placing.words}: done")
            self._placed = plan.placing
        if plan.move is not None:
            self.instruments.go_to(plan.move.position_mm)
        if self.stand is not None and self.rig.emulation is not None and self.rig.emulation.room_twin:
            trial = plan.trial
            plays = (
                {sound.source: sound.output.channel for sound in plan.sounds} if plan.tone is None else None
            )
            self.stand.place(
                self._scenarios[trial.scenario_id], trial.cell.key, trial.index, trial.seed, plays
            )
        loudest = max([self.rig.audio.pilot_db_spl, *(sound.level_db_spl for sound in plan.sounds)])
        loud = ["an alarm sounds"] if plan.soundings else []
        if loudest > self.rig.safety.hearing_warning_db_spl:
            loud.append(f"{loudest:.0f} dB SPL at 1 m")
        if self.rig.kind == "physical" and loud:
            self.instruments.warn_ears(f"{', '.join(loud)} next")
        if plan.strokes:
            fastest = max(stroke.feed_mm_min for stroke in plan.strokes) / 60_000.0
            self.instruments.warn_hands(
                f"the stage moves by itself from {plan.strokes[0].at_s:g} s of the trial on, strokes: {len(plan.strokes)}, at up to {fastest:.2f} m/s; "
                "stay away until the trial is over"
            )

    def _play(self, plan: RigPlan, setting: float | None) -> _Heard:
        """Play and record once, at a sensitivity of the device where it has several."""
        instruments, device = self.instruments, self.rig.device
        name = capture_name(plan.trial)
        if setting is not None and device is not None:
            name += f"-at-{setting:g}"
            for label in device.labels:
                instruments.console.set_sensitivity(label, setting)
        self._let_forget()
        playback = Playback(plan, self.rig, self._corpus)
        ear = None
        if device is not None:
            ear = DeviceEar(instruments.console, device, instruments.console.mark())
        soundings = Soundings(plan.soundings, instruments.switch)

        def heard() -> None:
            soundings.begin()
            if ear is not None:
                ear.begin()

        with instruments.attended(playback.seconds + TAKE_MARGIN_S):
            path = capture_path(self.captures, name, self.rig)
            try:
                take = play_and_record(self._spec, playback, path, heard, self._stop_with)
            finally:
                soundings.finish()
                self._sounded = time.monotonic()
            if ear is not None:
                ear.settle()
        alarms = soundings.truth(plan.trial, take.clock) if take.clock.running else ()
        if ear is None:
            return _Heard(playback, take, (), (), tuple(soundings.faults), alarms)
        faults = tuple(filter(None, [ear.fault(), *soundings.faults]))
        return _Heard(playback, take, ear.events(take.clock), ear.lines(), faults, alarms)

    def _let_forget(self) -> None:
        """Waits until what the device heard in the last trial no longer counts with it."""
        device = self.rig.device
        if device is None or self._sounded is None:
            return
        left_s = device.forgets_s - (time.monotonic() - self._sounded)
        if left_s > 0.0:
            self._log.say(f"{left_s:.0f} s of silence, so that {device.name} forgets the last trial")
            with self.instruments.attended(left_s + TAKE_MARGIN_S):
                time.sleep(left_s)

    def _stop_with(self, stop: Callable[[str], None]) -> None:
        self._stop_sound = stop

    def _settings(self) -> tuple[float | None, ...]:
        device = self.rig.device
        return (None,) if device is None or device.sensitivity is None else device.sensitivity.values

    def _under_test(self) -> int:
        device = self.rig.device
        if device is None or device.sensitivity is None:
            return 0
        return device.sensitivity.values.index(device.sensitivity.under_test)

    def _report(self, plan: RigPlan, heard: list[_Heard]) -> DeviceReport | None:
        device = self.rig.device
        if device is None:
            return None
        events = [one.events for one in heard]
        duration_s = plan.trial.spec.duration_s
        return device_report(
            device.name, device.labels, events, self._under_test(), duration_s, device.refractory_s
        )

    def _surroundings(self, when: str) -> dict[str, float]:
        """What meter and sensor read. Raises RigError."""
        found = {}
        if self.instruments.climate is not None:
            climate = self.instruments.climate.read()
            found |= {
                f"temperature_c_{when}": climate.temperature_c,
                f"humidity_percent_{when}": climate.humidity_percent,
            }
        if self.instruments.meter is not None:
            found[f"background_dba_{when}"] = float(self.instruments.meter.read("level"))
        return found


def capture_name(trial: Trial) -> str:
    """Unique in a run. A cell's key may hold what a file name may not; its checksum tells two cells apart."""
    return f"{trial.scenario_id}-{zlib.crc32(trial.cell.key.encode()):08x}-{trial.index}"
