"""The bench in which the air is computed: from a trial to a session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from detectors.interface import AUDIBLE, BASEBAND, PLAYBACK, ULTRASONIC, StreamFormat, StreamNeed
from lab.acoustics.cache import DiskCache
from lab.acoustics.microphone import Microphone
from lab.bench.protocol import CaptureFacts, Origin
from lab.bench.simulated.folding import FoldedTones
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.session import (
    AudibleStream,
    Component,
    PlaybackStream,
    RenderedStream,
    SimulatedSession,
)
from lab.bench.simulated.ultrasound import UltrasonicScene, channels_of, open_ultrasound
from lab.scenario.trial import Trial
from lab.sources.catalogue import SourceStream

# Nothing a device emits is heard in the audible stream, so without other streams blocks may be long.
BLOCK_S = 1.0
EMITTING_BLOCK_S = 0.05
CALM_BLOCK_S = 0.2  # while the emission stays what it is: no longer than sound cards take


class SimulatedBench:
    """Opens trials of computed rooms.

    cache: of rooms and responses, None for the user's. corpus: folder of recordings, None for the user's cache.
    block_s: length of a block; None for a second, or where the device hears what it emits for 50 ms, 200 ms while that stays the same.
    """

    origin = Origin.SIMULATED

    def __init__(
        self, cache: DiskCache | None = None, corpus: Path | None = None, block_s: float | None = None
    ) -> None:
        self._cache = cache if cache is not None else DiskCache()
        self._corpus = corpus
        self._block_s = block_s

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> SimulatedSession:
        """Prepare a trial; deterministic.

        Raises BadInput for a stream the device does not have, a rate it does not deliver, or a room in which the scene
        does not fit.
        """
        scene = Scene(trial, self._cache, self._corpus)
        # Each stream hears the sources for itself; facts come from one that was read to the end.
        playing = scene.start()
        streams: dict[str, RenderedStream] = {}
        world, rates = None, []
        if set(needs) & {ULTRASONIC, BASEBAND}:
            heard: dict[str, SourceStream] = {}

            def field(channels: int) -> tuple[Component, ...]:
                heard.update(scene.start(channels))
                return tuple(scene.field(heard, channels))

            world, streams = open_ultrasound(scene, needs, field)
            playing = heard
            rates = [world.rate_hz]
        if AUDIBLE in needs:
            playing, streams[AUDIBLE] = _audible(scene, needs[AUDIBLE], world)
        if PLAYBACK in needs:
            streams[PLAYBACK] = PlaybackStream(
                StreamFormat(scene.rate_hz, 1), scene.playback and scene.playback.signal()
            )
        rates += [stream.format.rate_hz for stream in streams.values()] or [scene.rate_hz]
        clock_hz = max(stream.format.rate_hz for stream in streams.values()) if streams else scene.rate_hz
        usual = (BLOCK_S, BLOCK_S) if world is None else (EMITTING_BLOCK_S, CALM_BLOCK_S)
        block_s, calm_s = usual if self._block_s is None else (self._block_s, self._block_s)
        # Every stream has a whole number of samples in every block.
        grain = clock_hz // math.gcd(*rates)
        return SimulatedSession(
            clock_hz=clock_hz,
            ticks=round(trial.spec.duration_s * clock_hz / grain) * grain,
            block=max(1, round(block_s * clock_hz / grain)) * grain,
            calm=max(1, round(calm_s * clock_hz / grain)) * grain,
            streams=streams,
            conclude=lambda: _facts(scene, playing, world),
            emit=None if world is None else world.emit,
        )


def _facts(scene: Scene, playing: Mapping[str, SourceStream], world: UltrasonicScene | None) -> CaptureFacts:
    if world is None:
        return scene.facts(playing)
    return scene.facts(playing, world.truth, world.emitter.facts())


def _audible(
    scene: Scene, need: StreamNeed, world: UltrasonicScene | None
) -> tuple[Mapping[str, SourceStream], AudibleStream]:
    trial = scene.trial
    rate_hz = trial.spec.device.audible.rate_hz
    channels = channels_of(trial, AUDIBLE, need, rate_hz)
    playing = scene.start(channels)
    field = scene.field(playing, channels)
    if world is not None:
        # The streams are read in the order in which they are kept: what is above hearing is told of before this one is read.
        folded = FoldedTones(rate_hz, world.rate_hz, channels, world.spec.unit.decimation_db)
        world.tell = folded.tell
        field.append(Component(folded.read))
    stream = AudibleStream(
        StreamFormat(rate_hz, channels),
        field,
        Microphone(trial.spec.device.audible, channels, trial.rng("microphones")),
    )
    return playing, stream
