"""How well rhythms of alarms are told by pattern evidence alone: `python -m lab.training.sound_events.patterns`.

Alarms at every corner of their tolerance and what is taken for them, each in a room of the split, through the air or an open
door, under noise, speech or music; no network is asked. A pattern is found where its evidence reaches THRESHOLD. Only rooms and
draws of `train` and `tune` are heard here: figures to be published come from scenarios of split `test`.

SNR: `active_rms` of what is looked for over that of the background, both as they arrive, 50 Hz-7 kHz.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from pydantic import TypeAdapter

from detectors.sound_events.patterns import CO, HOP_S, LABELS, LEGACY, SMOKE, PatternEvidence
from detectors.sound_events.tones import HOP, RATE_HZ
from lab.sources.catalogue import SourceSpec, open_source
from lab.sources.loudness import active_rms
from lab.sources.musiclike import music_like
from lab.sources.noise import NoiseSpec, NoiseStream
from lab.sources.speechlike import speech_like
from lab.sources.transmission import transmission_filter
from lab.training.sound_events.rooms import SPLITS, Room, rooms

THRESHOLD = 0.0
CARRIERS_HZ = (520.0, 970.0, 2500.0, 3100.0, 3500.0, 3700.0)
CORNERS = tuple(product((0.9, 1.0, 1.1), repeat=3))  # of on, off and pause
PLACES = ("air", "open_door")
BACKGROUNDS = ("noise", "speech", "music")
GOINGS_ON = ("baby", "dog", "music", "television", "conversation", "kitchen")
LONG_S = 240.0  # longer than a group of four is remembered
START_S = (1.0, 5.0)
LEVEL_DBFS = (-60.0, -20.0)  # of the background
ROOMS_SEED = 6
_SPECS: TypeAdapter = TypeAdapter(SourceSpec)


@dataclass(frozen=True)
class Case:
    """row: of the table. keys: of the source. wanted: the label to be raised within `within_s` of its start, None: none.
    through, background: one of PLACES and BACKGROUNDS."""

    row: str
    keys: Mapping[str, Any]
    wanted: str | None
    within_s: float
    through: str
    background: str


@dataclass
class Row:
    """What became of the trials of one row. delay_s: of those found."""

    trials: int = 0
    found: int = 0
    raised: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LABELS, 0))
    delay_s: list[float] = field(default_factory=list)


def alarm_cases(kind: str, rng: np.random.Generator, times: int) -> Iterator[Case]:
    """Every corner, carrier and place `times` times. kind: `t3`, `t4`, or `t4_late`, joined when its pause is a minute."""
    on, off, pause = (0.5, 0.5, 1.5) if kind == "t3" else (0.1, 0.1, 5.0)
    label, within_s = {"t3": (SMOKE, 30.0), "t4": (CO, 40.0), "t4_late": (CO, 135.0)}[kind]
    for _, hz, through, corner in product(range(times), CARRIERS_HZ, PLACES, CORNERS):
        keys = {
            "kind": "alarm", "pattern": kind[:2], "carrier_hz": hz, "sounder": "square" if hz == 520.0 else "piezo",
            "on_s": on * corner[0], "off_s": off * corner[1], "pause_s": pause * corner[2], "lasts_s": within_s,
        }  # fmt: skip
        if kind == "t4_late":
            keys |= {"sounding_for_s": float(rng.uniform(320.0, 380.0)), "late_pause_s": 60.0 * corner[2]}
        yield Case(
            f"{kind} {hz:.0f} Hz {through}", keys, label, within_s, through, str(rng.choice(BACKGROUNDS))
        )


def other_cases(rng: np.random.Generator, times: int) -> Iterator[Case]:
    """Alarms without these rhythms and what is no alarm, 30 s each."""
    alarm, appliance = {"kind": "alarm", "lasts_s": 30.0}, {"kind": "appliance"}
    kinds: dict[str, tuple[dict[str, Any], str | None]] = {
        "irregular threes": (alarm | {"pattern": "irregular"}, LEGACY),
        "endless fast beeps": (alarm | {"pattern": "endless"}, LEGACY),
        "tv: T3 in speech or music": ({"kind": "tv_alarm", "alarm_s": 12.0, "programme": "both"}, None),
    }
    european = ("bs5839_evacuate", "bs5839_alert", "din33404", "nen2575", "nfs32001", "ss031711", "as2220")
    kinds |= {name: (alarm | {"pattern": name}, LEGACY) for name in european}
    for name in ("endless_beeper", "reversing_beeper"):
        kinds[name] = (appliance | {"appliance": name, "lasts_s": 30.0}, None)
    for name in ("microwave", "oven", "dishwasher", "coffee_maker", "washer", "timer", "icu_monitor"):
        kinds[name] = (appliance | {"appliance": name}, None)
    for name in ("notification", "ringtone", "phone_bell", "doorbell"):
        kinds[name] = ({"kind": "notification", "tone": name}, None)
    for name in ("low_battery", "end_of_life"):
        kinds[name] = (alarm | {"pattern": name}, None)
    for name in ("beep_music", "birdsong"):
        kinds[name] = ({"kind": name, "lasts_s": 30.0}, None)
    for name in ("speech", "music"):
        kinds[name] = ({"kind": "media", "level_db_spl": 60.0, "classes": [name]}, None)
    for row, (keys, label) in kinds.items():
        for _ in range(times):
            yield Case(row, keys, label, 30.0, str(rng.choice(PLACES)), str(rng.choice(BACKGROUNDS)))


def long_cases(rng: np.random.Generator, times: int) -> Iterator[Case]:
    """What goes on at home, LONG_S each: what chance makes of it that an alarm also does."""
    for sound, _ in product(GOINGS_ON, range(times)):
        keys = {"kind": "background", "sound": sound, "lasts_s": LONG_S}
        yield Case(f"goes on: {sound}", keys, None, LONG_S, str(rng.choice(PLACES)), "noise")


def heard(
    case: Case, split: str, snr_db: float, room: Room, rng: np.random.Generator
) -> tuple[NDArray, float]:
    """The trial at the microphone, float32 (samples,) at 16 kHz, and when its sound begins, in s."""
    start_s = float(rng.uniform(*START_S))
    seconds = start_s + case.within_s
    samples = round(seconds * RATE_HZ)
    spec = _SPECS.validate_python({**case.keys, "name": "sound", "distance_m": 1.0, "start_s": start_s})
    stream = open_source(
        spec, seed=int(rng.integers(2**31)), rate_hz=RATE_HZ, duration_s=seconds, split=split
    )
    dry = stream.read(samples)
    places = [room.responses[n] for n in rng.permutation(len(room.responses))]
    response = places[0]
    if case.through != "air":
        response = scipy.signal.oaconvolve(response, transmission_filter(case.through, RATE_HZ))
    sound = scipy.signal.oaconvolve(dry, response)[:samples]
    seed = int(rng.integers(2**31))
    if case.background == "noise":
        colour = str(rng.choice(("pink", "white")))
        noise = NoiseSpec(kind="noise", name="noise", colour=colour, level_db_spl=50.0)
        behind = NoiseStream(noise, channels=1, rate_hz=RATE_HZ, seed=seed, split=split).read(samples)[0]
    else:
        make = speech_like if case.background == "speech" else music_like
        behind = scipy.signal.oaconvolve(make(seed, RATE_HZ, seconds)[:samples], places[1])[:samples]
        behind += 10.0**-2.0 * active_rms(behind, RATE_HZ) * rng.standard_normal(len(behind))
        behind = np.resize(behind, samples)
    behind *= 10.0 ** (rng.uniform(*LEVEL_DBFS) / 20.0) / active_rms(behind, RATE_HZ)
    gain = active_rms(behind, RATE_HZ) / max(active_rms(sound, RATE_HZ), 1e-12) * 10.0 ** (snr_db / 20.0)
    return (behind + gain * sound).astype(np.float32), start_s


def evidence(audio: NDArray[np.float32], window_s: float) -> dict[str, NDArray[np.float64]]:
    """Log-odds of every label, hop by hop."""
    patterns = PatternEvidence(window_s)
    hops = [patterns.push(audio[at : at + HOP]) for at in range(0, len(audio) - HOP + 1, HOP)]
    return {label: np.array([odds[label] for odds in hops]) for label in LABELS}


def judge(case: Case, odds: Mapping[str, NDArray[np.float64]], start_s: float, row: Row) -> None:
    """Adds a trial to its row."""
    row.trials += 1
    for label in LABELS:
        above = np.flatnonzero(odds[label] >= THRESHOLD)
        row.raised[label] += len(above) > 0
        if label == case.wanted and len(above):
            row.found += 1
            row.delay_s.append((above[0] + 1) * HOP_S - start_s)


def table(rows: Mapping[str, Row]) -> str:
    """Markdown: how many of each row were found, how late, and what was raised."""
    lines = ["| what | trials | found | median s | 95 % s | " + " | ".join(LABELS) + " |"]
    lines.append("|---|---:|---:|---:|---:|" + "---:|" * len(LABELS))
    for name, row in rows.items():
        late = ("", "")
        if row.delay_s:
            late = tuple(f"{value:.1f}" for value in np.percentile(row.delay_s, (50, 95)))
        found = f"{row.found / row.trials:.3f}" if row.found else ""
        raised = " | ".join(str(row.raised[label]) for label in LABELS)
        lines.append(f"| {name} | {row.trials} | {found} | {late[0]} | {late[1]} | {raised} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=tuple(SPLITS), default="train")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--snr", type=float, default=5.0, metavar="DB")
    parser.add_argument("--window", type=float, default=20.0, metavar="S")
    parser.add_argument(
        "--corners", type=int, default=1, help="how often the grid of T3 and of T4 is gone through"
    )
    parser.add_argument("--late", type=int, default=0, help="how often that of T4 joined late, 135 s each")
    parser.add_argument("--others", type=int, default=100, help="exposures of each other kind")
    parser.add_argument("--long", type=int, default=0, help=f"exposures of what goes on, {LONG_S:g} s each")
    parser.add_argument("--only", default="", help="rows that begin with this")
    parser.add_argument("--rooms", type=Path, default=Path("runs/training/sound_events"))
    args = parser.parse_args()
    rng = np.random.default_rng([args.seed, SPLITS[args.split]])
    cases = [
        *alarm_cases("t3", rng, args.corners),
        *alarm_cases("t4", rng, args.corners),
        *alarm_cases("t4_late", rng, args.late),
        *other_cases(rng, args.others),
        *long_cases(rng, args.long),
    ]
    places = rooms(args.split, args.rooms, ROOMS_SEED)
    rows: dict[str, Row] = {}
    for number, case in enumerate(cases):
        if not case.row.startswith(args.only):
            continue
        own = np.random.default_rng([args.seed, SPLITS[args.split], number])
        audio, start_s = heard(case, args.split, args.snr, places[own.integers(len(places))], own)
        judge(case, evidence(audio, args.window), start_s, rows.setdefault(case.row, Row()))
    print(table(rows))


if __name__ == "__main__":
    main()
