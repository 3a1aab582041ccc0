"""Scores of a few trials, kept: `python -m tests.runs.kept_scores --write` after a change of code that is meant to change them.

The hash of a build covers settings, weights and the revision of the code, not the code itself, so that evidence outlives a refactoring. What
code makes of a capture is held here: the highest score of every second of each track, of trials that no evidence counts (seed 1_000_003).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

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
    ("presence_int8", "presence/walking"),
    ("presence_cfar_baseband", "presence/walking"),
    ("sound_events", "sound_events/quick_alarm"),
    ("sound_events", "sound_events/quick_glass"),
    ("reference", "second_screen/near"),
)

Scores = dict[str, list[float | None]]  # by detector, stage, label; None: no score in that second


def heard(build: str, scenario: str) -> Scores:
    """Of the first trial of the first cell."""
    path = ROOT / "scenarios" / f"{scenario}.toml"
    stack = loaded(ROOT / "detectors" / "builds" / f"{build}.toml", None)
    (record,) = run_with(stack, [TrialPlace(path, load_scenario(path).cells()[0], 0, SEED)])
    found: Scores = {}
    for track in record.tracks:
        each = max(1, round(1.0 / track.hop_s))
        seconds = [track.scores[at : at + each] for at in range(0, len(track.scores), each)]
        found[f"{track.detector} {track.stage} {track.label}"] = [
            None if np.isnan(one).all() else round(float(np.nanmax(one)), 4) for one in seconds
        ]
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
