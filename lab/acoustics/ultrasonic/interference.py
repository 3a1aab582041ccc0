"""What else sounds above hearing: another device's tone, a pest repeller, and hiss of dryers, paper and keys.

    tone at f:   y_m(t) = sqrt(2) p sum_j h_mj(f) exp(j 2 pi (f - f0) t),   h as in the static field, j the images of m
    sweep:       the same with the phase of the sweep at t - r_mj / c, over at most one reflection
    hiss:        white in the scene's band, E|y|^2 = 2 N rate with N in Pa^2/Hz; the direct part is one noise with the phase
                 of each microphone's distance, the echoes (as strong as the images) are independent among microphones

Envelopes are relative to the carrier f0 of the stage and in Pa (peak), as in `emission`. Levels of hiss are those of a third
octave at the device; 84 dB at 40 kHz was measured at a hand dryer (Fletcher et al., JASA 144, 2554, 2018).
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.placement import Point, place_source
from lab.acoustics.ultrasonic.stage import Stage
from lab.errors import BadInput
from lab.spec import Spec

Envelope = NDArray[np.complex128]
FRAMES_PER_S = 10
THIRD_OCTAVE = 2.0 ** (1.0 / 6.0) - 2.0 ** (-1.0 / 6.0)
RAMP_S = 0.03
CLICK_S = 0.002  # in which a click of keys dies away by 8.7 dB
CLICKS_PER_S = 40.0
BAND = (0.40, 0.48)  # of the scene's rate: where a sweep fades out before it would alias


class InterfererSpec(Spec):
    """Where and when. Exactly one of position_m (3,) and distance_m (0.2 to 30, from the device's centre).

    start_s, stop_s: of the trial, from 0; without a stop it goes on to the end.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    position_m: Point | None = None
    distance_m: float | None = Field(None, ge=0.2, le=30.0)
    start_s: float = Field(0.0, ge=0.0)
    stop_s: float | None = Field(None, gt=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.position_m is None) == (self.distance_m is None):
            raise ValueError("exactly one of position_m, distance_m")
        if self.stop_s is not None and self.stop_s <= self.start_s:
            raise ValueError(f"stop_s = {self.stop_s:g} must be later than start_s = {self.start_s:g}")
        return self


class SecondDeviceSpec(InterfererSpec):
    """Another device like this one. offset_hz: of its tone from ours, -500 to 500 (20 ppm of 34 kHz are 0.7 Hz).

    level_db_spl: RMS at 1 m, 40 to 110.
    """

    kind: Literal["second_device"]
    offset_hz: float = Field(0.7, ge=-500.0, le=500.0)
    level_db_spl: float = Field(85.0, ge=40.0, le=110.0)


class PestRepellerSpec(InterfererSpec):
    """A tone that sweeps up and down. low_hz, high_hz: 18 to 90 kHz. sweep_s: up and down again, 0.02 to 60.

    level_db_spl: RMS at 1 m, 40 to 130.
    """

    kind: Literal["pest_repeller"]
    low_hz: float = Field(25_000.0, ge=18_000.0, le=90_000.0)
    high_hz: float = Field(45_000.0, ge=18_000.0, le=90_000.0)
    sweep_s: float = Field(2.0, ge=0.02, le=60.0)
    level_db_spl: float = Field(105.0, ge=40.0, le=130.0)

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        if self.high_hz <= self.low_hz:
            raise ValueError(f"high_hz = {self.high_hz:g} must be above low_hz = {self.low_hz:g}")
        return self


class HissSpec(InterfererSpec):
    """Air that hisses, paper that tears. level_db_spl: of a third octave at the carrier, at the device, 0 to 110.

    burst_s: mean length of a burst, 0.02 to 600. gap_s: mean pause, 0 to 86400 (0: it never stops).
    """

    kind: Literal["hiss"]
    level_db_spl: float = Field(60.0, ge=0.0, le=110.0)
    burst_s: float = Field(10.0, ge=0.02, le=600.0)
    gap_s: float = Field(0.0, ge=0.0, le=86_400.0)


class KeysSpec(InterfererSpec):
    """A bunch of keys that jingles. level_db_spl: of a click's start, third octave, at the device, 0 to 110.

    burst_s: mean length of a jingle, 0.1 to 60. gap_s: mean pause, 0.1 to 86400.
    """

    kind: Literal["keys"]
    level_db_spl: float = Field(60.0, ge=0.0, le=110.0)
    burst_s: float = Field(1.5, ge=0.1, le=60.0)
    gap_s: float = Field(60.0, ge=0.1, le=86_400.0)


AnyInterfererSpec = Annotated[
    SecondDeviceSpec | PestRepellerSpec | HissSpec | KeysSpec, Field(discriminator="kind")
]


class Interferer(Protocol):
    def read(self, samples: int) -> Envelope:
        """The next samples at the microphones, Pa relative to the stage's carrier, (M, samples); any cuts, same bits."""


def make_interferer(
    spec: SecondDeviceSpec | PestRepellerSpec | HissSpec | KeysSpec,
    stage: Stage,
    device_m: ArrayLike,
    rate_hz: int,
    rng: np.random.Generator,
) -> Interferer:
    """An interferer in this room, as heard around the stage's carrier.

    device_m: (3,), its centre. rate_hz: of the scene, a multiple of FRAMES_PER_S for hiss and keys. Raises BadInput for a
    place outside the room, a tone that the rate cannot hold and another rate.
    """
    key = f"interferers.{spec.name}"
    place = place_source(
        stage.size_m, device_m, rng, distance_m=spec.distance_m, position_m=spec.position_m, name=key
    )
    if isinstance(spec, SecondDeviceSpec):
        if abs(spec.offset_hz) > BAND[0] * rate_hz:
            raise BadInput(
                f"{key}.offset_hz = {spec.offset_hz:g}: at most {BAND[0] * rate_hz:g} Hz at {rate_hz} Hz"
            )
        return _Tone(spec, stage, place, rate_hz, rng)
    if isinstance(spec, PestRepellerSpec):
        return _Sweep(spec, stage, place, rate_hz, rng)
    if rate_hz % FRAMES_PER_S:
        raise BadInput(f"{key}: rate_hz = {rate_hz} must be a multiple of {FRAMES_PER_S}")
    return _Hiss(spec, stage, place, rate_hz, rng)


def ways(stage: Stage, place: NDArray, order: int, offset_hz: float = 0.0) -> tuple[NDArray, Envelope]:
    """Lengths (M, N) and transfers of unit pressure at 1 m over at most so many reflections."""
    ends, carrier = stage.receivers, stage.carrier
    used = ends.order <= order
    length = np.maximum(np.linalg.norm(ends.position_m[:, used] - place, axis=-1), 0.01)
    wavenumber = carrier.wavenumber * (1.0 + offset_hz / carrier.frequency_hz)
    decay = carrier.absorption_np_m + 1j * wavenumber
    heard = ends.towards(place - ends.position_m)[:, used]
    return length, heard * ends.weight[:, used] * np.exp(-decay * length) / length


class _Timed:
    """Counts samples; knows when the interferer is switched on."""

    def __init__(self, spec: InterfererSpec, rate_hz: int) -> None:
        self._rate = rate_hz
        self._position = 0
        self._start = spec.start_s
        self._stop = math.inf if spec.stop_s is None else spec.stop_s

    def _next(self, samples: int) -> NDArray[np.float64]:
        time = np.arange(self._position, self._position + samples) / self._rate
        self._position += samples
        return time

    def _on(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """0 to 1, raised cosine within start and stop; a tone that is on at 0 is on from before."""
        since = (
            np.full_like(time, 1.0)
            if self._start == 0.0
            else np.clip((time - self._start) / RAMP_S, 0.0, 1.0)
        )
        return 0.5 - 0.5 * np.cos(np.pi * np.minimum(since, np.clip((self._stop - time) / RAMP_S, 0.0, 1.0)))


class _Tone(_Timed):
    def __init__(
        self, spec: SecondDeviceSpec, stage: Stage, place: NDArray, rate_hz: int, rng: np.random.Generator
    ) -> None:
        super().__init__(spec, rate_hz)
        _, transfer = ways(stage, place, 99, spec.offset_hz)
        pressure = math.sqrt(2.0) * float(pa_from_db_spl(spec.level_db_spl))
        self._at = pressure * transfer.sum(axis=1) * np.exp(2j * np.pi * rng.random())
        self._offset = spec.offset_hz

    def read(self, samples: int) -> Envelope:
        time = self._next(samples)
        turn = np.exp(2j * np.pi * np.mod(self._offset * time, 1.0))
        return self._at[:, None] * (self._on(time) * turn)


class _Sweep(_Timed):
    def __init__(
        self, spec: PestRepellerSpec, stage: Stage, place: NDArray, rate_hz: int, rng: np.random.Generator
    ) -> None:
        super().__init__(spec, rate_hz)
        length, transfer = ways(stage, place, 1)
        pressure = math.sqrt(2.0) * float(pa_from_db_spl(spec.level_db_spl))
        self._delay = length / stage.carrier.speed_m_s
        self._size = pressure * np.abs(transfer)
        self._low, self._high, self._period = spec.low_hz, spec.high_hz, spec.sweep_s
        self._carrier = stage.carrier.frequency_hz
        self._ahead = spec.sweep_s * rng.random()

    def read(self, samples: int) -> Envelope:
        time = self._next(samples)
        out = np.zeros((len(self._size), samples), np.complex128)
        on = self._on(time)
        # Whole turns go before differences are taken, so hours do not eat the digits.
        carried = np.mod(self._carrier * time, 1.0)
        for channel, (delays, sizes) in enumerate(zip(self._delay, self._size, strict=True)):
            for delay, size in zip(delays, sizes, strict=True):
                gain = on * self._gain(time - delay)
                heard = np.flatnonzero(gain)
                turns = self._turns(time[heard] - delay) - carried[heard]
                out[channel, heard] += size * gain[heard] * np.exp(2j * np.pi * turns)
        return out

    def _gain(self, time: NDArray) -> NDArray:
        """1 in the scene's band, 0 outside."""
        apart = np.abs(self._frequency(time) - self._carrier) / self._rate
        return 0.5 + 0.5 * np.cos(np.pi * np.clip((apart - BAND[0]) / (BAND[1] - BAND[0]), 0.0, 1.0))

    def _frequency(self, time: NDArray) -> NDArray:
        part = np.mod((time + self._ahead) / self._period, 1.0)
        return self._low + (self._high - self._low) * (1.0 - np.abs(2.0 * part - 1.0))

    def _turns(self, time: NDArray) -> NDArray:
        """Integral of the frequency."""
        whole, part = np.divmod((time + self._ahead) / self._period, 1.0)
        span, down = self._high - self._low, np.maximum(part - 0.5, 0.0)
        sweep = self._low * part + span * (part**2 - 2.0 * down**2)
        earlier = np.mod(whole * (self._period * (self._low + self._high) / 2.0), 1.0)
        return np.mod(earlier + self._period * sweep, 1.0)


class _Hiss(_Timed):
    """Noise under a gate, made in frames of a tenth of a second; frames without a burst cost and draw nothing."""

    def __init__(
        self, spec: HissSpec | KeysSpec, stage: Stage, place: NDArray, rate_hz: int, rng: np.random.Generator
    ) -> None:
        super().__init__(spec, rate_hz)
        times, self._noise = rng.spawn(2)
        clicks = isinstance(spec, KeysSpec)
        self._gate = _Clicks(spec, times) if clicks else _Bursts(spec, times)
        _, transfer = ways(stage, place, 99)
        direct, echoes = transfer[:, 0], np.sqrt(np.sum(np.abs(transfer[:, 1:]) ** 2, axis=1))
        total = math.sqrt(float(np.mean(np.abs(direct) ** 2 + echoes**2)))
        third = THIRD_OCTAVE * stage.carrier.frequency_hz
        density = float(pa_from_db_spl(spec.level_db_spl)) / math.sqrt(third)
        scale = math.sqrt(2.0 * rate_hz) * density / total
        self._direct, self._echoes = (scale * direct)[:, None], (scale * echoes)[:, None]
        self._frame = np.zeros((len(direct), 0), np.complex128)
        self._used = 0

    def read(self, samples: int) -> Envelope:
        out = np.empty((len(self._direct), samples), np.complex128)
        done = 0
        while done < samples:
            if self._used == self._frame.shape[1]:
                self._frame, self._used = self._make(), 0
            take = min(samples - done, self._frame.shape[1] - self._used)
            out[:, done : done + take] = self._frame[:, self._used : self._used + take]
            done += take
            self._used += take
        return out

    def _make(self) -> Envelope:
        time = self._next(self._rate // FRAMES_PER_S)
        gate = self._gate.over(time)
        if gate is None:
            return np.zeros((len(self._direct), len(time)), np.complex128)
        parts = self._noise.standard_normal((len(self._direct) + 1, 2, len(time))) * math.sqrt(0.5)
        noise = parts[:, 0] + 1j * parts[:, 1]
        return (self._on(time) * gate) * (self._direct * noise[0] + self._echoes * noise[1:])


class _Bursts:
    """On and off by chance: raised-cosine edges."""

    def __init__(self, spec: HissSpec | KeysSpec, rng: np.random.Generator) -> None:
        self._rng = rng
        self._burst, self._gap = spec.burst_s, spec.gap_s
        self._begin = spec.start_s + (rng.exponential(spec.gap_s) if spec.gap_s > 0.0 else 0.0)
        self._end = self._begin + self._length()

    def over(self, time: NDArray[np.float64]) -> NDArray[np.float64] | None:
        gate = None
        while self._begin < time[-1]:
            edge = min(RAMP_S, 0.25 * (self._end - self._begin)) if math.isfinite(self._end) else RAMP_S
            inside = np.clip(np.minimum(time - self._begin, self._end - time) / edge, 0.0, 1.0)
            gate = (0.0 if gate is None else gate) + 0.5 - 0.5 * np.cos(np.pi * inside)
            if self._end > time[-1]:
                break
            self._begin = self._end + self._rng.exponential(self._gap)
            self._end = self._begin + self._length()
        return gate

    def _length(self) -> float:
        return math.inf if self._gap == 0.0 else self._burst * self._rng.uniform(0.5, 1.5)


class _Clicks:
    """Jingles of clicks, each of which dies away."""

    def __init__(self, spec: KeysSpec, rng: np.random.Generator) -> None:
        self._rng = rng
        self._spec = spec
        self._begin = spec.start_s + rng.exponential(spec.gap_s)
        self._alive: list[tuple[float, float]] = []
        self._draw()

    def over(self, time: NDArray[np.float64]) -> NDArray[np.float64] | None:
        while self._begin < time[-1]:
            self._draw()
        self._alive = [click for click in self._alive if click[0] > time[0] - 20.0 * CLICK_S]
        gate = None
        for begin, size in self._alive:
            if begin < time[-1]:
                since = time - begin
                click = np.where(since >= 0.0, size * np.exp(-np.maximum(since, 0.0) / CLICK_S), 0.0)
                gate = click if gate is None else gate + click
        return gate

    def _draw(self) -> None:
        """The clicks of the next jingle; the one after it begins later than its last click."""
        length = self._spec.burst_s * self._rng.uniform(0.5, 1.5)
        count = self._rng.poisson(CLICKS_PER_S * length)
        begin = self._begin + np.sort(self._rng.uniform(0.0, length, count))
        size = 10.0 ** (self._rng.uniform(-12.0, 0.0, count) / 20.0)
        self._alive += list(zip(begin.tolist(), size.tolist(), strict=True))
        self._begin += length + self._rng.exponential(self._spec.gap_s)
