"""The bench in which the air is computed: from a trial's spec to a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, PLAYBACK, StreamNeed
from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import OverlapSave
from lab.acoustics.diffuse import DiffuseField
from lab.acoustics.levels import db_spl_from_pa, pa_from_db_spl
from lab.acoustics.microphone import Microphone
from lab.acoustics.paths import impulse_responses
from lab.acoustics.placement import place_device, place_source
from lab.acoustics.room import CalibratedRoom, calibrate
from lab.bench.protocol import CaptureFacts, MediaSegment, Origin
from lab.bench.simulated.session import Component, SimulatedSession
from lab.errors import BadInput
from lab.scenario.trial import Trial
from lab.sources.loudness import active_rms
from lab.sources.media import MediaSpec, MediaStream, open_media
from lab.sources.noise import NoiseSpec, NoiseStream

RENDERED = (AUDIBLE, PLAYBACK)
# Nothing a device emits is heard in the audible stream, so blocks may be long; other streams will need 50 ms.
BLOCK_S = 1.0
# Media without a mark is levelled against noise over this stretch: long enough for a few phrases or bars.
LEVELLING_S = 20.0
# Mean noise-to-mask ratio of the marked part, as `lab.acoustics.hearing` measures it.
MOST_NOISE_TO_MASK_DB = -3.0


@dataclass(frozen=True, eq=False)
class _Placed:
    """A media source in its room: how to play it, and the responses to all microphones."""

    spec: MediaSpec
    responses: NDArray[np.float32]
    delay_s: float  # of the direct sound to the reference microphone


class SimulatedBench:
    """Opens trials of scenes in which nothing moves. The first microphone of a device is the reference."""

    origin = Origin.SIMULATED

    def __init__(self, cache: DiskCache | None = None, block_s: float = BLOCK_S) -> None:
        self._cache = cache if cache is not None else DiskCache()
        self._block_s = block_s

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> SimulatedSession:
        """Prepare the scene of a trial; deterministic.

        Raises BadInput for a stream this bench does not render, a rate the device does not have, or a room in
        which the scene does not fit.
        """
        spec = trial.spec
        rate_hz = spec.device.audible.rate_hz
        microphones = np.asarray(spec.device.microphones_m, dtype=np.float64)
        channels = _channels(trial, needs)
        room = calibrate(spec.room, trial.seed_of("room", "walls"), self._cache)
        centre = self._place_device(trial)
        placed = [
            self._place(trial, room, source, centre, centre + microphones)
            for source in spec.sources
            if source.kind == "media"
        ]
        playing = {one.spec.name: _play(trial, one.spec) for one in placed}
        field = [
            Component(OverlapSave(one.responses[:channels], playing[one.spec.name].read).read)
            for one in placed
        ]
        levels: dict[str, float] = {}
        for source in spec.sources:
            if source.kind == "noise":
                rms_pa = _noise_level(trial, source, placed, levels)
                field.append(_diffuse(trial, source, centre + microphones, room, channels, rms_pa))

        def facts() -> CaptureFacts:
            return _facts(trial, room, placed, playing, levels)

        return SimulatedSession(
            rate_hz=rate_hz,
            channels=channels,
            samples=round(spec.duration_s * rate_hz),
            block=max(1, round(self._block_s * rate_hz)),
            streams=tuple(name for name in RENDERED if name in needs),
            field=field,
            microphones=Microphone(spec.device.audible, channels, trial.rng("microphones")),
            facts=facts,
        )

    def _place_device(self, trial: Trial) -> NDArray[np.float64]:
        reach = [s.distance_m for s in trial.spec.sources if s.kind == "media" and s.distance_m is not None]
        rng = trial.rng("placement", "device")
        return place_device(trial.spec.placement, trial.spec.room.size_m, rng, max(reach, default=0.0))

    def _place(
        self, trial: Trial, room: CalibratedRoom, source: MediaSpec, centre: NDArray, microphones: NDArray
    ) -> _Placed:
        position = place_source(
            room.size_m,
            centre,
            trial.rng("placement", source.name),
            distance_m=source.distance_m,
            position_m=source.position_m,
            rule=source.rule,
            height=source.height,
            name=f"sources.{source.name}",
        )
        seed = trial.seed_of("placement", source.name, "late")
        rate_hz = trial.spec.device.audible.rate_hz
        responses = impulse_responses(room, position, microphones, rate_hz, seed, self._cache)
        delay_s = float(np.linalg.norm(position - microphones[0])) / room.climate.speed_m_s
        return _Placed(source, responses, delay_s)


def _channels(trial: Trial, needs: Mapping[str, StreamNeed]) -> int:
    device = trial.spec.device
    for name in needs:
        if name not in RENDERED:
            raise BadInput(
                f"{trial.scenario_id}: a detector wants {name}; this bench renders {', '.join(RENDERED)}"
            )
    need = needs.get(AUDIBLE, StreamNeed((device.audible.rate_hz,)))
    if device.audible.rate_hz not in need.rates_hz:
        raise BadInput(
            f"{trial.scenario_id}: device {device.id} has audible.rate_hz = {device.audible.rate_hz}, "
            f"the build wants {' or '.join(map(str, need.rates_hz))}"
        )
    available = len(device.microphones_m)
    if need.channels is not None and need.channels > available:
        raise BadInput(
            f"{trial.scenario_id}: device {device.id} has {available} microphones, the build listens to {need.channels}"
        )
    return available if need.channels is None else need.channels


def _play(trial: Trial, source: MediaSpec) -> MediaStream:
    return open_media(
        source,
        seed=trial.seed_of("sources", source.name, "media"),
        rate_hz=trial.spec.device.audible.rate_hz,
        duration_s=trial.spec.duration_s,
        split=trial.spec.split,
    )


def _diffuse(
    trial: Trial, source: NoiseSpec, microphones: NDArray, room: CalibratedRoom, channels: int, rms_pa: float
) -> Component:
    """A diffuse field at all microphones; the first `channels` rows of it."""
    rate_hz = trial.spec.device.audible.rate_hz
    noise = NoiseStream(
        source,
        channels=len(microphones),
        seed=trial.seed_of("sources", source.name, "noise"),
        rate_hz=rate_hz,
        split=trial.spec.split,
    )
    field = DiffuseField(microphones, rate_hz, room.climate.speed_m_s, noise.read)
    return Component(lambda n: field.read(n)[:channels], rms_pa)


def _noise_level(trial: Trial, source: NoiseSpec, placed: list[_Placed], levels: dict[str, float]) -> float:
    """RMS pressure of a noise in Pa, 50 Hz-7 kHz; what it was set against is added to `levels`."""
    if source.level_db_spl is not None:
        rms_pa = float(pa_from_db_spl(source.level_db_spl))
    else:
        target = _relative_to(trial, source, placed)
        event = _event_rms(trial, target)
        if event <= 0.0:
            raise BadInput(
                f"{trial.scenario_id}: sources.{source.name}.snr_db: {target.spec.name} is silent, there is no SNR to it"
            )
        levels[f"{target.spec.name}_db_spl"] = float(db_spl_from_pa(event))
        rms_pa = event * 10.0 ** (-source.snr_db / 20.0)
    levels[f"{source.name}_db_spl"] = float(db_spl_from_pa(rms_pa))
    return rms_pa


def _relative_to(trial: Trial, source: NoiseSpec, placed: list[_Placed]) -> _Placed:
    for one in placed:
        if source.relative_to in (None, one.spec.name):
            return one
    names = ", ".join(one.spec.name for one in placed) or "none"
    raise BadInput(
        f"{trial.scenario_id}: sources.{source.name}.relative_to = {source.relative_to!r}: media sources are {names}"
    )


def _event_rms(trial: Trial, one: _Placed) -> float:
    """RMS of the event at the reference microphone while active: the marked part, else the first seconds heard.

    The source is played once more from its seed, so nothing of the trial itself is used up.
    """
    rate_hz = trial.spec.device.audible.rate_hz
    media = _play(trial, one.spec)
    heard = OverlapSave(one.responses[:1], media.read)
    mark = one.spec.watermark
    start_s, end_s = one.spec.start_s, one.spec.start_s + LEVELLING_S
    if mark is not None and mark.start_s is not None:
        end_s = mark.start_s + mark.duration_s
    audio = heard.read(round((min(end_s, trial.spec.duration_s) + one.delay_s) * rate_hz))[0]
    if media.truth:
        start_s, end_s = media.truth[0].onset_s, media.truth[0].offset_s
    first, last = (round((at_s + one.delay_s) * rate_hz) for at_s in (start_s, end_s))
    return active_rms(audio[first:last], rate_hz)


def _facts(
    trial: Trial,
    room: CalibratedRoom,
    placed: list[_Placed],
    playing: Mapping[str, MediaStream],
    levels: Mapping[str, float],
) -> CaptureFacts:
    truth, segments, measured = [], [], dict(levels)
    for one in placed:
        media = playing[one.spec.name]
        for event in media.truth:
            truth.append(
                replace(event, onset_s=event.onset_s + one.delay_s, offset_s=event.offset_s + one.delay_s)
            )
        segments += [MediaSegment(**asdict(segment)) for segment in media.segments]
        measured |= media.measured
    clusters = {"room": room.id}
    if placed:
        clusters["recording"] = playing[placed[0].spec.name].cluster
    return CaptureFacts(
        truth=tuple(sorted(truth, key=lambda event: event.onset_s)),
        duration_s=trial.spec.duration_s,
        distinct_s=trial.spec.duration_s,
        clusters=clusters,
        segments=tuple(segments),
        measured=measured,
        invalid=_audible_mark(measured),
    )


def _audible_mark(measured: Mapping[str, float]) -> str | None:
    """A mark that people would hear proves nothing, however well it is detected."""
    ratio = measured.get("noise_to_mask_db")
    if ratio is None or ratio <= MOST_NOISE_TO_MASK_DB:
        return None
    return f"watermark is audible: noise-to-mask ratio above {MOST_NOISE_TO_MASK_DB:g} dB"
