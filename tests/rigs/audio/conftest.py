"""Runs all takes once, in a process that starts after the JACK server and ends before it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def takes(jack_server, tmp_path_factory) -> SimpleNamespace:
    """The facts of every take, by its name."""
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("takes.py"), tmp_path_factory.mktemp("takes")],
        check=False,
        capture_output=True,
        text=True,
        timeout=300.0,
        env=os.environ | jack_server.environment() | {"PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    return SimpleNamespace(**json.loads(run.stdout.splitlines()[-1]))
