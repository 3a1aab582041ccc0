"""The command line in a process of its own, as PortAudio and a server that comes and goes want it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
