"""What the device plays while it listens: heard, felt by the cone, and known to the stack."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.loudspeaker import Loudspeaker
from lab.sources.catalogue import SourceStream

# The level at 1 m of a sine that just fills the `playback` stream.
FULL_SCALE_DB_SPL = 110.0
CONE_RATE_HZ = 16_000
WANTED, DISPLACEMENT, PRESSURE, GAIN = range(4)


class Playback:
    """One loudspeaker, read by several at their own pace; each reader gets every sample once.

    media: in Pa at 1 m, at rate_hz, 16 or 48 kHz. Blocks of any length give the same samples.
    """

    def __init__(self, media: SourceStream, rate_hz: int, loudspeaker: Loudspeaker) -> None:
        self.rate_hz = rate_hz
        self._media, self._loudspeaker = media, loudspeaker
        self._held = np.zeros((4, 0))
        self._first = 0
        self._cursors: list[int] = []

    def cone(self) -> Callable[[int], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """A reader at CONE_RATE_HZ: displacement in m and gain of the limiter, (n,) each.

        Displacement falls by 12 dB an octave, so nothing to speak of folds when every third sample is taken.
        """
        read, step = self._reader(), self.rate_hz // CONE_RATE_HZ

        def cone(samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            played = read(samples * step)[:, ::step]
            return played[DISPLACEMENT], played[GAIN]

        return cone

    def pressure(self) -> Callable[[int], NDArray[np.float32]]:
        """A reader of the pressure at 1 m in Pa, (n,)."""
        read = self._reader()
        return lambda samples: read(samples)[PRESSURE].astype(np.float32)

    def signal(self) -> Callable[[int], NDArray[np.float32]]:
        """A reader of what is sent to the loudspeaker, full scale +/-1, (n,)."""
        read, full = self._reader(), np.sqrt(2.0) * float(pa_from_db_spl(FULL_SCALE_DB_SPL))
        return lambda samples: np.clip(read(samples)[WANTED] / full, -1.0, 1.0).astype(np.float32)

    def _reader(self) -> Callable[[int], NDArray[np.float64]]:
        index = len(self._cursors)
        self._cursors.append(self._first)

        def read(samples: int) -> NDArray[np.float64]:
            begin = self._cursors[index]
            self._reach(begin + samples)
            part = self._held[:, begin - self._first : begin - self._first + samples]
            self._cursors[index] += samples
            self._forget()
            return part

        return read

    def _reach(self, position: int) -> None:
        missing = position - self._first - self._held.shape[1]
        if missing <= 0:
            return
        wanted = self._media.read(missing).astype(np.float64)
        played = self._loudspeaker.play(wanted)
        fresh = np.stack([wanted, played.displacement_m, played.pressure_pa, played.limiter_gain])
        self._held = np.concatenate([self._held, fresh], axis=1)

    def _forget(self) -> None:
        passed = min(self._cursors) - self._first
        if passed > 0:
            self._held = self._held[:, passed:]
            self._first += passed
