"""A day at home: what sounds when, as the tables of `[[sources]]` that a scenario would list.

Every habit of a home is a Poisson process with a rate by day (7 to 23 h) and one by night, drawn by thinning (P. A. W. Lewis and
G. S. Shedler, Simulation of nonhomogeneous Poisson processes by thinning, 1979): moments at the larger rate, each kept with
the share that the rate then has of it. Each habit has a generator of its own, from the seed and its name: another habit, rate or place
changes nothing else. Rates are estimates for a household of two to three, written down here so that results can say
them; `busy` scales them all.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.errors import BadInput

MORNING_H, EVENING_H = 7.0, 23.0
LONGEST_S = 86_400.0
PLACES = 12  # where things happen in a room: of few, so that few responses of the room are needed
WALL_M = 0.3
THROUGH = (("air", 0.6), ("open_door", 0.25), ("closed_door", 0.15))
HEIGHTS_M = {"floor": (0.05, 0.05), "table": (0.75, 0.95), "door": (0.9, 1.2), "high": (1.2, 1.9)}


@dataclass(frozen=True)
class Habit:
    """Something that happens in a home. day_per_h, night_per_h: mean times an hour. keys: of its source. choices: keys that are drawn anew
    each time, with equal chance. at: height of its places. elsewhere: also happens in the next room, heard through its door.
    """

    day_per_h: float
    night_per_h: float
    keys: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    at: str = "table"
    elsewhere: bool = True

    def rate_per_h(self, hour: float) -> float:
        """At an hour of the day, 0 to 24."""
        return self.day_per_h if MORNING_H <= hour < EVENING_H else self.night_per_h


def _impact(thing: str, day_per_h: float, night_per_h: float = 0.0, at: str = "table") -> Habit:
    return Habit(day_per_h, night_per_h, {"kind": "impact", "object": thing}, at=at)


def _beeps(appliance: str, day_per_h: float, night_per_h: float = 0.0) -> Habit:
    return Habit(day_per_h, night_per_h, {"kind": "appliance", "appliance": appliance}, elsewhere=False)


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
}


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
) -> tuple[Occurrence, ...]:
    """What happens in a home from `begins_h` o'clock on, in order; a pure function of its arguments.

    size_m: of the room, at least 1 m each way. duration_s: above 0, up to a day. begins_h: 0 to 24. busy: above 0, up to 20.
    Raises BadInput for what is out of range.
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
    spots = np.random.default_rng([seed, 0]).uniform(WALL_M, size[:2] - WALL_M, (PLACES, 2))
    found = [
        occurrence
        for name, habit in habits.items()
        for occurrence in _happenings(seed, name, habit, spots, size, duration_s, begins_h, busy)
    ]
    return tuple(sorted(found, key=lambda one: (one.at_s, one.habit)))


def _happenings(
    seed: int,
    name: str,
    habit: Habit,
    spots: NDArray[np.float64],
    size: NDArray[np.float64],
    duration_s: float,
    begins_h: float,
    busy: float,
) -> list[Occurrence]:
    key = [seed, 1, zlib.crc32(name.encode())]
    most_per_h = max(habit.day_per_h, habit.night_per_h)
    if most_per_h <= 0.0:
        return []
    rng = np.random.default_rng([*key, 0])
    low, high = HEIGHTS_M[habit.at]
    z = np.random.default_rng([*key, 1]).uniform(
        min(low, size[2] - WALL_M), min(high, size[2] - WALL_M), PLACES
    )
    found, at_s = [], 0.0
    while (at_s := at_s + float(rng.exponential(3600.0 / (busy * most_per_h)))) < duration_s:
        keep = rng.random() * most_per_h < habit.rate_per_h((begins_h + at_s / 3600.0) % 24.0)
        spot = int(rng.integers(PLACES))
        through = str(rng.choice([one for one, _ in THROUGH], p=[share for _, share in THROUGH]))
        drawn = {choice: values[int(rng.integers(len(values)))] for choice, values in habit.choices.items()}
        if not keep:
            continue
        place = (*spots[spot], z[spot])
        source = {
            **habit.keys,
            **drawn,
            "name": f"{name}_{len(found):04d}",
            "position_m": [round(float(axis), 2) for axis in place],
            "start_s": round(at_s, 3),
        }
        if habit.elsewhere:
            source["through"] = through
        found.append(Occurrence(source["start_s"], name, source))
    return found
