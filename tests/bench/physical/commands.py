"""The command line in a process of its own, as PortAudio and a server that comes and goes want it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lab.store.store import Store

ROOT = Path(__file__).parents[3]
LONG_S = 300.0  # a machine may be very busy


def lab(*arguments: object, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """`lab ARGUMENTS`, ended."""
    return subprocess.run(
        command(*arguments),
        check=False,
        input=typed,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        cwd=ROOT,
        env=os.environ | environment,
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from lab.commands.main import main; main()", *map(str, arguments)]


def only_trial(out):
    """Of a run of one trial: the note beside its capture, the trial, and its score tracks by label."""
    (note,) = (json.loads(path.read_text()) for path in (out / "captures").glob("*.json"))
    with Store.read(out) as store:
        (known,) = store.runs()
        (trial,) = store.trials(known.id, store.scenarios(known.id)[0].id)
        return note, trial, {track.label: track for track in store.tracks(trial)}
