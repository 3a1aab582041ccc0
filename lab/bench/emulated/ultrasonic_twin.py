"""The room twin above hearing: what the device's loudspeaker is fed becomes what its microphones deliver, echo of the stage included.

    playback (full scale) -> carrier, envelope -> static field + echo of what the stage carries -> microphones, converter
                         \\-> below 19 kHz: straight to the microphones, so that pilots are heard

The scene is the simulated bench's of the same trial: room, walls, unit, air and noise are its own. Only what is emitted and where the
stage stands is real: samples that were played, positions that an emulated stage drove through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from lab.acoustics.cache import DiskCache
from lab.acoustics.converter import full_scale_pa
from lab.acoustics.ultrasonic.filters import low_pass
from lab.acoustics.ultrasonic.passband import Passband
from lab.bench.emulated.tone_ear import LOWEST_HZ, ToneEar
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.ultrasound import UltrasonicScene
from lab.errors import BadInput
from lab.movers.linear_stage import LinearStage
from lab.scenario.trial import Trial

FRAME_S = 0.01
AUDIBLE_HZ = 19_000.0
AUDIBLE_TAPS = 128
# Renderers ask for poses this far ahead at most; so much later than the stage moves, its echo does.
BEHIND_S = 0.6
WARM_UP_S = 1.0  # of silence, for what is computed or compiled at first use

Array = NDArray[np.float64]


class UltrasonicTwin:
    """One trial's room. stage_m: moments of the trial, counted from the first sample, to distances; None where nothing moves.

    `hear` answers as many samples as it is given, `latency` samples late. Raises BadInput for a device or a trial it cannot render.
    """

    def __init__(
        self,
        trial: Trial,
        loudspeaker: Loudspeaker,
        microphones: Sequence[TestMicrophone],
        rate_hz: int,
        stage_m: Callable[[Array], Array] | None = None,
        cache: DiskCache | None = None,
    ) -> None:
        device = trial.spec.device.ultrasonic
        if device is None or device.rate_hz != rate_hz:
            has = "none" if device is None else f"{device.rate_hz} Hz"
            raise BadInput(
                f"{trial.scenario_id}: device {trial.spec.device.id}: ultrasonic.rate_hz: {rate_hz} is needed, it has {has}"
            )
        if device.carrier_band_hz[0] < LOWEST_HZ:
            raise BadInput(
                f"{trial.scenario_id}: device {trial.spec.device.id}: ultrasonic.carrier_band_hz: from {LOWEST_HZ:g} Hz up here"
            )
        scene = Scene(trial, cache if cache is not None else DiskCache(), None)
        wired = max(one.microphone for one in microphones)
        if wired > len(scene.microphones):
            raise BadInput(
                f"{trial.scenario_id}: device {trial.spec.device.id} has {len(scene.microphones)} microphones, "
                f"the bench has one wired at number {wired}"
            )
        self._world = UltrasonicScene(scene, wired, device.baseband_rate_hz)
        if stage_m is not None:
            for mover in self._world.scene.movers:
                if isinstance(mover, LinearStage):
                    mover.follow(stage_m)
        self._ear = ToneEar(rate_hz, self._world.rate_hz, loudspeaker.pa)
        self._world.emitter = self._ear
        self._converter = Passband(
            device, self._world.unit, self._world.rate_hz, trial.rng("ultrasound", "converter"), rate_hz
        )
        self._frame = round(FRAME_S * rate_hz)
        self.latency = self._frame + self._ear.latency + self._converter.latency
        self._direct = _Direct(
            scene.microphones[:wired] - scene.loudspeaker,
            trial.spec.room.climate.speed_m_s,
            rate_hz,
            loudspeaker.pa,
            self._ear.latency,
        )
        # Samples of the device's converter as the bench's inputs would have them.
        gains = [full_scale_pa(device) / one.pa for one in microphones]
        self._gains = np.array(gains, np.float32)[:, None]
        self._taps = [one.microphone - 1 for one in microphones]
        self._waiting = np.zeros(0, np.float32)
        self._ready = np.zeros((len(microphones), self._frame), np.float32)

    def hear(self, playback: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples, (1, n) full scale in, (inputs of the bench, n) full scale out; any n."""
        self._waiting = np.concatenate([self._waiting, playback[0]])
        parts = [self._ready]
        while len(self._waiting) >= self._frame:
            parts.append(self._render(self._waiting[: self._frame]))
            self._waiting = self._waiting[self._frame :]
        joined = np.concatenate(parts, axis=1)
        self._ready = joined[:, playback.shape[1] :]
        return joined[:, : playback.shape[1]]

    def _render(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = np.zeros_like(frame) if self._ear.hear(frame) else frame
        count = len(frame) // self._ear.ratio
        pcm = self._converter.process(count, self._world.read(count), self._direct.read(sound))
        return self._gains * pcm[self._taps]


class _Direct:
    """What is sound, straight from the loudspeaker to the microphones: ray_m (M, 3). late: samples of delay to the tone's."""

    def __init__(self, ray_m: Array, speed_m_s: float, rate_hz: int, pa: float, late: int) -> None:
        distance = np.linalg.norm(ray_m, axis=1)
        h = low_pass(rate_hz, AUDIBLE_HZ, LOWEST_HZ, AUDIBLE_TAPS, 85.0)
        delay = late - AUDIBLE_TAPS // 2 + np.rint(distance / speed_m_s * rate_hz).astype(int)
        self._filters = np.zeros((len(ray_m), AUDIBLE_TAPS + int(delay.max())))
        for row, at, way in zip(self._filters, delay, distance, strict=True):
            row[at : at + AUDIBLE_TAPS] = h * pa / way
        self._history = np.zeros(self._filters.shape[1] - 1)

    def read(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        """(M, n) in Pa."""
        whole = np.concatenate([self._history, frame])
        self._history = whole[len(frame) :]
        if not whole.any():
            return np.zeros((len(self._filters), len(frame)), np.float32)
        heard = scipy.signal.oaconvolve(whole[None], self._filters, mode="valid", axes=1)
        return heard.astype(np.float32)


def warmed_up(
    make: Callable[[], UltrasonicTwin], rate_hz: int, carrier_hz: float = 34_000.0
) -> UltrasonicTwin:
    """A twin made anew after another has rendered a tone: the sound card does not wait for a compiler."""
    twin = make()
    tone = np.cos(2.0 * np.pi * carrier_hz / rate_hz * np.arange(round(WARM_UP_S * rate_hz)))
    twin.hear(np.float32(1e-3) * tone[None].astype(np.float32))
    return make()
