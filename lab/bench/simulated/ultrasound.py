"""The tones of one trial: emitted by one unit of a device, and heard by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.interface import BASEBAND, ULTRASONIC, Emission, Event, StreamFormat, StreamNeed
from lab.acoustics.loudspeaker import modulation
from lab.acoustics.ultrasonic import directivity
from lab.acoustics.ultrasonic.baseband import Baseband, FrontEnd
from lab.acoustics.ultrasonic.boundaries import draw_walls
from lab.acoustics.ultrasonic.emission import EmittedTone, Emitter
from lab.acoustics.ultrasonic.interference import Interferer, SecondDeviceSpec, make_interferer
from lab.acoustics.ultrasonic.passage import Opening
from lab.acoustics.ultrasonic.passband import Passband
from lab.acoustics.ultrasonic.product import control_rate_hz
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage
from lab.acoustics.ultrasonic.unit import Unit, draw_unit
from lab.bench.simulated.overtones import PiezoHarmonics, Struck, sounds_above
from lab.bench.simulated.playback import CONE_RATE_HZ
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.session import Component, RenderedStream, pressure
from lab.bench.simulated.tones import Complex, Inside, Tone, ToneInRoom
from lab.errors import BadInput
from lab.movers.mover import vacancies
from lab.scenario.trial import Trial
from lab.sources.alarms import AlarmSpec
from lab.sources.catalogue import source_of
from lab.sources.modal import RATE_HZ


class UltrasonicScene:
    """The envelopes of all tones at the first `channels` microphones, block after block.

    least_rate_hz: of the envelopes; movers or music may need a higher one. Raises BadInput for what does not fit the room or the
    device.
    """

    def __init__(self, scene: Scene, channels: int, least_rate_hz: int) -> None:
        trial = scene.trial
        self.scene, self.channels = scene, channels
        self.spec = trial.spec.ultrasound
        device = trial.spec.device.ultrasonic
        assert device is not None, "asked for by the bench only"
        self.device = device
        unit = draw_unit(self.spec.unit, device, len(scene.microphones), trial.rng("ultrasound", "unit"))
        self.unit: Unit = unit.first(channels)
        self._cone = None if scene.playback is None else scene.playback.cone()
        usual = Carrier.in_air(device.baseband_carrier_hz, trial.spec.room.climate)
        self.rate_hz = max(
            least_rate_hz,
            *(control_rate_hz(mover.top_speed_m_s, usual) for mover in scene.movers),
            CONE_RATE_HZ if self._cone else 0,
        )
        self.emitter = Emitter(self.rate_hz, device.rate_hz / 2, override=self.spec.lift_emission_limit)
        self._inside = Inside(
            movers=scene.movers,
            device_m=scene.centre,
            openings=tuple(
                Opening(door.wall, door.along_m, door.width_m, door.height_m, door.open)
                for door in trial.spec.doorways
            ),
            wall_loss_db=self.spec.wall_loss_db,
            air=self.spec.air,
            air_seed=trial.seed_of("ultrasound", "air"),
            rate_hz=self.rate_hz,
        )
        self._nominal_hz = device.baseband_carrier_hz
        self._interferers = self._interfere()
        self._overtones = self._above_sources()
        self._tones: dict[float, ToneInRoom] = {}
        self._loudspeaker: dict[float, complex] = {}
        self._position = 0
        self.tell: Callable[[Mapping[float, Complex]], None] = lambda _heard: None

    @property
    def truth(self) -> tuple[Event, ...]:
        events = tuple(event for mover in self.scene.movers for event in mover.truth())
        return events + vacancies(events, self.scene.trial.spec.duration_s)

    def emit(self, emission: Emission) -> None:
        """What the device emits from the next sample on. Raises BadInput for a carrier out of its band."""
        low, high = self.device.carrier_band_hz
        for carrier in emission.carriers_hz:
            if not low <= carrier <= high:
                raise BadInput(
                    f"{self.scene.trial.scenario_id}: the build emits {carrier:g} Hz; device "
                    f"{self.scene.trial.spec.device.id} has carrier_band_hz = [{low:g}, {high:g}]"
                )
        self.emitter.command(emission.carriers_hz, emission.level_db_spl)

    def read(self, samples: int) -> Mapping[float, Complex]:
        """The next samples of each carrier on the air: (M, samples) in Pa, peak."""
        emitted = self.emitter.read(samples)
        moved = None if self._cone is None else self._cone(samples)
        heard = {}
        for part in emitted:
            if part.carrier_hz not in self._tones:
                self._tones[part.carrier_hz] = ToneInRoom(
                    self.stage(part.carrier_hz), self._inside, self._position
                )
            tone = self._tones[part.carrier_hz]
            envelope = tone.read(self._modulated(part, tone.stage, moved))
            if envelope is not None:
                heard[part.carrier_hz] = envelope
        if self._interferers or self._overtones:
            foreign = sum(one.read(samples) for one in (*self._interferers, *self._overtones))
            heard[self._nominal_hz] = heard.get(self._nominal_hz, 0.0) + foreign
        self._position += samples
        self.tell(heard)
        return heard

    def _interfere(self) -> tuple[Interferer, ...]:
        """What else sounds, about the device's nominal carrier whatever it emits; its clock moves all of it."""
        trial = self.scene.trial
        if not trial.spec.interferers:
            return ()
        stage, found = self.stage(self._nominal_hz), []
        for spec in trial.spec.interferers:
            if isinstance(spec, SecondDeviceSpec):
                at = self.unit.heard_hz(self._nominal_hz + spec.offset_hz)
                spec = spec.model_copy(update={"offset_hz": at - self._nominal_hz})
            rng = trial.rng("interferers", spec.name)
            found.append(make_interferer(spec, stage, self.scene.centre, self.rate_hz, rng))
        return tuple(found)

    def _above_sources(self) -> tuple[Struck | PiezoHarmonics, ...]:
        """What the audible sources have about the device's nominal carrier."""
        scene, trial = self.scene, self.scene.trial
        duration_s = trial.spec.duration_s
        sounding = [("sources", one) for one in trial.spec.sources if sounds_above(one)]
        if trial.spec.day is not None:
            day = [source_of(one.source) for one in scene.occurrences]
            size = np.asarray(trial.spec.room.size_m)
            inside = [one for one in day if sounds_above(one) and np.all(np.asarray(one.position_m) < size)]
            sounding += [("day", one) for one in inside]
        stage = self.stage(self._nominal_hz) if sounding else None
        found: list[Struck | PiezoHarmonics] = []
        for among, spec in sounding:
            assert stage is not None
            rng = trial.rng(among, spec.name, "above hearing")
            place_m = scene.position(spec)
            if isinstance(spec, AlarmSpec):
                seed = trial.seed_of(among, spec.name, "media")
                found.append(PiezoHarmonics(spec, seed, duration_s, stage, place_m, self.rate_hz, rng))
                continue
            left_s, early = duration_s - spec.start_s, spec.model_copy(update={"start_s": 0.0})
            begin = partial(scene.open, early, among, left_s, RATE_HZ)
            found.append(Struck(begin, spec.start_s, stage, place_m, self.rate_hz, rng))
        return tuple(found)

    def stage(self, carrier_hz: float) -> Stage:
        """The room at a carrier; walls, tail and lobes are drawn from the same seeds for each."""
        trial, scene = self.scene.trial, self.scene
        carrier = Carrier.in_air(carrier_hz, trial.spec.room.climate)
        return make_stage(
            trial.spec.room.size_m,
            draw_walls(self.spec.furnishing, carrier, trial.rng("room", "ultrasonic walls")),
            carrier,
            scene.loudspeaker,
            scene.microphones[: self.channels],
            scene.turned(self.device.driver.axis),
            self._pattern(carrier),
            microphone_axis=scene.turned(self.device.microphone_axis),
            microphone_pattern=directivity.housing(self.device.microphone_rear_db),
            image_order=self.spec.image_order,
            tail_rng=trial.rng("room", "ultrasonic tail"),
        )

    def _pattern(self, carrier: Carrier) -> NDArray[np.float64]:
        driver = self.device.driver
        ka = carrier.wavenumber * driver.radius_m
        if driver.directivity == "omni":
            return directivity.omni()
        if driver.directivity == "piston":
            return directivity.piston(ka)
        return directivity.lobed(self.scene.trial.rng("ultrasound", "lobes"), driver.directivity_index_db, ka)

    def _loudness(self, carrier_hz: float) -> complex:
        if carrier_hz not in self._loudspeaker:
            self._loudspeaker[carrier_hz] = self.unit.loudspeaker(carrier_hz)
        return self._loudspeaker[carrier_hz]

    def _modulated(self, part: EmittedTone, stage: Stage, moved: tuple[NDArray, NDArray] | None) -> Tone:
        pressure = part.pressure_pa * self._loudness(part.carrier_hz)
        if moved is None:
            return Tone(pressure, None)
        displacement, gain = moved
        k, driver = stage.carrier.wavenumber, self.device.driver
        towards = stage.receivers.position_m[:, 0] - stage.source.position_m[0, 0]
        cosine = towards @ stage.source.axis / np.linalg.norm(towards, axis=1)
        rest = pressure * gain * modulation(displacement, self.unit.echo_coupling, k, 1.0, driver.am_per_m)
        own = pressure * gain * modulation(displacement, self.unit.coupling, k, cosine, driver.am_per_m)
        return Tone(rest, own - rest)


@dataclass(frozen=True, eq=False)
class UltrasonicStream:
    """The converter's samples. audible: the sound field that plays beside the tones, at audible_rate_hz."""

    format: StreamFormat
    scene: UltrasonicScene
    passband: Passband
    audible: tuple[Component, ...] = ()

    def read(self, samples: int) -> NDArray[np.float32]:
        count = samples // self.passband.ratio
        heard = None
        if self.audible:
            step = self.passband.audible_rate_hz // self.scene.rate_hz
            heard = pressure(self.audible, self.format.channels, count * step)
        return self.passband.process(count, self.scene.read(count), heard)


@dataclass(frozen=True, eq=False)
class FrontEndStream:
    """The front end's envelope, made of the converter's samples as the device makes it."""

    format: StreamFormat
    converter: UltrasonicStream
    front_end: FrontEnd

    def read(self, samples: int) -> NDArray[np.complex64]:
        return self.front_end.process(self.converter.read(samples * self.front_end.ratio))


@dataclass(frozen=True, eq=False)
class BasebandStream:
    """The front end's envelope, made of the scene's envelopes without the converter's rate in between."""

    format: StreamFormat
    scene: UltrasonicScene
    baseband: Baseband

    def read(self, samples: int) -> NDArray[np.complex64]:
        count = samples * self.baseband.ratio
        return self.baseband.process(count, self.scene.read(count))


def open_ultrasound(
    scene: Scene, needs: Mapping[str, StreamNeed], field: Callable[[int], tuple[Component, ...]]
) -> tuple[UltrasonicScene, dict[str, RenderedStream]]:
    """The scene above hearing and the one stream of it that a build wants.

    field: the sound field that plays beside the tones at the first so many microphones. A baseband is made of the converter's samples where
    something plays, as microphones mix that with the tone. Raises BadInput for a stream or a rate that the device does not have.
    """
    trial = scene.trial
    device = trial.spec.device.ultrasonic
    wanted = [name for name in (ULTRASONIC, BASEBAND) if name in needs]
    if device is None:
        raise BadInput(
            f"{trial.scenario_id}: the build wants {wanted[0]}; device {trial.spec.device.id} has no [ultrasonic] converter"
        )
    if len(wanted) > 1:
        raise BadInput(
            f"{trial.scenario_id}: the build wants {' and '.join(wanted)}; a capture holds one of them"
        )
    name = wanted[0]
    rate_hz = device.rate_hz if name == ULTRASONIC else device.baseband_rate_hz
    channels = channels_of(trial, name, needs[name], rate_hz)
    world = UltrasonicScene(scene, channels, device.baseband_rate_hz)
    audible = field(channels)
    rng = trial.rng("ultrasound", "converter")
    carrier_hz = device.baseband_carrier_hz if name == BASEBAND else None
    form = StreamFormat(rate_hz, channels, carrier_hz)
    if name == BASEBAND and not audible:
        return world, {name: BasebandStream(form, world, Baseband(device, world.unit, world.rate_hz, rng))}
    passband = Passband(device, world.unit, world.rate_hz, rng, scene.rate_hz if audible else None)
    converter = UltrasonicStream(StreamFormat(device.rate_hz, channels), world, passband, audible)
    if name == ULTRASONIC:
        return world, {name: converter}
    return world, {name: FrontEndStream(form, converter, FrontEnd(device, channels))}


def channels_of(trial: Trial, stream: str, need: StreamNeed, rate_hz: int) -> int:
    """How many microphones a build hears of a stream at `rate_hz`. Raises BadInput for a rate or number there is not."""
    device = trial.spec.device
    if rate_hz not in need.rates_hz:
        raise BadInput(
            f"{trial.scenario_id}: device {device.id} has {stream}.rate_hz = {rate_hz}, "
            f"the build wants {' or '.join(map(str, need.rates_hz))}"
        )
    available = len(device.microphones_m)
    if need.channels is not None and need.channels > available:
        raise BadInput(
            f"{trial.scenario_id}: device {device.id} has {available} microphones, "
            f"the build listens to {need.channels}"
        )
    return available if need.channels is None else need.channels
