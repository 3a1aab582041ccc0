"""The virtual device: ears in a room twin, the stack of a build, a console. No hardware, and no thread of its own audio.

bench plays -> `hear` (audio thread): room twin -> pressure -> bench's microphones
                                               \\-> queue -> `work`: converter, stack -> console
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.build import Build
from detectors.stack import Stack
from lab.acoustics.cache import DiskCache
from lab.acoustics.microphone import Microphone
from lab.bench.emulated.listener import Listener, channels_wanted, usual_converter
from lab.bench.emulated.twin import free_field, room_of
from lab.bench.emulated.wiring import Wiring
from lab.errors import BadInput
from lab.scenario.trial import Trial
from rigs.emulators.device import DeviceEmulator, Firmware

BACKLOG_S = 60.0  # of sound that the stack may lag behind before the device loses some
VERSION = "1.0.0"


class VirtualDevice:
    """Until a trial is placed, it hears the loudspeakers from 1 m in a free field.

    console: what a pty serves. cache: of rooms, None for the user's. corpus: folder of recordings.
    Raises BadInput when the build wants what the device does not hear.
    """

    def __init__(
        self,
        build: Build,
        wiring: Wiring,
        *,
        version: str = VERSION,
        cache: DiskCache | None = None,
        corpus: Path | None = None,
    ) -> None:
        self.build, self.wiring = build, wiring
        self._cache, self._corpus = cache, corpus
        self._news = threading.Condition()
        self._listening = threading.Lock()  # held by whoever uses or changes the listener
        self._queue: deque[NDArray[np.float32] | int] = deque()
        self._queued = self._heard = self._worked = 0  # samples at the sound card's rate
        self.lost_samples = 0
        self._closing = self._restart = self._alarm = False
        self._amplified = True
        self._worker: threading.Thread | None = None
        stack = Stack(build)
        self._needs = stack.needs
        thresholds = {label: build[detector].threshold for detector, label in stack.labels}
        self.console = DeviceEmulator(
            Firmware(version, build.id, build.hash, thresholds),
            clock=lambda: self._heard / wiring.rate_hz,
            on_reset=self._reset,
        )
        self._converter, channels = usual_converter(self._needs)
        wired = max(one.microphone for one in wiring.microphones)
        self._twin = free_field(wiring.loudspeakers, max(channels, wired))
        self._channels = channels
        self._gains = np.array([[1.0 / one.pa] for one in wiring.microphones], np.float32)
        self._taps = [one.microphone - 1 for one in wiring.microphones]
        self._listener = self._new_listener()
        # What compiles on first use does so before the device says that it is ready.
        self._new_listener().skip(wiring.rate_hz)

    # Sound

    def hear(self, playback: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the loudspeakers are fed, (K, n); answers what the bench's microphones record of it, (T, n).

        Only this is called by the audio thread; it never waits for the stack.
        """
        pressure = self._twin.hear(playback if self._amplified else np.zeros_like(playback))
        n = pressure.shape[1]
        with self._news:
            self._heard += n
            if not self.console.powered:
                self._put(-n)
            elif self._queued > BACKLOG_S * self.wiring.rate_hz:
                self.lost_samples += n
                self._put(n)
            else:
                self._put(pressure)
            self._queued += n
            self._news.notify()
        return self._gains * pressure[self._taps]

    def work(self, timeout_s: float = 0.0) -> bool:
        """Let the stack listen to what was heard, all that waits; False when nothing came in `timeout_s`."""
        with self._news:
            if not self._news.wait_for(lambda: self._queue or self._closing, timeout_s):
                return False
            waiting, self._queue, self._queued = self._queue, deque(), 0
        for sound in waiting:
            with self._listening:
                if self._restart:
                    self._restart = False
                    self._listener = self._new_listener()
                self._listen(sound)
        return True

    def start(self) -> None:
        """Work in a thread until `close`."""
        self._worker = threading.Thread(target=self._go, name="stack", daemon=True)
        self._worker.start()

    def close(self) -> None:
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._worker is not None:
            self._worker.join()

    @property
    def heard_s(self) -> float:
        return self._heard / self.wiring.rate_hz

    # What is done to it

    def place(self, trial: Trial, plays: Mapping[str, int] | None = None) -> None:
        """Put it into the room of a trial; in force when this returns, and the stack listens on.

        plays: source -> channel of its loudspeaker; see `twin.room_of`. Raises BadInput; then nothing changes.
        """
        spec = trial.spec.device
        wired = max(one.microphone for one in self.wiring.microphones)
        if wired > len(spec.microphones_m):
            raise BadInput(
                f"{trial.scenario_id}: device {spec.id} has {len(spec.microphones_m)} microphones, "
                f"the bench has one wired at number {wired}"
            )
        channels = channels_wanted(self._needs, len(spec.microphones_m))
        room = room_of(trial, self.wiring.loudspeakers, plays, self.wiring.rate_hz, self._cache, self._corpus)
        with self._listening:
            before = self._converter, self._channels
            self._converter, self._channels = spec.audible, channels
            try:
                if (spec.audible.rate_hz, channels) != (before[0].rate_hz, before[1]):
                    self._listener = self._new_listener()
            except BadInput:
                self._converter, self._channels = before
                raise
            self._listener.microphones = Microphone(spec.audible, channels, trial.rng("microphones"))
            room.alarm(self._alarm)
            self._twin = room

    def alarm(self, on: bool) -> None:
        """Let the alarm of the room sound from its beginning, or be silent; where the room has none, nothing."""
        self._alarm = on
        self._twin.alarm(on)

    def amplifier(self, on: bool) -> None:
        """Give the loudspeakers what is played, or nothing."""
        self._amplified = on

    def power(self, on: bool) -> None:
        """Cut or give power: without it the console is dead and nothing is listened to."""
        if on and not self.console.powered:
            self.console.power_on()
        elif not on:
            self.console.power_off()

    # How

    def _put(self, sound: NDArray[np.float32] | int) -> None:
        """Pressure to listen to, or how many samples were lost, or (below 0) passed without power."""
        last = self._queue[-1] if self._queue else None
        if isinstance(sound, int) and isinstance(last, int) and (sound < 0) == (last < 0):
            self._queue[-1] = last + sound
        else:
            self._queue.append(sound)

    def _listen(self, sound: NDArray[np.float32] | int) -> None:
        if isinstance(sound, int):
            self._worked += abs(sound)
            if sound > 0:
                self.console.log(f"ERR lost {sound} samples")
                self._listener.skip(sound)
            return
        # A larger device was just placed: its further microphones come with the next block.
        if len(sound) < self._channels:
            sound = np.pad(sound, ((0, self._channels - len(sound)), (0, 0)))
        self._listener.feed(sound[: self._channels])
        self._worked += sound.shape[1]

    def _new_listener(self) -> Listener:
        began_s = self._worked / self.wiring.rate_hz
        return Listener(
            self.build,
            self._converter,
            self._channels,
            self.wiring.rate_hz,
            self.console.thresholds,
            lambda label, score, at_s: self.console.report(label, score, began_s + at_s),
        )

    def _reset(self) -> None:
        """The console has booted: the stack starts over with what is heard from now on."""
        self._restart = True

    def _go(self) -> None:
        while not self._closing:
            self.work(timeout_s=1.0)
