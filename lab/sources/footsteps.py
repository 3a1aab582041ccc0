"""Someone walks: step after step, heel, sole and scuff, on a floor that answers.

Times of steps follow the gait: with R = v / leg, a step takes 0.673 / sqrt(R) s and reaches 0.673 sqrt(R) leg (half the cycle of Boulic,
Magnenat-Thalmann and Thalmann 1990); steps vary by some 3 %, left and right differ a little. In a step the heel lands, the sole 60-160 ms
later, more softly, then the shoe scuffs as it leaves (force curve of a step after P. R. Cook, Modeling Bill's Gait, 2002). A bare foot
is soft (2.5-8 ms of contact), a hard heel is not (0.25-1 ms); carpet softens all. The floor's resonances: joists and boards
70-900 Hz, laminate laid loose 100-1200 Hz, tiles hardly any, and there the shoe itself is heard.

Measured: 63 steps indoors are 30 dB down after 0.17 s, centroid 440 Hz; steps on bare floors alone have 8-25 % of their energy below 200 Hz and
nearly all the rest below 1 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.placement import FloorPath, Height
from lab.sources.draws import between, held_out, resonances
from lab.sources.modal import RATE_HZ, band_noise, mixed, strike
from lab.sources.placed import Name, PlacedSpec, Sound, SoundStream, check_place, starts
from lab.sources.struck import Struck, alike, lasting_s, pressure
from lab.sources.transmission import Through

LABEL = "footsteps"
LEG_M = 0.53  # share of the height
STEP_S = 0.35  # audio of one step
REST_S = 1.5  # between two steps of one walk, at most
Surface = Literal["wood", "laminate", "tile", "carpet"]
Shoe = Literal["barefoot", "sock", "trainer", "leather", "heel"]

# Resonances in Hz, decay in s, what is added to the time of contact in s, level in dB.
FLOORS: dict[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "wood": ((70.0, 900.0), (0.014, 0.040), 0.0, 2.0),
    "laminate": ((100.0, 1200.0), (0.010, 0.030), 0.0, 3.0),
    "tile": ((120.0, 1500.0), (0.005, 0.016), 0.0, 0.0),
    "carpet": ((60.0, 450.0), (0.010, 0.026), 3e-3, -8.0),
}
# Time of contact in s, share of the shoe's own click in the energy, level in dB SPL at 1 m at 1.3 m/s.
SHOES: dict[str, tuple[tuple[float, float], float, float]] = {
    "barefoot": ((2.5e-3, 8e-3), 0.0, 44.0),
    "sock": ((4e-3, 11e-3), 0.0, 40.0),
    "trainer": ((1.2e-3, 4.5e-3), 0.05, 49.0),
    "leather": ((0.6e-3, 2.0e-3), 0.15, 56.0),
    "heel": ((0.25e-3, 1.0e-3), 0.3, 61.0),
}


class FootstepsSpec(PlacedSpec):
    """Someone who walks about: one event `footsteps` from the first step to the end of the last.

    Where: on the spot (`distance_m`, `position_m`, `rule`), along `path_m`, points (x, y), each step heard from its place; steps
    outside the room come through the doorway next to them, open or closed. steps: 1-2000 in a walk, drawn from 6-16 where not given;
    with `path_m`, as many as lead along it; there_and_back: and back again, as often as `steps` asks for. Or of the walker that `of`
    names among the `[[movers]]`, whenever and wherever that one's heels land, with that one's height and speed; one event for each stretch without
    a rest of 1.5 s.
    speed_m_s: 0.4-2.4, drawn from 0.7-1.6; height_of_walker_m: 1.4-2.05. surface, shoe: drawn where not given. level_db_spl: RMS of a
    step while active at 1 m, 50 Hz-7 kHz; else by shoe (40-61), floor (-8 to +3), speed (24 dB a decade) and +/- 4 dB.
    through: a door on the way. A walk in a `schedule` begins only once the one before has ended.
    """

    kind: Literal["footsteps"]
    steps: int | None = Field(None, ge=1, le=2000)
    path_m: FloorPath | None = None
    there_and_back: bool = False
    of: Name | None = None
    speed_m_s: float | None = Field(None, ge=0.4, le=2.4)
    height: Height = "floor"
    height_of_walker_m: float | None = Field(None, ge=1.4, le=2.05)
    surface: Surface | None = None
    shoe: Shoe | None = None
    through: Through = "air"

    @model_validator(mode="after")
    def _stands_somewhere(self) -> Self:
        if self.moves is not None:
            raise ValueError("moves: a walker goes along path_m, step by step")
        check_place(self, "path_m", "of")
        if self.there_and_back and self.path_m is None:
            raise ValueError("there_and_back needs a path_m")
        if self.of is not None:
            for key in ("steps", "speed_m_s", "height_of_walker_m", "schedule"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key}: the walker that `of` names has its own")
        return self


@dataclass(frozen=True, eq=False)
class Walk:
    """One walk. steps: (n, 3), rows (time from its start in s, x, y in m); x and y are NaN where no path is given. feet: seed."""

    surface: str
    shoe: str
    speed_m_s: float
    level_db_spl: float
    steps: NDArray[np.float64]
    feet: int


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a trial. onset_s: rounded to a sample. place_m: (2,). pressure: in Pa at 1 m, what a way through leaves of it."""

    onset_s: float
    place_m: NDArray[np.float64]
    pressure: Callable[[Through], NDArray[np.float32]]


class Footsteps(SoundStream):
    """A source that walks. Where each step falls is known before it is heard."""

    def __init__(self, *args, begun: list[tuple[float, Walk]], split: str, **kwargs) -> None:
        self._begun, self._split = begun, split
        super().__init__(*args, **kwargs)

    def each(self) -> Iterator[Step]:
        """The steps of the trial one by one, in order, for who hears each from a place of its own."""
        for at_s, walk in self._begun:
            for index, (t, x, y) in enumerate(walk.steps):
                onset_s = round((at_s + float(t)) * self.rate_hz) / self.rate_hz
                if onset_s < self.samples / self.rate_hz:
                    heard = partial(self._pressure, walk, index)
                    yield Step(onset_s, np.array([x, y]), heard)

    def _pressure(self, walk: Walk, index: int, through: Through) -> NDArray[np.float32]:
        return step_pressure(walk, index, through, self.rate_hz, self._split)

    def steps(self) -> list[tuple[float, float, float]]:
        """All steps of the trial, (time in s, x, y in m); x and y are NaN for a walk on the spot of its source."""
        found = [(at + float(t), float(x), float(y)) for at, walk in self._begun for t, x, y in walk.steps]
        return [step for step in found if step[0] < self.samples / self.rate_hz]


def open_footsteps(
    spec: FootstepsSpec,
    *,
    seed: int,
    rate_hz: int,
    duration_s: float,
    split: str,
    falls: NDArray[np.float64] | None = None,
) -> Footsteps:
    """Start a walker for one trial. A pure function of its arguments.

    falls: when and where the feet of a spec with `of` land, (n, 3), rows (time in s, x, y in m).
    """
    begun: list[tuple[float, Walk]] = []
    free_s = 0.0
    if falls is not None:
        begun = _walks(draw_walk(spec, np.random.default_rng([seed, 1, 0]), split), falls, rate_hz)
    for index, at_s in enumerate(
        starts(spec, np.random.default_rng([seed, 0]), duration_s) if falls is None else ()
    ):
        if at_s >= free_s:
            walk = draw_walk(spec, np.random.default_rng([seed, 1, index]), split)
            begun.append((round(at_s * rate_hz) / rate_hz, walk))
            free_s = at_s + float(walk.steps[-1, 0]) + 2.0 * STEP_S

    def sounds() -> Iterator[Sound]:
        for at_s, walk in begun:
            for index, (t, _, _) in enumerate(walk.steps):
                audio = step_pressure(walk, index, spec.through, rate_hz, split)
                onset_s = round((at_s + t) * rate_hz) / rate_hz
                truth = ()
                if index == 0:
                    last = step_pressure(walk, len(walk.steps) - 1, spec.through, rate_hz, split)
                    end_s = round((at_s + walk.steps[-1, 0]) * rate_hz) / rate_hz + lasting_s(last, rate_hz)
                    truth = (Event(onset_s, end_s, LABEL),)
                yield Sound(onset_s, audio, truth)

    measured = {}
    if begun:
        first = begun[0][1]
        measured = {"level_db_spl": first.level_db_spl, "speed_m_s": first.speed_m_s}
    return Footsteps(
        spec.name,
        sounds(),
        rate_hz,
        duration_s,
        cluster=alike(spec, seed, split),
        measured=measured,
        begun=begun,
        split=split,
    )


def _walks(walk: Walk, falls: NDArray[np.float64], rate_hz: int) -> list[tuple[float, Walk]]:
    """The stretches of a walk between rests, each with the moment of its first step."""
    found = []
    for index, part in enumerate(np.split(falls, 1 + np.flatnonzero(np.diff(falls[:, 0]) > REST_S))):
        if len(part):
            at_s = round(float(part[0, 0]) * rate_hz) / rate_hz
            steps = part - np.array([at_s, 0.0, 0.0])
            found.append((at_s, replace(walk, steps=steps, feet=walk.feet + index)))
    return found


def step_time_s(speed_m_s: float, leg_m: float) -> float:
    """From step to step in s; a step reaches speed times that."""
    return 0.673 / math.sqrt(speed_m_s / leg_m)


def draw_walk(spec: FootstepsSpec, rng: np.random.Generator, split: str) -> Walk:
    """One walk, all drawn but its sound."""
    speed = held_out(rng, split, 0.7, 1.6)
    leg_m = LEG_M * held_out(rng, split, 1.5, 1.95, log=False)
    count = int(rng.integers(6, 17))
    surface, shoe = str(rng.choice(list(FLOORS))), str(rng.choice(list(SHOES)))
    random_db = float(rng.uniform(-4.0, 4.0))
    feet = int(rng.integers(2**63))
    speed = spec.speed_m_s or speed
    leg_m = LEG_M * spec.height_of_walker_m if spec.height_of_walker_m else leg_m
    surface, shoe = spec.surface or surface, spec.shoe or shoe
    level = spec.level_db_spl
    if level is None:
        level = SHOES[shoe][2] + FLOORS[surface][3] + 24.0 * math.log10(speed / 1.3) + random_db
        level = max(20.0, level)
    each_s = step_time_s(speed, leg_m)
    if spec.path_m is None:
        count = spec.steps or count
        places = np.full((count, 2), np.nan)
    else:
        places = _along(_course(spec, speed * each_s), speed * each_s)
        places = places[: spec.steps] if spec.steps else places
    count = len(places)
    limp = rng.uniform(-0.02, 0.02) * np.where(np.arange(count) % 2, 1.0, -1.0)
    times = each_s * np.cumsum(np.maximum(0.5, 1.0 + limp + 0.03 * rng.standard_normal(count)))
    return Walk(surface, shoe, speed, level, np.column_stack((times - times[0], places)), feet)


def _course(spec: FootstepsSpec, step_m: float) -> NDArray[np.float64]:
    """The points of a walk, (n, 2): its path, and back again where it says so, until there is room for its steps."""
    points = np.asarray(spec.path_m, dtype=np.float64)
    if not spec.there_and_back:
        return points
    rounds = math.ceil((spec.steps or 0) * step_m / (2.0 * np.hypot(*np.diff(points, axis=0).T).sum()))
    back = np.concatenate((points[1:], points[-2::-1]))
    return np.concatenate((points[:1], *[back] * max(1, rounds)))


def _along(points: NDArray[np.float64], step_m: float) -> NDArray[np.float64]:
    """Places of steps every `step_m` along a polyline, from its first point, (n, 2)."""
    far = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
    at = np.arange(0.0, far[-1] + 1e-9, step_m)
    return np.column_stack([np.interp(at, far, points[:, axis]) for axis in (0, 1)])


def step_pressure(walk: Walk, index: int, through: Through, rate_hz: int, split: str) -> NDArray[np.float32]:
    """Step `index` of a walk in Pa at 1 m, float32, shape (samples,). Steps of one walker are alike, never the same."""
    own = np.random.default_rng([walk.feet, 1 + index])
    jitter_db = float(np.clip(1.5 * own.standard_normal(), -4.0, 4.0))
    step = Struck(lambda: _step(walk, index % 2, own, split), walk.level_db_spl + jitter_db, None, through)
    return pressure(step, rate_hz)


def _step(walk: Walk, foot: int, own: np.random.Generator, split: str) -> NDArray[np.float64]:
    # What a walk keeps: the floor, the shoes, a little difference of left and right.
    kept = np.random.default_rng([walk.feet, 0])
    floor_hz, floor_tau, softer_s, _ = FLOORS[walk.surface]
    contact_s, click_share, _ = SHOES[walk.shoe]
    hz = resonances(kept, split, *floor_hz, 9)
    tau = np.array([between(kept, *floor_tau) for _ in hz]) * (150.0 / np.maximum(hz, 150.0)) ** 0.3
    gain = kept.standard_normal(9) * (hz / hz[0]) ** 1.0
    sole_hz = resonances(kept, split, 600.0, 4500.0, 5)
    sole_tau = np.array([between(kept, 0.8e-3, 5e-3) for _ in range(5)])
    contact = held_out(kept, split, *contact_s) * (1.0 + 0.1 * foot)
    roll_s = held_out(kept, split, 0.06, 0.13) * math.sqrt(1.3 / walk.speed_m_s)
    scuff_share = held_out(kept, split, 0.004, 0.08) * (0.3 if walk.surface == "carpet" else 1.0)

    body, click = np.zeros((2, round(STEP_S * RATE_HZ)))
    here = hz * math.exp(0.04 * own.standard_normal()), gain * (1.0 + 0.4 * own.standard_normal(9))
    softer = contact * math.exp(0.2 * own.standard_normal()) + softer_s
    toe = float(own.uniform(0.15, 0.5))
    for at_s, force, slower in ((0.0, 1.0, 1.0), (roll_s * float(own.uniform(0.85, 1.15)), toe, 1.8)):
        strike(body, at_s, slower * softer, here[0], tau, force * here[1])
        if walk.surface != "carpet":
            strike(click, at_s, 0.3e-3 * slower, sole_hz, sole_tau, force * own.standard_normal(5))
    n = round(0.12 * RATE_HZ)
    scuff = band_noise(own, n, (200.0, 800.0, 2500.0, 6000.0, 16_000.0), (-20.0, -6.0, 0.0, -6.0, -20.0))
    scuff *= np.hanning(n) * np.repeat(own.lognormal(0.0, 0.8, 1 + n // 96), 96)[:n]
    scuff = np.concatenate((np.zeros(round(0.4 * roll_s * RATE_HZ)), scuff))
    click_share = 0.0 if walk.surface == "carpet" else click_share * (2.0 if walk.surface == "tile" else 1.0)
    return mixed([(body, 1.0 - click_share - scuff_share), (click, click_share), (scuff, scuff_share)])
