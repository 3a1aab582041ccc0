"""Scores of a few trials, kept: `python -m tests.runs.kept_scores --write` after a change of code that is meant to change them.

The hash of a build covers settings, weights and the revision of the code, not the code itself, so that evidence outlives a refactoring. What
code makes of a capture is held here: the highest score of every second of each track, of trials that no evidence counts (seed 1_000_003).
Where nobody is scores stay near nought whatever moves, so that of captures above hearing what moves in them is held as well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.interface import BASEBAND, Block, Emission, StreamFormat
from detectors.stack import Stack
from lab.runs.worker import TrialPlace, loaded, run_with
from lab.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_suffix(".json")
SEED = 1_000_003
TOLERANCE = 0.02  # of the span of a track's scores: machines round differently
TRIALS = (
    ("presence_baseband", "presence/walking"),
    ("presence_baseband", "presence/music_walking"),
    ("presence_vacancy", "presence/leaving"),
    ("presence_compared", "presence/empty_short"),
    ("presence_baseband", "presence/fan_start_stop"),  # nobody there, nor in the next
    ("presence_baseband", "presence/curtain"),
    (
        "presence_baseband",
        "presence/gestures_sensitive",
    ),  # a person stays when another has left, and lifts a cup
    ("presence_int8", "presence/walking"),
    ("presence_cfar_baseband", "presence/walking"),
    ("sound_events", "sound_events/quick_alarm"),
    ("sound_events", "sound_events/quick_glass"),
    ("reference", "second_screen/near"),
)

CAPTURE = "capture"
CAPTURE_DB = 0.1  # machines round, but draw the same noise

Scores = dict[str, list[float | None]]  # by detector, stage, label; None: no score in that second


class Overheard(Stack):
    """A stack that keeps what moves in its baseband: of the first microphone, dB re full scale, RMS about the mean of each second."""

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        self._rate_hz = formats[BASEBAND].rate_hz if BASEBAND in formats else 0
        self._blocks: list[NDArray] = []
        super().open(formats)

    def feed(self, block: Block) -> Emission:
        if self._rate_hz:
            self._blocks.append(np.array(block.streams[BASEBAND][0]))
        return super().feed(block)

    def moving_db(self) -> list[float]:
        if not self._rate_hz:
            return []
        heard = np.concatenate(self._blocks)
        seconds = [heard[at : at + self._rate_hz] for at in range(0, len(heard), self._rate_hz)]
        return [round(20.0 * float(np.log10(max(1e-9, one.std()))), 2) for one in seconds]


def heard(build: str, scenario: str) -> Scores:
    """Of the first trial of the first cell."""
    path = ROOT / "scenarios" / f"{scenario}.toml"
    kept = loaded(ROOT / "detectors" / "builds" / f"{build}.toml", None)
    kept.stack = Overheard(kept.stack.build)
    (record,) = run_with(kept, [TrialPlace(path, load_scenario(path).cells()[0], 0, SEED)])
    found: Scores = {}
    for track in record.tracks:
        each = max(1, round(1.0 / track.hop_s))
        seconds = [track.scores[at : at + each] for at in range(0, len(track.scores), each)]
        found[f"{track.detector} {track.stage} {track.label}"] = [
            None if np.isnan(one).all() else round(float(np.nanmax(one)), 4) for one in seconds
        ]
    if moving_db := kept.stack.moving_db():
        found[CAPTURE] = list(moving_db)
    return found


def differences(now: Scores, kept: Scores) -> list[str]:
    """What is not as it was, a line for each track; empty where all is."""
    if set(now) != set(kept):
        return [f"tracks are {sorted(now)}, were {sorted(kept)}"]
    found = []
    for name, before in kept.items():
        a, b = (np.array([np.nan if x is None else x for x in one]) for one in (now[name], before))
        if len(a) != len(b) or np.any(np.isnan(a) != np.isnan(b)):
            found.append(f"{name}: scores stand elsewhere")
            continue
        allowed = TOLERANCE * max(1.0, np.nanmax(b) - np.nanmin(b)) if np.isfinite(b).any() else 0.0
        if name == CAPTURE:
            allowed = CAPTURE_DB
        apart = np.abs(a - b)
        if np.nanmax(apart, initial=0.0) > allowed:
            at = int(np.nanargmax(apart))
            found.append(f"{name}: {a[at]:.3f} at {at} s, was {b[at]:.3f}")
    return found


def main() -> None:
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("python -m tests.runs.kept_scores --write")
    kept = {f"{build} {scenario}": heard(build, scenario) for build, scenario in TRIALS}
    parts = [
        f"{json.dumps(trial)}: {{\n"
        + ",\n".join(f"{json.dumps(track)}: {json.dumps(found)}" for track, found in tracks.items())
        + "\n}"
        for trial, tracks in kept.items()
    ]
    KEPT.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
