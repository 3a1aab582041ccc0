"""Smoke and CO alarms on the corner grid of their timing, heard by our device stage and by what else there is, in one run.

`python -m tests.benchmarks.bench_alarm_peers [--every N] [--write]` prints the table and, with --write, keeps it for the page of results.
All hear the same captures of the test split: T3 and T4 with their 27 corners of timing and 6 carriers in simulated rooms, over noise at 5
to 30 dB SNR, and the endless beep, 0.45, 0.5 or 0.55 s on and one of these off, which is no alarm: 162 captures of each. With --every N one in
N of them is heard. The grid is made of turns of 2 and 3, so N has neither as a factor: of an alarm, no two of 27 captures running share a corner then.

| who | what it is |
|---|---|
| device stage | `detectors/builds/sound_events_device.toml` |
| fixed band | level in 3.0 to 3.4 kHz, where most smoke alarms sound, against its own background; on and off runs held to the standards' rhythms |
| acoustic-engine | the public package of that name with its presets `smoke_t3` and `co_t4`, each in an engine of its own |

The package is no dependency of ours: its licence is CC BY-NC 4.0. Without it its column is left out. To have it, in an environment that
need not be ours: `pip install --target peers acoustic-engine==1.4.0`, then `PYTHONPATH=peers`. It gets every capture at a
peak of half of full scale, at 44.1 kHz, so that no level is too low for it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
import soxr
from numpy.typing import NDArray

from detectors.build import BUILDS, load_build
from detectors.interface import AUDIBLE, SILENT, Block, StreamFormat, StreamNeed
from detectors.sound_events.front_end import RATES_HZ
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.scenario.load import load_scenario
from reports.markdown import table

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "docs" / "results" / "sound_events" / "peers.json"
SMOKE, CO = "smoke_alarm", "co_alarm"
SEED = 1
POINTS = 162  # of the grid of T3, and of T4: corners times carriers; as many of the endless beep
CLEAR_DB = 15.0
BAND_HZ, RATE_HZ, FRAME = (3_000.0, 3_400.0), 16_000, 160
ENDLESS = "endless_half_seconds"
KINDS = (("t3", SMOKE, "same_room"), ("t4", CO, "same_room"), ("no_alarm", None, ENDLESS))
Hears = Callable[[NDArray[np.float32], int], dict[str, float]]


@dataclass(frozen=True, eq=False)
class Capture:
    """audio: of the first microphone, in Pa. truth: label of the alarm, none for what is none. onset_s: its first beep."""

    audio: NDArray[np.float32]
    rate_hz: int
    kind: str
    truth: str | None
    onset_s: float
    within_s: float
    snr_db: float | None


def points(every: int) -> range:
    """Of the grid, one in `every`, which has no factor in common with it."""
    return range(0, POINTS, every)


def captures(every: int) -> Iterator[Capture]:
    for name, truth, where in KINDS:
        scenario = load_scenario(ROOT / "scenarios" / "sound_events" / f"{name}.toml")
        cell = next(one for one in scenario.cells() if where in one.values.values())
        bench = SimulatedBench()
        for index in points(every):
            trial = scenario.draw(cell, index, SEED)
            session = bench.open(trial, {AUDIBLE: StreamNeed(RATES_HZ, 1)})
            blocks = []
            while (block := session.next(SILENT)) is not None:
                blocks.append(block.streams[AUDIBLE][0])
            facts = session.facts()
            session.close()
            source = next(one for one in trial.spec.sources if one.kind in ("alarm", "appliance"))
            kind = f"{name.upper()}, {source.carrier_hz:g} Hz" if truth else "endless beep"
            snr_db = next((one.snr_db for one in trial.spec.sources if one.kind == "noise"), None)
            yield Capture(
                audio=np.concatenate(blocks),
                rate_hz=session.formats[AUDIBLE].rate_hz,
                kind=kind,
                truth=truth,
                onset_s=min((one.onset_s for one in facts.truth if one.label == truth), default=0.0),
                within_s=float(scenario.first.expect.within_s or 0.0),
                snr_db=snr_db,
            )


def device_stage() -> Hears:
    stack = Stack(load_build(BUILDS / "sound_events_device.toml"))

    def hears(audio: NDArray[np.float32], rate_hz: int) -> dict[str, float]:
        stack.open({AUDIBLE: StreamFormat(rate_hz, 1)})
        for first in range(0, len(audio), rate_hz):
            block = audio[None, first : first + rate_hz]
            stack.feed(Block(first, block.shape[1], rate_hz, {AUDIBLE: block}))
        tracks = {track.label: track for track in stack.finish().tracks}
        found = {}
        for label in (SMOKE, CO):
            high = np.flatnonzero(np.nan_to_num(tracks[label].scores) >= 0.5)
            if len(high):
                found[label] = tracks[label].start_s + high[0] * tracks[label].hop_s
        return found

    return hears


def fixed_band(audio: NDArray[np.float32], rate_hz: int) -> dict[str, float]:
    """First time at which two cycles of T3, or of T4, stand in the band's level, s.

    Level in frames of 10 ms against its 20th percentile of the last 10 s; on at 10 dB above it and 6 dB under the loudest of the last 5 s.
    Gaps of 20 ms close. Onsets, not ends, carry the rhythm, as rooms prolong what sounds; 15 % of tolerance, 5 more than the standard.
    """
    if rate_hz != RATE_HZ:
        audio = soxr.resample(audio, rate_hz, RATE_HZ)
    band = scipy.signal.sosfilt(scipy.signal.butter(4, BAND_HZ, "bandpass", fs=RATE_HZ, output="sos"), audio)
    power = np.mean(band[: len(band) // FRAME * FRAME].reshape(-1, FRAME) ** 2, axis=1)
    level_db = 10.0 * np.log10(power + 1e-16)
    floor_db = np.array([np.percentile(level_db[max(0, i - 1000) : i + 1], 20) for i in range(len(level_db))])
    peak_db = np.array([level_db[max(0, i - 500) : i + 1].max() for i in range(len(level_db))])
    on = (level_db > floor_db + 10.0) & (level_db > peak_db - 6.0)
    on = scipy.ndimage.binary_closing(on, np.ones(3))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(np.int8), [0]))))
    onsets = [(a / 100.0, b / 100.0) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 5]
    found: dict[str, float] = {}
    for label, beeps, period_s, rest_s in ((SMOKE, 3, 1.0, 2.0), (CO, 4, 0.2, 5.1)):
        expected = ([period_s] * (beeps - 1) + [rest_s]) * 2
        expected = expected[:-1]  # two groups; what follows the last is not waited for
        starts = [start for start, _ in onsets]
        for i in range(len(starts) - len(expected)):
            apart = np.diff(starts[i : i + len(expected) + 1])
            if np.all(np.abs(apart / expected - 1.0) <= 0.15):
                found.setdefault(label, onsets[i + len(expected)][1])
    return found


def acoustic_engine() -> Hears | None:
    """None where the package is not installed."""
    if importlib.util.find_spec("acoustic_engine") is None:
        return None
    import logging

    from acoustic_engine.config import AudioSettings
    from acoustic_engine.engine import Engine
    from acoustic_engine.presets import load_preset

    logging.disable(logging.CRITICAL)

    def hears(audio: NDArray[np.float32], rate_hz: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for label, preset in ((SMOKE, "smoke_t3"), (CO, "co_t4")):
            engine = Engine([load_preset(preset)], AudioSettings())
            rate, chunk = engine.engine_config.sample_rate, engine.engine_config.chunk_size
            engine._trigger_alarm = lambda match: None  # would start a thread that sleeps
            scaled = soxr.resample(audio, rate_hz, rate)
            samples = (scaled / max(1e-9, np.abs(scaled).max()) * 16_383).astype(np.int16)
            for first in range(0, len(samples) - chunk + 1, chunk):
                if engine.process_chunk(samples[first : first + chunk]):
                    found[label] = (first + chunk) / rate
                    break
        return found

    return hears


def compare(every: int, say: Callable[[str], None] = lambda line: None) -> dict:
    """Counts by kind of sound and contestant."""
    contestants: dict[str, Hears] = {"device stage": device_stage(), "fixed band": fixed_band}
    if (peer := acoustic_engine()) is not None:
        contestants["acoustic-engine"] = peer
    counts: dict[tuple[str, str], dict] = {}
    delays: dict[tuple[str, str], list[float]] = defaultdict(list)
    for n, capture in enumerate(captures(every)):
        for who, hears in contestants.items():
            row = counts.setdefault(
                (capture.kind, who),
                {
                    "kind": capture.kind,
                    "who": who,
                    "trials": 0,
                    "found": 0,
                    "clear": 0,
                    "clear_found": 0,
                    "smoke": 0,
                    "co": 0,
                },
            )
            said = hears(capture.audio, capture.rate_hz)
            row["trials"] += 1
            row["smoke"] += SMOKE in said
            row["co"] += CO in said
            if capture.truth is None:
                continue
            delay_s = said.get(capture.truth, np.inf) - capture.onset_s
            found = bool(0.0 <= delay_s <= capture.within_s)
            clear = capture.snr_db is not None and capture.snr_db >= CLEAR_DB
            row["found"] += found
            row["clear"] += clear
            row["clear_found"] += found and clear
            if found:
                delays[capture.kind, who].append(delay_s)
        if n % 27 == 26:
            say(f"{n + 1} captures")
    rows = [
        row | {"median_s": round(statistics.median(delays[key]), 1) if delays[key] else None}
        for key, row in counts.items()
    ]
    build = load_build(BUILDS / "sound_events_device.toml")
    return {
        "format": "earshot-peers/1",
        "build_hash": build.hash,
        "every": every,
        "heard": len(KINDS) * len(points(every)),
        "grid": len(KINDS) * POINTS,
        "contestants": list(contestants),
        "rows": rows,
    }


def told(found: dict) -> str:
    """Markdown of what `compare` counted."""
    names: Sequence[str] = found["contestants"]
    by = {(row["kind"], row["who"]): row for row in found["rows"]}
    kinds = list(dict.fromkeys(row["kind"] for row in found["rows"]))
    alarms = sorted(
        (kind for kind in kinds if "Hz" in kind), key=lambda kind: (kind[:2], float(kind.split()[1]))
    )
    rows = [[kind, *(_found(by[kind, who]) for who in names)] for kind in alarms]
    wrong = []
    for title, label, of in (
        ("T3 called CO", "co", "T3"),
        ("T4 called smoke", "smoke", "T4"),
        ("endless beep called smoke", "smoke", "endless"),
        ("endless beep called CO", "co", "endless"),
    ):
        chosen = [kind for kind in kinds if kind.startswith(of)]
        wrong.append(
            [
                title,
                *(
                    f"{sum(by[k, w][label] for k in chosen)}/{sum(by[k, w]['trials'] for k in chosen)}"
                    for w in names
                ),
            ]
        )
    every = found.get("every")  # not in files from before it was kept
    if every is None:
        heard = f"{sum(row['trials'] for row in found['rows'] if row['who'] == names[0])} captures were heard; of how many, and which, the stored file does not say."
    elif every == 1:
        heard = f"All {found['grid']} captures of the grid were heard."
    else:
        heard = f"{found['heard']} of the {found['grid']} captures of the grid were heard, one in {every}."
    option = {None: "", 1: ""}.get(every, f" --every {every}")
    return "\n".join(
        [
            heard,
            "",
            "Corner captures in the same room, found in time (of those at 15 dB SNR and more; median seconds to the alarm):",
            "",
            *table(["alarm", *names], rows),
            "",
            *table(["what must not be", *names], wrong),
            "",
            "Fixed band: the level in 3.0 to 3.4 kHz against its own background, runs held to the rhythms. `acoustic-engine` 1.4.0 is a public package",
            "(CC BY-NC 4.0, no part of this project) with its presets `smoke_t3` and `co_t4`: `pip install --target peers acoustic-engine==1.4.0`, then",
            f"`PYTHONPATH=peers python -m tests.benchmarks.bench_alarm_peers{option} --write`. All hear the same captures.",
        ]
    )


def test_a_part_of_the_grid_has_every_carrier_and_no_corner_twice_before_all_were_there():
    for every in (5, 7, 11, 13):
        chosen = list(points(every))
        assert {index // 27 for index in chosen} == set(range(6))
        for turn in (3, 9, 27):
            assert len({index % turn for index in chosen}) == min(turn, len(chosen))


def _found(row: dict) -> str:
    median = "" if row["median_s"] is None else f"; {row['median_s']:g} s"
    return f"{row['found']}/{row['trials']} ({row['clear_found']}/{row['clear']}{median})"


def stride(text: str) -> int:
    every = int(text)
    if every < 1 or math.gcd(every, POINTS) > 1:
        raise argparse.ArgumentTypeError(
            f"{every} leaves out corners of the grid; allowed: 1 and what neither 2 nor 3 divides: 5, 7, 11, 13 ..."
        )
    return every


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_alarm_peers", description=__doc__)
    parser.add_argument(
        "--every", type=stride, default=1, help=f"hear one in so many of the {POINTS} points of the grid"
    )
    parser.add_argument("--write", action="store_true", help=f"keep it in {WRITTEN.relative_to(ROOT)}")
    asked = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        found = compare(asked.every, print)
    print(told(found))
    if asked.write:
        WRITTEN.parent.mkdir(parents=True, exist_ok=True)
        WRITTEN.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
