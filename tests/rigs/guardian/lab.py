"""A small lab in a process of its own, to be killed, stopped and interrupted by tests.

`python -m tests.rigs.guardian.lab FOLDER NAME=URL ...` guards each port, keeps writing to it; says
`going` once it does. Options: `beat` as often as a real one must, `hang` when going, `leave` without a word, `fork` a child
that inherits everything, `deaf` to being told to stop, `end-hung` asks to be ended when it hangs, `button` takes ESTOP on any port for a stop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rigs.guardian import Guarded, Guardian
from rigs.locks import lease

SAFE = (b"!", b"\x18")
CALM = {"silence_s": 60.0, "limit_s": 120.0}  # a busy machine may hold up a test, but not a rig
ROOT = Path(__file__).parents[3]


def start(folder: Path, ports: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """Start it, in a session of its own; the caller ends it."""
    words = [f"{name}={url}" for name, url in ports.items()]
    command = [sys.executable, "-m", "tests.rigs.guardian.lab", str(folder), *words, *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def main(folder: Path, arguments: list[str]) -> None:
    ports = dict(word.split("=", 1) for word in arguments if "=" in word)
    options = [word for word in arguments if "=" not in word]
    words = (b"ESTOP",) if "button" in options else ()
    guarded = [Guarded(name, url, safe=SAFE, stop_on=words) for name, url in ports.items()]
    with lease("bench", "measuring", folder) as held:
        calm = {} if "hang" in options or "beat" in options else CALM
        guardian = Guardian.start(
            guarded,
            **calm,
            leases=[held],
            record=folder / "guardian.jsonl",
            end_hung_lab="end-hung" in options,
        )
        if "deaf" in options:
            guardian.on_trip(lambda reason: time.sleep(600))
        with guardian:
            links = [guardian.link(name) for name in ports]
            if "fork" in options:
                print(subprocess.Popen(["sleep", "600"], close_fds=False).pid, flush=True)
            for number in range(1_000_000):
                for link in links:
                    link.write(b"G1 X%d F3000\n" % number)
                if number == 3:
                    print("going", flush=True)
                    if "leave" in options:
                        os._exit(0)
                    if "hang" in options:
                        time.sleep(600)
                guardian.beat()
                time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
