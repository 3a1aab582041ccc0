"""One tone in the room of a trial: what of it reaches the microphones, over walls and over all that moves.

    b_m(t) = static field of S(t) + sum over movers of g(t) E_m(t) S(t - tau),     S = emission x music's modulation

g is what walls and doorways leave of a mover outside, tau its way there and back. Where no music plays, S is a level and its
ramps; with music every path carries the cone's modulation, each microphone's direct path with a phase of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.echoes import open_echoes
from lab.acoustics.ultrasonic.passage import Opening, passage_gain
from lab.acoustics.ultrasonic.stage import Stage
from lab.acoustics.ultrasonic.static_field import StaticField
from lab.acoustics.ultrasonic.turbulence import AirSpec
from lab.movers.mover import Mover

Complex = NDArray[np.complex128]
KNOTS_HZ = 100  # how often it is asked where a mover is: whether still in the room, and how late its echo
MEMORY_S = 0.1  # by then an echo of the largest room is at home


@dataclass(frozen=True, eq=False)
class Tone:
    """A block of one emitted tone. pressure_pa: (n,), its envelope with what the cone does to every path but the direct ones;
    direct_pa: (M, n), what is to be added to the direct path of each microphone, None without music."""

    pressure_pa: Complex
    direct_pa: Complex | None


@dataclass(frozen=True, eq=False)
class Inside:
    """What tones of all carriers have in common. air_seed: of the turbulence, so that all tones meet the same air."""

    movers: Sequence[Mover]
    device_m: NDArray[np.float64]
    openings: tuple[Opening, ...]
    wall_loss_db: float
    air: AirSpec
    air_seed: int
    rate_hz: int


class ToneInRoom:
    """One carrier, from sample `start` of the trial on."""

    def __init__(self, stage: Stage, inside: Inside, start: int) -> None:
        self.stage, self._inside = stage, inside
        begin_s = start / inside.rate_hz
        blockers = [lambda t, m=mover: m.blockers(t + begin_s) for mover in inside.movers]
        air = np.random.default_rng(inside.air_seed)
        shakes = [
            lambda t, m=mover: m.device_shift_m(t + begin_s)
            for mover in inside.movers
            if hasattr(mover, "device_shift_m")
        ]
        self._static = StaticField(stage, inside.rate_hz, inside.air, air, blockers=blockers, shakes=shakes)
        self._echoes: list[_Moving] = []
        self._position = start
        # What was emitted, as far back as anything still comes from it.
        self._memory = max(self._static.memory, round(MEMORY_S * inside.rate_hz))
        self._before = np.zeros(self._memory, np.complex128)

    def read(self, tone: Tone) -> Complex | None:
        """(M, n); None while nothing of the tone is in the room."""
        samples = len(tone.pressure_pa)
        emitted = np.concatenate([self._before, tone.pressure_pa])
        self._before = emitted[samples:]
        heard = self._static.read(samples, tone.pressure_pa, tone.direct_pa)
        if not emitted.any():
            self._echoes = []
            self._position += samples
            return None
        if not self._echoes:
            opened = (
                _Moving(mover, self._inside, self.stage, self._position) for mover in self._inside.movers
            )
            self._echoes = [echo for echo in opened if echo.sounds]
        for echo in self._echoes:
            echo.add(heard, emitted, self._memory)
        self._position += samples
        return heard


class _Moving:
    """A mover's echo of what is emitted, from a moment of the trial on."""

    def __init__(self, mover: Mover, inside: Inside, stage: Stage, start: int) -> None:
        self._mover, self._inside, self._stage = mover, inside, stage
        self._echoes = open_echoes(mover, stage, inside.rate_hz, start / inside.rate_hz)
        self._position = start
        # Only what is large enough to shade a path goes through doors; the rest stays in the room.
        self._may_leave = mover.blockers(np.zeros(1)) is not None

    @property
    def sounds(self) -> bool:
        """Whether it has an echo at all: what shakes the device has none."""
        return bool(self._echoes)

    def add(self, heard: Complex, emitted: Complex, memory: int) -> None:
        """Add the echo to `heard` (M, n). emitted: (memory + n,), the tone until now."""
        samples = heard.shape[1]
        reached = emitted[memory:]
        steady = emitted[0] == emitted[-1] and not np.any(emitted != emitted[0])
        if self._may_leave or not steady:
            reached = self._reached(emitted, memory, samples, steady)
        elif samples:
            reached = reached[0]
        for echo in self._echoes:
            heard += echo.read(samples) * reached
        self._position += samples

    def _reached(self, emitted: Complex, memory: int, samples: int, steady: bool) -> Complex:
        """What of the tone comes back, (n,): late by the way there and back, less what walls keep."""
        # Knots stand on the trial's own clock, so that the cuts of a reader decide nothing.
        step = self._inside.rate_hz // KNOTS_HZ
        first = self._position // step
        knots = np.arange(first, (self._position + samples - 1) // step + 2)
        where = self._where(knots * step / self._inside.rate_hz)
        now = self._position + np.arange(samples)
        carrier = self._stage.carrier
        reached = emitted[memory:]
        if not steady:
            way_m = 2.0 * np.linalg.norm(where - self._inside.device_m, axis=1)
            lag = np.minimum(memory, np.rint(way_m / carrier.speed_m_s * self._inside.rate_hz)).astype(int)
            reached = emitted[memory + np.arange(samples) - lag[now // step - first]]
        if self._may_leave:
            gain = passage_gain(
                where,
                self._stage.size_m,
                self._inside.device_m,
                self._inside.openings,
                carrier.wavelength_m,
                self._inside.wall_loss_db,
            )
            if np.any(gain != 1.0):
                reached = reached * np.interp(now, knots * step, gain)
        return reached

    def _where(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """About where the mover is, (T, 3); never a point outside for one that has no body to shade with."""
        body = self._mover.blockers(time_s)
        if body is not None:
            foot, _, height_m = body
            return foot + np.array([0.0, 0.0, 0.6 * height_m])
        shape = self._mover.pose(time_s)[0]
        centre = shape.position_m if hasattr(shape, "position_m") else shape.centre_m
        return np.clip(centre.mean(axis=0), 0.0, self._stage.size_m)
