"""The scene of one trial: its room, where things stand in it, and how loud they are at the device."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.interface import Event
from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import OverlapSave
from lab.acoustics.device import DriverSpec
from lab.acoustics.diffuse import DiffuseField
from lab.acoustics.levels import db_spl_from_pa, pa_from_db_spl
from lab.acoustics.loudspeaker import Loudspeaker
from lab.acoustics.paths import impulse_responses
from lab.acoustics.placement import place_device, place_source
from lab.acoustics.room import CalibratedRoom, calibrate
from lab.bench.protocol import CaptureFacts
from lab.bench.simulated.day import Day, Place
from lab.bench.simulated.placed import Around, Moving, Reader, Standing, Stepping, Whereabouts
from lab.bench.simulated.playback import Playback
from lab.bench.simulated.session import Component
from lab.errors import BadInput
from lab.movers.mover import Mover
from lab.movers.walker import Walker
from lab.scenario.course import check_falls, check_steps, course_of, steps_of
from lab.scenario.geometry import lay_out
from lab.scenario.trial import Trial
from lab.sources.catalogue import SourceStream, open_source, stands_somewhere
from lab.sources.days import Occurrence, day_at_home
from lab.sources.footsteps import FootstepsSpec
from lab.sources.loudness import active_rms
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec, NoiseStream
from lab.sources.placed import PlacedSpec

# Media without a mark is levelled against noise over this stretch: long enough for a few phrases or bars.
LEVELLING_S = 20.0
# Mean noise-to-mask ratio of the marked part, as `lab.acoustics.hearing` measures it.
MOST_NOISE_TO_MASK_DB = -3.0
DAY = "[day]"  # among what plays, where no source can have that name
# Movers that stand where they are for all trials of a placement, so that what was computed for one serves the others.
STANDING = ("pedestal_fan", "ceiling_fan", "tower_fan")
_ROUNDING_DB = 1e-9  # a mark turned down to just this level may come out a rounding error above it


@dataclass(frozen=True, eq=False)
class PlacedSource:
    """A source in its room."""

    spec: MediaSpec | PlacedSpec
    where: Whereabouts

    def hear(self, stream: SourceStream, channels: int | None = None) -> Reader:
        """What the first `channels` microphones hear of it, None for all."""
        return self.where.hear(stream, channels)


class Scene:
    """Everything about a trial that is settled before it starts. The first microphone is the reference.

    corpus: folder of recordings, None for the user's cache. rate_hz: of sources and responses, None for that of the
    device. Raises BadInput when the scene does not fit the room.
    """

    def __init__(
        self, trial: Trial, cache: DiskCache, corpus: Path | None, rate_hz: int | None = None
    ) -> None:
        self.trial = trial
        self.rate_hz = trial.spec.device.audible.rate_hz if rate_hz is None else rate_hz
        self._cache = cache
        self._corpus = corpus
        self.levels: dict[str, float] = {}

    @cached_property
    def room(self) -> CalibratedRoom:
        """Only sound that people hear needs it; the tone above has walls of its own."""
        return calibrate(self.trial.spec.room, self.trial.seed_of("room", "walls"), self._cache)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """Of the device, (3,) in m."""
        spec = self.trial.spec
        placed = filter(stands_somewhere, spec.sources)
        reach = [source.distance_m for source in placed if source.distance_m is not None]
        rng = self.trial.rng("placement", "device")
        return place_device(spec.placement, spec.room.size_m, rng, max(reach, default=0.0))

    @cached_property
    def microphones(self) -> NDArray[np.float64]:
        """(M, 3) in m."""
        return self.centre + self.turned(self.trial.spec.device.microphones_m)

    @cached_property
    def loudspeaker(self) -> NDArray[np.float64]:
        """Of the device, (3,) in m; its centre where the device file does not say."""
        return self.centre + self.turned(self.trial.spec.device.loudspeaker_m or (0.0, 0.0, 0.0))

    def turned(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Vectors (..., 3) of the device file, as the device stands in the room.

        One that senses motion is put up facing the middle of the room, give or take 45 degrees; others are not turned.
        """
        found = np.asarray(vectors, dtype=np.float64)
        if self.trial.spec.device.ultrasonic is None:
            return found
        towards = np.asarray(self.trial.spec.room.size_m)[:2] / 2.0 - self.centre[:2]
        rng = self.trial.rng("placement", "facing")
        yaw = math.atan2(towards[1], towards[0]) + math.radians(float(rng.uniform(-45.0, 45.0)))
        cosine, sine = math.cos(yaw), math.sin(yaw)
        return found @ np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])

    @cached_property
    def movers(self) -> tuple[Mover, ...]:
        """Who and what moves, in file order."""
        trial = self.trial
        kinds = {spec.name: spec.kind for spec in trial.spec.movers}

        def rng_of(name: str) -> np.random.Generator:
            return trial.rng("placement" if kinds[name] in STANDING else "movers", name)

        return lay_out(trial.spec, self.centre, rng_of)

    def walker(self, source: FootstepsSpec) -> Walker:
        """The mover whose steps these are."""
        return next(mover for mover in self.movers if mover.name == source.of)

    @cached_property
    def playback(self) -> Playback | None:
        """What the device itself plays, None where it is silent or has no loudspeaker model."""
        spec = self.trial.spec
        found = [source for source in spec.sources if source.kind == "playback"]
        if not found:
            return None
        driver = spec.device.ultrasonic.driver if spec.device.ultrasonic else DriverSpec()
        loudspeaker = Loudspeaker(driver, self.rate_hz, self.trial.rng("ultrasound", "loudspeaker"))
        return Playback(self.play(found[0].media), self.rate_hz, loudspeaker)

    @cached_property
    def placed(self) -> tuple[PlacedSource, ...]:
        return tuple(self._place(source) for source in self.trial.spec.sources if stands_somewhere(source))

    def start(self, channels: int | None = None) -> dict[str, SourceStream | Day]:
        """All sources that stand somewhere, from their beginning, by name, and the day. channels: at which the day is heard, None
        for all."""
        playing: dict[str, SourceStream | Day] = {one.spec.name: self.play(one.spec) for one in self.placed}
        if self.trial.spec.day is not None:
            playing[DAY] = self._day(channels or len(self.microphones))
        return playing

    def field(self, playing: Mapping[str, SourceStream], channels: int | None = None) -> list[Component]:
        """What is heard in the room at the first `channels` microphones, None for all. playing: see `start`."""
        field = [Component(one.hear(playing[one.spec.name], channels)) for one in self.placed]
        if DAY in playing:
            field.append(Component(playing[DAY].read))
        for source in self.trial.spec.sources:
            if source.kind == "noise":
                diffuse = self.diffuse(source)
                # Right only when all microphones are rendered together.
                read = lambda n, diffuse=diffuse: diffuse.read(n)[:channels]
                field.append(Component(read, self.noise_rms_pa(source)))
        if self.playback is not None:
            seed = self.trial.seed_of("placement", "device", "late")
            responses = impulse_responses(
                self.room, self.loudspeaker, self.microphones, self.rate_hz, seed, self._cache
            )
            field.append(Component(OverlapSave(responses[:channels], self.playback.pressure()).read))
        return field

    def play(self, source: MediaSpec | PlacedSpec) -> SourceStream:
        """Start a source from its seed; each call starts it anew."""
        return self.open(source, "sources", self.trial.spec.duration_s)

    def open(
        self, source: MediaSpec | PlacedSpec, among: str, duration_s: float, rate_hz: int | None = None
    ) -> SourceStream:
        """Start a source for `duration_s`. among: `sources`, or `day` for what happens there. rate_hz: None for the scene's."""
        steps = {}
        if isinstance(source, FootstepsSpec) and source.of is not None:
            source, falls = steps_of(source, self.walker(source))
            steps["falls"] = falls
        return open_source(
            source,
            **steps,
            seed=self.trial.seed_of(among, source.name, "media"),
            rate_hz=rate_hz or self.rate_hz,
            duration_s=duration_s,
            split=self.trial.spec.split,
            folder=self._corpus,
        )

    def diffuse(self, source: NoiseSpec) -> DiffuseField:
        """The field of a noise at all microphones, of unit RMS in 50 Hz-7 kHz."""
        noise = NoiseStream(
            source,
            channels=len(self.microphones),
            rate_hz=self.rate_hz,
            seed=self.trial.seed_of("sources", source.name, "noise"),
            split=self.trial.spec.split,
            folder=self._corpus,
        )
        return DiffuseField(self.microphones, self.rate_hz, self.room.climate.speed_m_s, noise.read)

    def noise_rms_pa(self, source: NoiseSpec) -> float:
        """RMS pressure of a noise in 50 Hz-7 kHz; notes it in `levels`, with what it was set against."""
        if source.level_db_spl is not None:
            rms_pa = float(pa_from_db_spl(source.level_db_spl))
        else:
            target = self._relative_to(source)
            event = self._event_rms_pa(target)
            if event <= 0.0:
                raise BadInput(
                    f"{self.trial.scenario_id}: sources.{source.name}.snr_db: {target.spec.name} is silent, "
                    "there is no SNR to it"
                )
            self.levels[f"{target.spec.name}_db_spl"] = float(db_spl_from_pa(event))
            rms_pa = event * 10.0 ** (-source.snr_db / 20.0)
        self.levels[f"{source.name}_db_spl"] = float(db_spl_from_pa(rms_pa))
        return rms_pa

    def facts(
        self,
        playing: Mapping[str, SourceStream],
        truth: Iterable[Event] = (),
        measured: Mapping[str, float] = {},
    ) -> CaptureFacts:
        """What is known once these streams, by source name, have been read to the end.

        truth, measured: of what is not sound.
        """
        truth, segments, measured = list(truth), [], dict(self.levels) | dict(measured)
        for one in self.placed:
            stream = playing[one.spec.name]
            truth += [
                replace(
                    e,
                    onset_s=e.onset_s + one.where.late_s(stream, e.onset_s),
                    offset_s=e.offset_s + one.where.late_s(stream, e.offset_s),
                )
                for e in stream.truth
            ]
            segments += stream.segments
            measured |= stream.measured
        if DAY in playing:
            truth += playing[DAY].truth
            segments += playing[DAY].segments
        # The room of a scene without sound that people hear is drawn, never solved for.
        heard = "room" in vars(self)
        clusters = {"room": self.room.id if heard else f"room {self.trial.room_index}"}
        if self.placed:
            clusters["recording"] = playing[self.placed[0].spec.name].cluster
        elif DAY in playing:
            clusters["recording"] = f"day {self.trial.seed_of('day')}"
        return CaptureFacts(
            truth=tuple(sorted(truth, key=lambda event: event.onset_s)),
            duration_s=self.trial.spec.duration_s,
            distinct_s=self.trial.spec.duration_s,
            clusters=clusters,
            segments=tuple(segments),
            measured=measured,
            invalid=audible_mark(measured),
        )

    @cached_property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """What happens in the day of the trial. Places belong to the room and the placement, so that trials share their responses."""
        spec = self.trial.spec
        return day_at_home(
            self.trial.seed_of("day"),
            spec.room.size_m,
            places_seed=self.trial.seed_of("placement", "day"),
            duration_s=spec.duration_s,
            begins_h=spec.day.begins_at_h(self.trial.index, spec.duration_s),
            busy=spec.day.busy,
            habits=spec.day.habits,
            device_m=self.centre,
        )

    def _day(self, channels: int) -> Day:
        def place(point: tuple[float, float, float]) -> Place:
            return Place(*self.heard_from(np.asarray(point), "day"))

        return Day(
            self.occurrences,
            place,
            lambda source, duration_s: self.open(source, "day", duration_s),
            self.rate_hz,
            self.trial.spec.duration_s,
            channels,
        )

    def heard_from(self, position: NDArray[np.float64], name: str) -> tuple[NDArray[np.float32], float]:
        """Responses from a position to all microphones, (M, taps), and the delay of the direct sound to the first in s."""
        seed = self.trial.seed_of("placement", name, "late")
        responses = impulse_responses(self.room, position, self.microphones, self.rate_hz, seed, self._cache)
        distance_m = float(np.linalg.norm(position - self.microphones[0]))
        return responses, distance_m / self.room.climate.speed_m_s

    def _place(self, source: MediaSpec | PlacedSpec) -> PlacedSource:
        if source.moves is not None:
            rng = self.trial.rng("placement", source.name)
            course = course_of(source, self.trial.spec, self.centre, rng)
            return PlacedSource(source, Moving(course, self._around(source.name)))
        if isinstance(source, FootstepsSpec) and source.path_m is not None:
            passes_m = check_steps(source, self.trial.spec, self.centre)
            return PlacedSource(source, Stepping(passes_m, source.through, self._around(source.name)))
        if isinstance(source, FootstepsSpec) and source.of is not None:
            passes_m = check_falls(source, self.trial.spec, self.walker(source))
            return PlacedSource(source, Stepping(passes_m, source.through, self._around(source.name)))
        return PlacedSource(source, Standing(*self.heard_from(self.position(source), source.name)))

    def position(self, source: MediaSpec | PlacedSpec) -> NDArray[np.float64]:
        """Where a source stands that does not move, (3,) in m."""
        return place_source(
            self.trial.spec.room.size_m,
            self.centre,
            self.trial.rng("placement", source.name),
            distance_m=source.distance_m,
            position_m=source.position_m,
            rule=source.rule,
            height=source.height,
            name=f"sources.{source.name}",
        )

    def _around(self, name: str) -> Around:
        seed = self.trial.seed_of("placement", name, "late")
        doorways = self.trial.spec.doorways
        return Around(self.room, self.microphones, self.rate_hz, seed, self._cache, doorways)

    def _relative_to(self, source: NoiseSpec) -> PlacedSource:
        for one in self.placed:
            if source.relative_to in (None, one.spec.name):
                return one
        names = ", ".join(one.spec.name for one in self.placed) or "none"
        raise BadInput(
            f"{self.trial.scenario_id}: sources.{source.name}.relative_to = {source.relative_to!r}: "
            f"sources that stand somewhere are {names}"
        )

    def _event_rms_pa(self, one: PlacedSource) -> float:
        """At the reference microphone while active: of the marked part, else of the first seconds heard; 0 if all of the trial is silent."""
        source = self.play(one.spec)
        heard = one.hear(source, 1)
        mark = getattr(one.spec, "watermark", None)
        start_s, end_s = one.spec.start_s, one.spec.start_s + LEVELLING_S
        if mark is not None and mark.start_s is not None:
            end_s = mark.start_s + mark.duration_s
        audio = np.zeros(0, np.float32)
        while True:
            end_s = min(end_s, self.trial.spec.duration_s)
            last = round((end_s + one.where.late_s(source, end_s)) * self.rate_hz)
            audio = np.concatenate([audio, heard(last - len(audio))[0]])
            begin_s, stop_s = start_s, end_s
            if source.truth:
                begin_s, stop_s = source.truth[0].onset_s, min(source.truth[0].offset_s, end_s)
            first, last = (
                round((at_s + one.where.late_s(source, at_s)) * self.rate_hz) for at_s in (begin_s, stop_s)
            )
            rms_pa = active_rms(audio[first:last], self.rate_hz) if last > first else 0.0
            # What pauses for longer than the first seconds is waited for.
            if rms_pa > 0.0 or end_s >= self.trial.spec.duration_s:
                return rms_pa
            end_s += LEVELLING_S


def audible_mark(measured: Mapping[str, float]) -> str | None:
    """A mark that people would hear proves nothing, however well it is detected."""
    ratio = measured.get("noise_to_mask_db")
    if ratio is None or ratio <= MOST_NOISE_TO_MASK_DB + _ROUNDING_DB:
        return None
    return f"watermark is audible: noise-to-mask ratio above {MOST_NOISE_TO_MASK_DB:g} dB"
