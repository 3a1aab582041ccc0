"""From a trial to a rig plan: which instrument does what. What the bench cannot do is said before anything moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from detectors.interface import AUDIBLE, PLAYBACK, ULTRASONIC, StreamNeed
from lab.acoustics.room import RoomSpec
from lab.bench.physical.departures import departures
from lab.bench.physical.noise_level import noise_level_db
from lab.errors import BadInput
from lab.movers.linear_stage import LinearStageSpec
from lab.scenario.trial import POSITION_KEYS, Trial
from lab.sources.alarms import AlarmSpec
from lab.sources.catalogue import SourceSpec
from lab.sources.noise import NoiseSpec
from rigs.rig_file import RigFile
from rigs.rig_tables import Output, Switch

CREST_DB = 18.0  # peaks of speech and music over their RMS while active, little exceeded
ALARM_ENDS_S = 0.5  # before the end of a trial at the latest: the last pilot and the quiet after it are no place for alarms
LEAST_PAUSE_S = (
    0.5  # between two strokes: orders come a round trip late, and strokes that run into one another are one
)
ON_MARK_M = 0.005  # a distance this close to a mark is the mark's


class Refused(BadInput):
    """The bench cannot do what a scenario asks; nothing has moved. problems: one sentence each."""

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"{where}: " + "; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Sound:
    """A source and the loudspeaker that plays it. level_db_spl: at 1 m; of a noise, at the device, 50 Hz-7 kHz."""

    source: str
    output: Output
    level_db_spl: float


@dataclass(frozen=True)
class Move:
    """A stage goes to a position, which puts what it carries at this distance."""

    position_mm: float
    distance_m: float


@dataclass(frozen=True)
class Stroke:
    """While the trial runs, at this moment of it, the stage starts for a position, at this speed."""

    at_s: float
    position_mm: float
    distance_m: float
    feed_mm_min: float


@dataclass(frozen=True)
class Sounding:
    """An alarm that sounds from `on_s` to `off_s` of the trial, while its switch is closed."""

    source: AlarmSpec
    switch: Switch
    on_s: float
    off_s: float


@dataclass(frozen=True)
class Placing:
    """What a person must do, as nothing on this bench has a motor for it."""

    what: str
    distance_m: float
    mark: str | None = None

    @property
    def words(self) -> str:
        at = f", mark {self.mark}" if self.mark else ""
        return f"place {self.what} at {self.distance_m:.2f} m{at}"


@dataclass(frozen=True)
class RigPlan:
    """What a bench does for one trial, in this order: place, move, switch on, play and record, switch off.

    channels: microphones of the device, from the first, that the reference stack hears. tone: the device's own loudspeaker, where the
    build emits. strokes: of the stage while the trial runs, of what `target` says. soundings: alarms that are set off meanwhile. notes:
    what of the scenario this bench does not reproduce.
    """

    trial: Trial
    sounds: tuple[Sound, ...]
    channels: int = 1
    placing: Placing | None = None
    move: Move | None = None
    switches: tuple[Switch, ...] = ()
    notes: tuple[str, ...] = ()
    tone: Output | None = None
    target: LinearStageSpec | None = None
    strokes: tuple[Stroke, ...] = ()
    soundings: tuple[Sounding, ...] = ()

    @property
    def distance_m(self) -> float | None:
        place = self.move or self.placing
        return None if place is None else place.distance_m

    def steps(self) -> tuple[str, ...]:
        """The plan in a technician's words."""
        found = []
        if self.placing is not None:
            found.append(self.placing.words)
        if self.move is not None:
            found.append(f"move the stage to {self.move.position_mm:.0f} mm ({self.move.distance_m:.2f} m)")
        found += [f"switch on {switch.name}" for switch in self.switches]
        for sound in self.sounds:
            found.append(f"play {sound.source} on {sound.output.name}, {sound.level_db_spl:.1f} dB SPL")
        if self.tone is not None:
            found.append(f"play on {self.tone.name} what the build commands")
        for stroke in self.strokes:
            speed = stroke.feed_mm_min / 60_000.0
            found.append(f"at {stroke.at_s:g} s start for {stroke.distance_m:.2f} m at {speed:.2f} m/s")
        for one in self.soundings:
            found.append(
                f"{one.switch.name} on from {one.on_s:g} to {one.off_s:g} s: {one.source.name} sounds"
            )
        found.append(f"record {self.trial.spec.duration_s:g} s")
        return tuple(found)


def plan_trial(
    trial: Trial, rig: RigFile, needs: Mapping[str, StreamNeed], lifted: frozenset[str] = frozenset()
) -> RigPlan:
    """The plan of one trial. lifted: safety limits that a person at the bench has lifted, `playback`.

    Raises Refused naming everything that this bench cannot do, before anything has moved.
    """
    problems = [*_streams(trial, rig, needs), *_cell(trial, rig), *_kinds(trial, rig)]
    target = _target(trial)
    if target is None or rig.tone is None:
        move, placing = _place(trial, rig, problems)
        strokes: tuple[Stroke, ...] = ()
    else:
        move, strokes = _run_up(target, rig, problems)
        placing = None
    place = move or placing
    sounds = tuple(_sounds(trial, rig, None if place is None else place.distance_m, problems))
    if "playback" not in lifted:
        problems += _too_loud(sounds, rig)
    if problems:
        raise Refused(f"bench {rig.id}: cannot play {trial.scenario_id}", tuple(problems))
    return RigPlan(
        trial=trial,
        sounds=sounds,
        channels=_channels(trial, rig, needs),
        move=move,
        placing=placing,
        switches=tuple(switch for switch in rig.switches if switch.role == "amplifier"),
        notes=tuple(departures(trial, rig, needs.get(stream_of(rig)), _channels(trial, rig, needs))),
        tone=rig.tone,
        target=target,
        strokes=strokes,
        soundings=_soundings(trial, rig),
    )


def _streams(trial: Trial, rig: RigFile, needs: Mapping[str, StreamNeed]) -> Iterator[str]:
    device, recorded = trial.spec.device, stream_of(rig)
    for name, need in needs.items():
        if name not in (recorded, PLAYBACK):
            rates = " or ".join(f"{rate // 1000} kHz" for rate in need.rates_hz)
            yield f"the build wants {name} at {rates}, the bench records {recorded} only"
    need = needs.get(recorded)
    if need is None:
        if rig.tone is not None:
            yield f"the build does not listen above hearing, the bench records {recorded} only"
        return
    if recorded == ULTRASONIC:
        yield from _above_hearing(trial, rig, need)
    elif device.audible.rate_hz not in need.rates_hz:
        yield f"device {device.id} has audible.rate_hz = {device.audible.rate_hz}, the build wants another"
    elif device.audible.rate_hz > rig.audio.rate_hz:
        yield f"device {device.id} hears at {device.audible.rate_hz} Hz, the bench records at {rig.audio.rate_hz} Hz"
    wanted, have = need.channels or 1, _recorded(trial, rig)
    if wanted > have:
        yield f"the build listens to {wanted} microphones, the bench records {have} of device {device.id}"
    most = max(wire.microphone for wire in rig.audio.inputs)
    if rig.kind == "emulated" and most > len(device.microphones_m):
        yield f"the bench records microphone {most}, device {device.id} has {len(device.microphones_m)}"


def _above_hearing(trial: Trial, rig: RigFile, need: StreamNeed) -> Iterator[str]:
    device = trial.spec.device
    if device.ultrasonic is None:
        yield f"device {device.id} has no [ultrasonic] converter"
    elif device.ultrasonic.rate_hz != rig.audio.rate_hz:
        yield (
            f"device {device.id} has ultrasonic.rate_hz = {device.ultrasonic.rate_hz}, the bench records at "
            f"{rig.audio.rate_hz} Hz"
        )
    elif device.ultrasonic.rate_hz not in need.rates_hz:
        yield f"device {device.id} has ultrasonic.rate_hz = {device.ultrasonic.rate_hz}, the build wants another"


def stream_of(rig: RigFile) -> str:
    """What a bench records: sound, or what lies above it where it plays the device's own tone."""
    return AUDIBLE if rig.tone is None else ULTRASONIC


def _recorded(trial: Trial, rig: RigFile) -> int:
    """How many of the device's microphones, from the first, the bench stands in for."""
    all_of_them = len(trial.spec.device.microphones_m)
    if rig.kind == "loopback":
        return all_of_them
    have = {wire.microphone for wire in rig.audio.inputs}
    return next((n for n in range(all_of_them) if n + 1 not in have), all_of_them)


def _channels(trial: Trial, rig: RigFile, needs: Mapping[str, StreamNeed]) -> int:
    """A build that takes all microphones takes all that are recorded."""
    need = needs.get(stream_of(rig))
    return _recorded(trial, rig) if need is None or need.channels is None else need.channels


def _cell(trial: Trial, rig: RigFile) -> Iterator[str]:
    """Cells of a sweep that would all sound the same here must not make a curve."""
    if rig.kind == "emulated":
        return
    fixed = set(RoomSpec.model_fields) | (POSITION_KEYS if rig.kind == "loopback" else set())
    for key in trial.cell.values:
        if key.rpartition(".")[2] in fixed:
            why = "there is no room" if rig.kind == "loopback" else "the room is what it is"
            yield f"it sweeps {key}, which this bench cannot change: {why}"


def _kinds(trial: Trial, rig: RigFile) -> Iterator[str]:
    for source in trial.spec.sources:
        if rig.tone is not None:
            yield f"sources.{source.name}: this bench plays the device's own tone and nothing else"
        elif isinstance(source, AlarmSpec) and any(one.role == "alarm" for one in rig.switches):
            yield from _alarm(source, trial, rig)
        elif source.kind not in ("media", "noise"):
            yield f"sources.{source.name}: nothing here plays kind = {source.kind!r}"
    if rig.kind != "emulated" and trial.spec.interferers:
        yield "interferers: nothing here plays them"
    for number, mover in enumerate(trial.spec.movers):
        if not isinstance(mover, LinearStageSpec) or rig.tone is None:
            yield f"movers.{mover.name}: nothing here moves like kind = {mover.kind!r}"
        elif rig.stage is None or rig.stage.carries != "target":
            yield f'movers.{mover.name}: no stage here carries a target; [stage] with carries = "target" is needed'
        elif number:
            yield f"movers.{mover.name}: there is one stage, and it carries one target"


def _alarm(source: AlarmSpec, trial: Trial, rig: RigFile) -> Iterator[str]:
    alarms = [one for one in trial.spec.sources if isinstance(one, AlarmSpec)]
    switches = [one for one in rig.switches if one.role == "alarm"]
    if source is alarms[0] and len(alarms) > len(switches):
        yield f'it has {len(alarms)} alarms, the bench has {len(switches)} switches with role = "alarm"'
    if source.schedule is not None:
        yield f"sources.{source.name}.schedule: an alarm on a bench sounds once, at start_s"
    if source.start_s >= trial.spec.duration_s - ALARM_ENDS_S:
        yield f"sources.{source.name}.start_s = {source.start_s:g}: it would not sound before the trial ends"


def _soundings(trial: Trial, rig: RigFile) -> tuple[Sounding, ...]:
    alarms = [one for one in trial.spec.sources if isinstance(one, AlarmSpec)]
    switches = [one for one in rig.switches if one.role == "alarm"]
    last_s = trial.spec.duration_s - ALARM_ENDS_S
    return tuple(
        Sounding(source, switch, source.start_s, min(source.start_s + source.lasts_s, last_s))
        for source, switch in zip(alarms, switches, strict=False)
    )


def _target(trial: Trial) -> LinearStageSpec | None:
    return next((mover for mover in trial.spec.movers if isinstance(mover, LinearStageSpec)), None)


def _run_up(
    target: LinearStageSpec, rig: RigFile, problems: list[str]
) -> tuple[Move | None, tuple[Stroke, ...]]:
    """Where the stage waits, and its strokes while the trial runs."""
    stage = rig.stage
    if stage is None or stage.carries != "target":
        return None, ()  # said already
    least, most = stage.reach_m
    for key in ("distance_m", "end_m"):
        distance = getattr(target, key)
        if not least - 1e-6 <= distance <= most + 1e-6:
            problems.append(
                f"movers.{target.name}.{key} = {distance:g} is out of the stage's travel, {least:g} to {most:g} m"
            )
    feed, fastest = (
        60_000.0 * target.speed_m_s,
        rig.profile_of(rig.instrument(stage.instrument)).maximum_feed_mm_min,
    )
    if feed > fastest:
        problems.append(
            f"movers.{target.name}.speed_m_s = {target.speed_m_s:g}: {stage.instrument} goes at {fastest / 60_000.0:g} m/s at most"
        )
    if target.strokes > 1 and target.pause_s < LEAST_PAUSE_S:
        problems.append(
            f"movers.{target.name}.pause_s = {target.pause_s:g}: a bench takes at least {LEAST_PAUSE_S:g} s between strokes"
        )
    strokes = (
        Stroke(float(at), stage.position_mm(target.goal_m(number)), target.goal_m(number), feed)
        for number, at in enumerate(target.starts_s())
    )
    return Move(stage.position_mm(target.distance_m), target.distance_m), tuple(strokes)


def _sounds(trial: Trial, rig: RigFile, distance_m: float | None, problems: list[str]) -> Iterator[Sound]:
    """distance_m: of the sources of media, None where the bench sets none."""
    for kind in ("media", "noise"):
        sources = [source for source in trial.spec.sources if source.kind == kind]
        outputs = [output for output in rig.audio.outputs if output.plays == kind]
        if kind == "noise" and not outputs and rig.emulation is not None and rig.emulation.room_twin:
            continue  # the twin makes it, diffuse, as the simulated bench does
        if len(sources) > len(outputs):
            names = ", ".join(source.name for source in sources)
            problems.append(
                f"it has {len(sources)} sources of {kind} ({names}), the bench has {len(outputs)} outputs"
            )
        for source, output in zip(sources, outputs, strict=False):
            level = source.level_db_spl
            if isinstance(source, NoiseSpec):
                level = noise_level_db(source, trial, distance_m)
            if level is None:
                problems.append(
                    f"sources.{source.name}.snr_db: relative to no source of media; state level_db_spl"
                )
                continue
            yield Sound(source.name, output, level)


def _too_loud(sounds: tuple[Sound, ...], rig: RigFile) -> Iterator[str]:
    most = rig.safety.max_playback_db_spl
    for sound in sounds:
        level = sound.level_db_spl
        if level > most:
            yield (
                f"sources.{sound.source}: {level:.1f} dB SPL is above safety.max_playback_db_spl = {most:g}; "
                "only a person at the bench may lift that"
            )
        elif level + CREST_DB > sound.output.full_scale_db_spl + 3.0:
            yield (
                f"sources.{sound.source}: {level:.1f} dB SPL would clip: {sound.output.name} reaches "
                f"{sound.output.full_scale_db_spl:g} dB SPL"
            )


def _place(trial: Trial, rig: RigFile, problems: list[str]) -> tuple[Move | None, Placing | None]:
    if rig.kind == "loopback" or rig.tone is not None:
        return None, None
    media = [source for source in trial.spec.sources if source.kind == "media"]
    for source in media:
        if source.distance_m is None:
            problems.append(
                f"sources.{source.name}: stands by position or rule; a bench takes distance_m only"
            )
            return None, None
    if not media:
        return None, None
    distances = sorted({source.distance_m for source in media})
    if len(distances) > 1:
        problems.append(f"it has sources at {len(distances)} distances; the bench sets one")
        return None, None
    return _one_place(media[0], distances[0], rig, problems)


def _one_place(
    source: SourceSpec, distance_m: float, rig: RigFile, problems: list[str]
) -> tuple[Move | None, Placing | None]:
    if rig.stage is not None:
        least, most = rig.stage.reach_m
        if not least - 1e-6 <= distance_m <= most + 1e-6:
            problems.append(
                f"sources.{source.name}.distance_m = {distance_m:g} is out of the stage's travel, "
                f"{least:g} to {most:g} m"
            )
            return None, None
        return Move(rig.stage.position_mm(distance_m), distance_m), None
    if rig.kind == "emulated":
        return None, None
    mark = next((m for m in rig.marks if abs(m.distance_m - distance_m) <= ON_MARK_M), None)
    if rig.marks and mark is None:
        marks = ", ".join(f"{m.name} at {m.distance_m:g} m" for m in rig.marks)
        problems.append(f"sources.{source.name}.distance_m = {distance_m:g} is on no mark: {marks}")
        return None, None
    return None, Placing(f"the {source.name}", distance_m, mark.name if mark else None)
