"""Long captures, faster than real time, through the same PortAudio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rigs.emulators.jack import JackServer, JackSpec

ROOT = Path(__file__).parents[3]
TAKE = """
import json, os, resource, sys
import numpy as np
from pathlib import Path
from rigs.audio import AudioSpec
from rigs.emulators.freewheel import play_record_freewheel

spec = AudioSpec(device="system", outputs=2, inputs=2, rate_hz=96_000, exact=True, lag_samples=(1024, 1024))
noise = (0.1 * np.random.default_rng(0).standard_normal((2, 96_000 * 10))).astype(np.float32)
noise = np.round(noise * 2**23).astype(np.float32) / np.float32(2**23)
capture = play_record_freewheel(os.environ["JACK_DEFAULT_SERVER"], spec, noise, Path(sys.argv[1]) / "long.flac")
start, equal = 0, True
for block in capture.blocks(96_000):
    equal &= bool(np.array_equal(block, noise[:, start : start + block.shape[1]]))
    start += block.shape[1]
print(json.dumps({"equal": equal, "frames": start, "reason": capture.verdict.reason}))
"""


def test_ten_seconds_come_back_from_disk_bit_for_bit(jack_server, tmp_path):
    with JackServer(JackSpec(loopback=False, channels=2)) as server:
        run = subprocess.run(
            [sys.executable, "-c", TAKE, tmp_path],
            check=False,
            capture_output=True,
            text=True,
            timeout=300.0,
            env=os.environ | server.environment() | {"PYTHONPATH": str(ROOT)},
        )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {"equal": True, "frames": 96_000 * 10, "reason": ""}


def test_a_server_says_why_it_cannot_start(jack_server):
    from rigs.errors import AudioFault

    twin = JackServer(name=jack_server.name)
    with pytest.raises(AudioFault, match=f"JACK server {jack_server.name} did not come up"):
        twin.start(timeout_s=20.0)
