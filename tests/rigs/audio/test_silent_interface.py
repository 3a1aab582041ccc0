"""An interface that stops delivering in the middle of a capture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from rigs.emulators.jack import JackServer

ROOT = Path(__file__).parents[3]
TAKE = """
import json, os, signal, sys
import numpy as np
from pathlib import Path
import rigs.audio.duplex
from rigs.audio import AudioSpec, Duplex
from rigs.audio.storage import read_blocks

rigs.audio.duplex.STALLED_S = 2.0
server, path = int(sys.argv[1]), Path(sys.argv[2])
noise = np.zeros((1, 96_000 * 30), np.float32)
with Duplex(AudioSpec(ahead_s=60.0), path) as duplex:
    duplex.player.put(noise)
    duplex.player.finish()
    heard = duplex.recorder.get(9600)
    os.kill(server, signal.SIGSTOP)
    while duplex.recorder.get(9600) is not None:
        pass
    alignment, verdict = duplex.result(60.0)
    os.kill(server, signal.SIGCONT)
kept = sum(block.shape[1] for block in read_blocks(path, 96_000))
print(json.dumps({"reason": verdict.reason, "lag": alignment.lag_samples, "kept": kept}))
"""


def test_a_card_that_falls_silent_ends_the_capture_as_invalid_and_keeps_what_came(jack_server, tmp_path):
    with JackServer() as server:
        run = subprocess.run(
            [sys.executable, "-c", TAKE, str(server.pid), tmp_path / "take.flac"],
            check=False,
            capture_output=True,
            text=True,
            timeout=300.0,
            env=os.environ | server.environment() | {"PYTHONPATH": str(ROOT)},
        )
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout.splitlines()[-1])
    assert "interrupted: loopback delivered nothing for 2 s" in facts["reason"]
    assert round(facts["lag"], 3) == 1024.0
    assert facts["kept"] > 96_000
