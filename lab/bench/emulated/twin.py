"""The room twin: what loudspeakers are fed becomes sound pressure at the device, as in the room of a trial.

    playback (full scale) -> Pa at 1 m -> impulse responses of the trial's room -> + diffuse noise -> Pa

An alarm needs no loudspeaker: it sounds, where the scenario has it, while its relay is closed.

The responses are those of the simulated bench, at the rate of the sound card. Sound comes FRAME samples late, as
through a converter: a twin cannot hear what has not been played yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.cache import DiskCache
from lab.acoustics.convolve import FrameFilter
from lab.bench.emulated.wiring import Loudspeaker
from lab.bench.simulated.placed import Standing
from lab.bench.simulated.scene import PlacedSource, Scene
from lab.bench.simulated.session import Component
from lab.errors import BadInput
from lab.scenario.trial import Trial
from lab.sources.alarms import AlarmSpec
from lab.sources.catalogue import SourceStream

FRAME = 1024


class SwitchedAlarm:
    """An alarm that begins anew each time it is switched on. start: its audio in Pa at 1 m. responses: (M, taps).

    Any thread may switch; what is heard changes with the next block.
    """

    def __init__(self, start: Callable[[], SourceStream], responses: NDArray[np.float32]) -> None:
        self._start, self._filter = start, FrameFilter(responses[:, None], FRAME)
        self._stream: SourceStream | None = None

    def switch(self, on: bool) -> None:
        self._stream = self._start() if on else None

    def hear(self, samples: int) -> NDArray[np.float32]:
        """The next samples at the microphones, (M, samples) in Pa."""
        stream = self._stream
        audio = np.zeros(samples, np.float32) if stream is None else stream.read(samples)
        return self._filter.process(audio[None])


class RoomTwin:
    """responses: Pa at M microphones for a sample of 1.0 on K loudspeakers, (M, K, taps). noises: added to them. alarms: sound while switched
    on."""

    def __init__(
        self,
        responses: NDArray[np.float32],
        noises: Sequence[Component] = (),
        frame: int = FRAME,
        alarms: Sequence[SwitchedAlarm] = (),
    ) -> None:
        self.microphones = len(responses)
        self._filter = FrameFilter(responses, frame)
        self._noises, self._alarms = tuple(noises), tuple(alarms)

    @property
    def latency(self) -> int:
        """Samples by which sound comes later than in the room itself."""
        return self._filter.latency

    def hear(self, playback: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples, (K, n) full scale in, (M, n) Pa out; any n."""
        pressure = self._filter.process(playback)
        for noise in self._noises:
            pressure += np.float32(noise.gain) * noise.read(pressure.shape[1])
        for one in self._alarms:
            pressure += one.hear(pressure.shape[1])
        return pressure

    def alarm(self, on: bool) -> None:
        """Switch the alarms of the room on or off."""
        for one in self._alarms:
            one.switch(on)


def free_field(loudspeakers: Sequence[Loudspeaker], microphones: int) -> RoomTwin:
    """No room: every microphone hears every loudspeaker from 1 m, at once."""
    gains = np.array([one.pa for one in loudspeakers], np.float32)
    return RoomTwin(np.broadcast_to(gains[None, :, None], (microphones, len(gains), 1)))


def room_of(
    trial: Trial,
    loudspeakers: Sequence[Loudspeaker],
    plays: Mapping[str, int] | None,
    rate_hz: int,
    cache: DiskCache | None = None,
    corpus: Path | None = None,
) -> RoomTwin:
    """The room of a trial, with its media where they stand.

    plays: source -> connector of its loudspeaker; None takes the media in order, connector after connector. A noise
    with a connector is what comes from there, alike at all microphones and with no response of the room (its level at
    1 m is its level at the device); the others sound of themselves, diffuse, at the level of the trial.
    cache: of rooms and responses, None for the user's. corpus: recordings, for the level of a noise given by SNR.
    Raises BadInput for media without a loudspeaker, and as `Scene` does.
    """
    scene = Scene(trial, cache if cache is not None else DiskCache(), corpus, rate_hz)
    alarms = [one for one in scene.placed if isinstance(one.spec, AlarmSpec)]
    media = [one.spec.name for one in scene.placed if one not in alarms]
    if plays is None:
        plays = dict(zip(media, (one.channel for one in loudspeakers), strict=False))
    columns = _columns(trial, loudspeakers, plays, media)
    standing = {one.spec.name: _responses(trial, one) for one in scene.placed if one not in alarms}
    taps = max((one.shape[1] for one in standing.values()), default=1)
    responses = np.zeros((len(scene.microphones), len(loudspeakers), taps), np.float32)
    for name, heard in standing.items():
        column = columns[name]
        responses[:, column, : heard.shape[1]] = heard * loudspeakers[column].pa
    if not columns:
        # Nothing of the trial is played, but pilots are: from 1 m, as where no trial is placed.
        responses[:, 0, 0] = loudspeakers[0].pa
    noises = []
    for source in trial.spec.sources:
        if source.kind != "noise":
            continue
        if source.name in columns:
            column = columns[source.name]
            responses[:, column, 0] += loudspeakers[column].pa
        else:
            noises.append(Component(scene.diffuse(source).read, scene.noise_rms_pa(source)))
    switched = [
        SwitchedAlarm(
            partial(scene.play, one.spec.model_copy(update={"start_s": 0.0})), _responses(trial, one)
        )
        for one in alarms
    ]
    return RoomTwin(responses, noises, alarms=switched)


def _responses(trial: Trial, one: PlacedSource) -> NDArray[np.float32]:
    if not isinstance(one.where, Standing):
        raise BadInput(
            f"{trial.scenario_id}: sources.{one.spec.name}: moves; a loudspeaker on a bench stands still"
        )
    return one.where.responses


def _columns(
    trial: Trial, loudspeakers: Sequence[Loudspeaker], plays: Mapping[str, int], media: Sequence[str]
) -> dict[str, int]:
    """Which loudspeaker, by position, is which source."""
    by_channel = {one.channel: column for column, one in enumerate(loudspeakers)}
    known = [source.name for source in trial.spec.sources]
    columns: dict[str, int] = {}
    for name, channel in plays.items():
        if name not in known:
            raise BadInput(f"{trial.scenario_id}: no source {name!r} to play; there are: {', '.join(known)}")
        if channel not in by_channel:
            listed = ", ".join(map(str, by_channel))
            raise BadInput(
                f"{trial.scenario_id}: sources.{name}: no loudspeaker on channel {channel}; there are: {listed}"
            )
        if by_channel[channel] in columns.values():
            raise BadInput(
                f"{trial.scenario_id}: sources.{name}: channel {channel} plays another source already, "
                "and one loudspeaker stands in one place"
            )
        columns[name] = by_channel[channel]
    for name in media:
        if name not in columns:
            raise BadInput(
                f"{trial.scenario_id}: sources.{name}: no loudspeaker plays it; "
                f"there are {len(loudspeakers)}, for {', '.join(columns) or 'no source'}"
            )
    return columns
