"""The bench in which the air is computed: from a trial to a session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detectors.interface import AUDIBLE, PLAYBACK, StreamNeed
from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import OverlapSave
from lab.acoustics.microphone import Microphone
from lab.bench.protocol import Origin
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.session import Component, SimulatedSession
from lab.errors import BadInput
from lab.scenario.trial import Trial

RENDERED = (AUDIBLE, PLAYBACK)
# Nothing a device emits is heard in the audible stream, so blocks may be long; other streams will need 50 ms.
BLOCK_S = 1.0


class SimulatedBench:
    """Opens trials of scenes in which nothing moves.

    cache: of rooms and responses, None for the user's. corpus: folder of recordings, None for the user's cache.
    block_s: length of a block.
    """

    origin = Origin.SIMULATED

    def __init__(
        self, cache: DiskCache | None = None, corpus: Path | None = None, block_s: float = BLOCK_S
    ) -> None:
        self._cache = cache if cache is not None else DiskCache()
        self._corpus = corpus
        self._block_s = block_s

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> SimulatedSession:
        """Prepare a trial; deterministic.

        Raises BadInput for a stream this bench does not render, a rate the device does not have, or a room in
        which the scene does not fit.
        """
        channels = _channels(trial, needs)
        scene = Scene(trial, self._cache, self._corpus)
        playing = {one.spec.name: scene.play(one.spec) for one in scene.media}
        field = [
            Component(OverlapSave(one.responses[:channels], playing[one.spec.name].read).read)
            for one in scene.media
        ]
        for source in trial.spec.sources:
            if source.kind == "noise":
                field.append(
                    _first(channels, Component(scene.diffuse(source).read, scene.noise_rms_pa(source)))
                )
        rate_hz = scene.rate_hz
        return SimulatedSession(
            rate_hz=rate_hz,
            channels=channels,
            samples=round(trial.spec.duration_s * rate_hz),
            block=max(1, round(self._block_s * rate_hz)),
            streams=tuple(name for name in RENDERED if name in needs),
            field=field,
            microphones=Microphone(trial.spec.device.audible, channels, trial.rng("microphones")),
            facts=lambda: scene.facts(playing),
        )


def _first(channels: int, whole: Component) -> Component:
    """The first channels of a component that is only right when all are rendered together."""
    return Component(lambda n: whole.read(n)[:channels], whole.gain)


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
            f"{trial.scenario_id}: device {device.id} has {available} microphones, "
            f"the build listens to {need.channels}"
        )
    return available if need.channels is None else need.channels
