"""What may sound in a scene: families of things, how often each is drawn, and their parameters.

Names of families are those of what is heard. A family is an event of its label, something that is taken for one, or neither. Parameters of
struck and broken things come from the strips of their ranges that the split owns (`lab.sources.draws`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Keys = dict[str, Any]
EUROPEAN = ("bs5839_evacuate", "bs5839_alert", "din33404", "nen2575", "nfs32001", "ss031711", "as2220")
PANES = ("single", "tempered", "laminated", "double")
OBJECTS = (
    "ceramic_break",
    "ceramic",
    "keys",
    "cutlery",
    "glassware",
    "metal",
    "plastic",
    "wood",
    "mail_slot",
)
KITCHEN = ("microwave", "oven", "dishwasher", "coffee_maker", "washer", "timer", "icu_monitor")
TONES = ("notification", "notification", "ringtone", "phone_bell", "doorbell")
GOINGS_ON = ("kitchen", "kitchen", "vacuum", "fan", "rain", "conversation", "television")
ANY_CARRIER = 0.4  # share of standard alarms whose carrier is none of the usual ones
CARRIER_HZ = (460.0, 4000.0)


@dataclass(frozen=True)
class Family:
    """share: weight among all as the first thing of a scene. label: of its event, None for none. tonal: heard well below the noise.
    struck: blows and what breaks. recorded: labels of the corpus that are of its kind. keys: of its source, drawn."""

    share: float
    label: str | None
    keys: Callable[[np.random.Generator], Keys]
    tonal: bool = False
    struck: bool = False
    recorded: tuple[str, ...] = ()


def _any(rng: np.random.Generator, options: tuple) -> Any:
    return options[int(rng.integers(len(options)))]


def _through(rng: np.random.Generator) -> str:
    return str(rng.choice(("air", "open_door", "closed_door"), p=(0.65, 0.2, 0.15)))


def _sounding(rng: np.random.Generator) -> Keys:
    """Some alarms are heard from the first pulse on, others are under way."""
    joined = rng.random() < 0.3
    return {
        "sounding_for_s": float(rng.uniform(0.0, 300.0)) if joined else 0.0,
        "lasts_s": float(rng.uniform(6.0, 30.0)),
    }


def _t3(rng: np.random.Generator) -> Keys:
    """A rhythm is an alarm whatever its pitch: sounders differ by country and make."""
    keys = {"kind": "alarm", "sounder": "square" if rng.random() < 0.35 else "piezo", **_sounding(rng)}
    if rng.random() < ANY_CARRIER:
        keys["carrier_hz"] = float(np.exp(rng.uniform(*np.log(CARRIER_HZ))))
    return keys


def _t4(rng: np.random.Generator) -> Keys:
    return {"pattern": "t4", **_t3(rng)}


def _legacy(rng: np.random.Generator) -> Keys:
    pattern = str(rng.choice(("irregular", "endless", "european"), p=(0.35, 0.4, 0.25)))
    if pattern == "european":
        return {"kind": "alarm", "pattern": _any(rng, EUROPEAN), **_sounding(rng)}
    return {"pattern": pattern, **_t3(rng)}


def _chirp(rng: np.random.Generator) -> Keys:
    return {"kind": "alarm", "pattern": _any(rng, ("low_battery", "end_of_life")), "lasts_s": 30.0}


def _kitchen(rng: np.random.Generator) -> Keys:
    return {"kind": "appliance", "appliance": _any(rng, KITCHEN)}


def _endless(rng: np.random.Generator) -> Keys:
    return {"kind": "appliance", "appliance": _any(rng, ("reversing_beeper", "endless_beeper"))}


def _tv_alarm(rng: np.random.Generator) -> Keys:
    return {
        "kind": "tv_alarm",
        "lead_s": float(rng.uniform(0.0, 3.0)),
        "alarm_s": float(rng.uniform(4.0, 14.0)),
        "programme": _any(rng, ("speech", "music", "both")),
    }


def _glass(rng: np.random.Generator) -> Keys:
    return {"kind": "glass", "pane": _any(rng, PANES), "through": _through(rng)}


def _glass_hit(rng: np.random.Generator) -> Keys:
    return {**_glass(rng), "breaks": False}


def _impact(rng: np.random.Generator) -> Keys:
    return {"kind": "impact", "object": _any(rng, OBJECTS), "through": _through(rng)}


def _steps(rng: np.random.Generator) -> Keys:
    return {"kind": "footsteps", "through": _through(rng)}


def _door(action: str) -> Callable[[np.random.Generator], Keys]:
    return lambda rng: {"kind": "door", "action": action, "through": _through(rng)}


def _goes_on(*sounds: str) -> Callable[[np.random.Generator], Keys]:
    return lambda rng: {
        "kind": "background",
        "sound": _any(rng, sounds),
        "lasts_s": float(rng.uniform(2.0, 15.0)),
        "through": _through(rng),
    }


def _media(rng: np.random.Generator) -> Keys:
    return {"kind": "media", "level_db_spl": 60.0, "classes": [_any(rng, ("speech", "music"))]}


FAMILIES: Mapping[str, Family] = {
    "t3": Family(0.085, "smoke_alarm", _t3, True),
    "t4": Family(0.075, "co_alarm", _t4, True),
    "legacy": Family(0.075, "legacy_smoke_alarm", _legacy, True),
    "chirp": Family(0.02, "appliance_beep", _chirp, True),
    "kitchen": Family(0.075, "appliance_beep", _kitchen, True),
    "endless": Family(0.045, "appliance_beep", _endless, True),
    "notification": Family(
        0.06, None, lambda rng: {"kind": "notification", "tone": _any(rng, TONES)}, True, ("notification",)
    ),
    "tv_alarm": Family(0.02, None, _tv_alarm, True),
    "bird": Family(0.02, None, lambda rng: {"kind": "birdsong", "lasts_s": 12.0}, True, ("esc10/rooster",)),
    "beep_music": Family(0.025, None, lambda rng: {"kind": "beep_music", "lasts_s": 15.0}, True),
    "glass": Family(0.12, "glass_break", _glass, struck=True, recorded=("glass_break",)),
    "glass_hit": Family(0.05, None, _glass_hit, struck=True, recorded=("glass_impact",)),
    "impact": Family(
        0.11, None, _impact, struck=True, recorded=("impact", "ceramic_break", "ceramic_impact")
    ),
    "steps": Family(0.105, "footsteps", _steps, struck=True, recorded=("footsteps",)),
    "door_close": Family(0.095, "door_close", _door("close"), struck=True, recorded=("door_close",)),
    "door_knock": Family(0.04, "door_knock", _door("knock"), struck=True, recorded=("door_knock",)),
    "door_open": Family(0.04, None, _door("open"), struck=True, recorded=("door_open",)),
    "dog": Family(0.035, None, _goes_on("dog"), recorded=("esc10/dog_bark",)),
    "baby": Family(0.03, None, _goes_on("baby"), recorded=("esc10/baby_cry",)),
    "goes_on": Family(0.03, None, _goes_on(*GOINGS_ON)),
    "media": Family(
        0.03, None, _media,
        recorded=(
            "esc10/person_sneeze", "esc10/clock_tick", "esc10/chainsaw",
            "speech_wakeword", "speech", "ambient", "car_alarm",
        ),
    ),
}  # fmt: skip


def draw_families(rng: np.random.Generator, clutter: bool) -> list[str]:
    """The things of one scene: one, often some more; none now and then. clutter: only what bears no label."""
    names = [name for name, one in FAMILIES.items() if not (clutter and one.label)]
    share = np.array([FAMILIES[name].share for name in names])
    if rng.random() < (0.25 if clutter else 0.06):
        return []
    count = 1 + min(3, int(rng.poisson(1.5 if clutter else 0.8)))
    return [str(name) for name in rng.choice(names, count, p=share / share.sum())]
