"""A day at home: what sounds when, as the tables of `[[sources]]` that a scenario would list.

Every habit of a home is a Poisson process with a rate by day (7 to 23 h) and one by night, drawn by thinning (P. A. W. Lewis and
G. S. Shedler, Simulation of nonhomogeneous Poisson processes by thinning, 1979): moments at the larger rate, each kept with
the share that the rate then has of it. What lasts (a television, rain) begins only once it has ended, and may have begun before
the first moment. Each habit has a generator of its own, from the seed and its name: another habit, rate or place
changes nothing else. Rates are estimates for a household of two to three, written down here so that results can say
them; `busy` scales them all.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, StringConstraints, model_validator

from lab.errors import BadInput
from lab.sources.backgrounds import CLASSES
from lab.sources.library import PROCEDURAL
from lab.spec import Spec

MORNING_H, EVENING_H = 7.0, 23.0
LONGEST_S = 86_400.0
PLACES = (
    12  # where things happen in a room, at each height: of few, so that few responses of the room are needed
)
WALL_M = 0.3
APART_M = 0.5  # of a place from the device, as seen from above
THROUGH = (("air", 0.6), ("open_door", 0.25), ("closed_door", 0.15))
HEIGHTS_M = {"floor": (0.05, 0.05), "table": (0.75, 0.95), "door": (0.9, 1.2), "high": (1.2, 1.9)}
TRIES = 256
SHORTEST_S = 1.0  # of what lasts and began before, or goes on after the end


@dataclass(frozen=True)
class Habit:
    """Something that happens in a home. day_per_h, night_per_h: mean times an hour. keys: of its source. choices: keys that are drawn anew
    each time, with equal chance. at: height of its places. elsewhere: also happens in the next room, heard through its door.
    lasts_s: shortest and longest, of equal chance per octave; None for what is over when it has sounded.
    """

    day_per_h: float
    night_per_h: float
    keys: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    at: str = "table"
    elsewhere: bool = True
    lasts_s: tuple[float, float] | None = None

    def rate_per_h(self, hour: float) -> float:
        """At an hour of the day, 0 to 24."""
        return self.day_per_h if MORNING_H <= hour < EVENING_H else self.night_per_h


def _impact(thing: str, day_per_h: float, night_per_h: float = 0.0, at: str = "table") -> Habit:
    return Habit(day_per_h, night_per_h, {"kind": "impact", "object": thing}, at=at)


def _beeps(appliance: str, day_per_h: float, night_per_h: float = 0.0) -> Habit:
    return Habit(day_per_h, night_per_h, {"kind": "appliance", "appliance": appliance}, elsewhere=False)


def _lasting(
    sound: str, day_per_h: float, night_per_h: float, lasts_s: tuple[float, float], at: str = "table"
) -> Habit:
    return Habit(day_per_h, night_per_h, {"kind": "background", "sound": sound}, at=at, lasts_s=lasts_s)


HABITS: dict[str, Habit] = {
    "walk": Habit(10.0, 0.6, {"kind": "footsteps"}, at="floor"),
    "door_close": Habit(3.0, 0.15, {"kind": "door", "action": "close"}, at="door"),
    "door_open": Habit(3.0, 0.15, {"kind": "door", "action": "open"}, at="door"),
    "door_knock": Habit(0.1, 0.0, {"kind": "door", "action": "knock"}, at="door"),
    "crockery": _impact("ceramic", 3.0, 0.05),
    "crockery_breaks": _impact("ceramic_break", 0.01, at="floor"),
    "keys": _impact("keys", 0.4, 0.02),
    "cutlery": _impact("cutlery", 2.5, 0.02),
    "glasses": _impact("glassware", 1.5, 0.05),
    "pans": _impact("metal", 0.8, 0.0),
    "plastic": _impact("plastic", 2.0, 0.05),
    "furniture": _impact("wood", 3.0, 0.2, "floor"),
    "mail_slot": _impact("mail_slot", 0.06, at="door"),
    "window": Habit(0.05, 0.02, {"kind": "glass", "breaks": False}, {"pane": ("single", "double")}, "high"),
    "microwave": _beeps("microwave", 0.25, 0.01),
    "oven": _beeps("oven", 0.15),
    "dishwasher": _beeps("dishwasher", 0.06),
    "washer": _beeps("washer", 0.06),
    "coffee_maker": _beeps("coffee_maker", 0.15),
    "kitchen_timer": _beeps("timer", 0.1),
    "reversing_lorry": Habit(
        0.06,
        0.005,
        {"kind": "appliance", "appliance": "reversing_beeper", "lasts_s": 20.0},
        {"level_db_spl": (50.0, 60.0, 70.0)},  # what a window leaves of it
        at="high",
        elsewhere=False,
    ),
    "tired_alarm": Habit(
        0.01,
        0.01,
        {"kind": "alarm"},
        {"pattern": ("low_battery", "end_of_life")},
        at="high",
        lasts_s=(600.0, 3600.0),
    ),
    "telephone": Habit(
        1.5,
        0.05,
        {"kind": "notification"},
        {"tone": ("notification", "notification", "notification", "ringtone", "phone_bell")},
        elsewhere=False,
    ),
    "doorbell": Habit(0.08, 0.0, {"kind": "notification", "tone": "doorbell"}, at="high", elsewhere=False),
    "bird": Habit(0.4, 0.05, {"kind": "birdsong", "lasts_s": 40.0}, at="high", elsewhere=False),
    "film_alarm": Habit(0.01, 0.0, {"kind": "tv_alarm"}, at="high", elsewhere=False),
    "television": _lasting("television", 0.14, 0.03, (1200.0, 7200.0)),
    "conversation": _lasting("conversation", 0.8, 0.03, (30.0, 900.0), "high"),
    "music": _lasting("music", 0.1, 0.0, (600.0, 3600.0)),
    "beeps_in_music": Habit(0.05, 0.0, {"kind": "beep_music"}, elsewhere=False, lasts_s=(30.0, 300.0)),
    "cooking": _lasting("kitchen", 0.2, 0.0, (300.0, 1800.0)),
    "vacuum": _lasting("vacuum", 0.03, 0.0, (240.0, 1500.0), "floor"),
    "extractor": _lasting("fan", 0.15, 0.02, (300.0, 3600.0), "high"),
    "rain": _lasting("rain", 0.04, 0.04, (900.0, 7200.0), "high"),
    "dog": _lasting("dog", 0.5, 0.05, (2.0, 40.0), "floor"),
    "baby": _lasting("baby", 0.2, 0.2, (10.0, 240.0)),
}


class DaySpec(Spec):
    """A day at home beside the `[[sources]]`: everything in `HABITS`, at random moments, at twelve places of the room.

    begins_h: hour at which a trial begins, 0 to 24; left out, each trial begins where the one before it has ended and the first at
    midnight, so that trials of a cell make whole days. busy: all rates times this, up to 20. without: habits left out.
    corpus: of television, conversation, music, cooking, rain, dogs and babies, where it has them; `procedural` makes all by seed.
    """

    begins_h: float | None = Field(None, ge=0.0, lt=24.0)
    busy: float = Field(1.0, gt=0.0, le=20.0)
    without: Annotated[tuple[Literal[tuple(HABITS)], ...], Field(strict=False)] = ()
    corpus: Annotated[str, StringConstraints(min_length=1, max_length=500)] = PROCEDURAL

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if set(self.without) >= set(HABITS):
            raise ValueError("without: nothing would be left of the day")
        return self

    @property
    def habits(self) -> dict[str, Habit]:
        """Those that are left, with what they play."""
        left = {name: habit for name, habit in HABITS.items() if name not in self.without}
        return {
            name: replace(habit, keys={**habit.keys, "corpus": self.corpus})
            if habit.keys["kind"] == "background"
            else habit
            for name, habit in left.items()
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the corpus; empty where nothing of it is played."""
        if self.corpus == PROCEDURAL:
            return ()
        sounds = [habit.keys["sound"] for habit in self.habits.values() if habit.keys["kind"] == "background"]
        return tuple(sorted({name for sound in sounds for name in CLASSES.get(sound, ())}))

    def begins_at_h(self, trial: int, duration_s: float) -> float:
        """Hour at which trial number `trial` (from 0) of `duration_s` begins."""
        if self.begins_h is not None:
            return self.begins_h
        return (trial * duration_s / 3600.0) % 24.0


@dataclass(frozen=True)
class Occurrence:
    """Something that happened. at_s: since the day began. source: a table as in `[[sources]]`, with `start_s` = at_s."""

    at_s: float
    habit: str
    source: dict[str, Any]


def day_at_home(
    seed: int,
    size_m: ArrayLike,
    *,
    duration_s: float = LONGEST_S,
    begins_h: float = 0.0,
    busy: float = 1.0,
    habits: Mapping[str, Habit] = HABITS,
    device_m: ArrayLike | None = None,
    places_seed: int | None = None,
) -> tuple[Occurrence, ...]:
    """What happens in a home from `begins_h` o'clock on, in order; a pure function of its arguments.

    size_m: of the room, at least 1 m each way. duration_s: above 0, up to a day. begins_h: 0 to 24. busy: above 0, up to 20.
    device_m: (3,), nothing happens within half a metre of it. places_seed: of where things happen, None for `seed`. Raises BadInput for what is out of range.
    """
    for key, value, low, high in (
        ("duration_s", duration_s, 0.0, LONGEST_S),
        ("begins_h", begins_h, 0.0, 24.0),
        ("busy", busy, 0.0, 20.0),
    ):
        if not low <= value <= high or (value == 0.0 and key != "begins_h"):
            raise BadInput(f"{key} = {value:g}: {'above ' if key != 'begins_h' else ''}{low:g} to {high:g}")
    size = np.asarray(size_m, dtype=np.float64)
    if size.shape != (3,) or np.any(size < 1.0):
        raise BadInput(f"size_m = {size.tolist()}: three lengths of at least 1 m")
    where = seed if places_seed is None else places_seed
    spots = {at: _spots(where, at, size, device_m) for at in HEIGHTS_M}
    found = [
        occurrence
        for name, habit in habits.items()
        for occurrence in _happenings(seed, name, habit, spots[habit.at], duration_s, begins_h, busy)
    ]
    return tuple(sorted(found, key=lambda one: (one.at_s, one.habit)))


def _spots(seed: int, at: str, size: NDArray[np.float64], device_m: ArrayLike | None) -> NDArray[np.float64]:
    """Places of one height, (PLACES, 3), rounded to 1 cm; each height has the same ones on the floor plan."""
    heights = np.minimum(HEIGHTS_M[at], size[2] - WALL_M)
    z = np.random.default_rng([seed, 1, zlib.crc32(at.encode())]).uniform(*heights, PLACES)
    return np.round(np.column_stack((_plan(seed, size, device_m), z)), 2)


def _plan(seed: int, size: NDArray[np.float64], device_m: ArrayLike | None) -> NDArray[np.float64]:
    """Places on the floor plan, (PLACES, 2)."""
    rng = np.random.default_rng([seed, 0])
    low, high = np.full(2, WALL_M), size[:2] - WALL_M
    spots = rng.uniform(low, high, (PLACES, 2))
    if device_m is None:
        return spots
    device = np.asarray(device_m, dtype=np.float64)[:2]
    for _ in range(TRIES):
        near = np.linalg.norm(spots - device, axis=1) < APART_M
        if not near.any():
            return spots
        spots[near] = rng.uniform(low, high, (int(near.sum()), 2))
    raise BadInput(f"a room of {size[0]:g} x {size[1]:g} m leaves no place {APART_M:g} m from the device")


def _happenings(
    seed: int,
    name: str,
    habit: Habit,
    spots: NDArray[np.float64],
    duration_s: float,
    begins_h: float,
    busy: float,
) -> list[Occurrence]:
    most_per_h = max(habit.day_per_h, habit.night_per_h)
    if most_per_h <= 0.0:
        return []
    rng = np.random.default_rng([seed, 1, zlib.crc32(name.encode()), 0])
    found: list[Occurrence] = []
    at_s = 0.0 if habit.lasts_s is None else -habit.lasts_s[1]
    over_s = -math.inf
    while (at_s := at_s + float(rng.exponential(3600.0 / (busy * most_per_h)))) < duration_s:
        keep = rng.random() * most_per_h < habit.rate_per_h((begins_h + at_s / 3600.0) % 24.0)
        spot = int(rng.integers(PLACES))
        through = str(rng.choice([one for one, _ in THROUGH], p=[share for _, share in THROUGH]))
        drawn = {choice: values[int(rng.integers(len(values)))] for choice, values in habit.choices.items()}
        begin_s, end_s = at_s, at_s
        if habit.lasts_s is not None:
            end_s = at_s + math.exp(float(rng.uniform(*np.log(habit.lasts_s))))
            begin_s = max(0.0, at_s)
        if not keep or at_s < over_s:
            continue
        over_s = end_s
        if habit.lasts_s is not None:
            if end_s <= begin_s + SHORTEST_S:
                continue
            drawn["lasts_s"] = round(min(end_s, duration_s + SHORTEST_S) - begin_s, 3)
        source = {
            **habit.keys,
            **drawn,
            "name": f"{name}_{len(found):04d}",
            "position_m": spots[spot].tolist(),
            "start_s": round(begin_s, 3),
        }
        if habit.elsewhere:
            source["through"] = through
        found.append(Occurrence(source["start_s"], name, source))
    return found
