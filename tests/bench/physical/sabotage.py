"""`lab` with something wrong in its own machine: `python -m tests.bench.physical.sabotage FAULTS lab-arguments...`.

FAULTS, by commas: `lost=K` one block of capture K never reaches the lab; `disk=K` the system refuses to let the file of capture K grow;
`clock` the wall clock jumps by hours, back and forth, at every look (of Python and of our own code). Captures count from 0, the pilot
of the health check is none. The monotonic clock, the disk and PortAudio are the real ones.
"""

from __future__ import annotations

import importlib
import itertools
import resource
import sys
import time
from datetime import datetime, timedelta

SMALL_BYTES = 60_000
STEP_S = 3 * 3600.0


def lose_block(number: int) -> None:
    from rigs.audio.duplex import Duplex

    arrived, counted = Duplex._arrived, itertools.count()

    def lossy(self, recorded, played):
        if self._record_to is not None and not hasattr(self, "number"):
            self.number = next(counted)
        body = self.body_at
        if getattr(self, "number", None) == number and body is not None and self._feed.played > body + 24_000:
            self.number = None
            recorded = recorded[:, :0]
        arrived(self, recorded, played)

    Duplex._arrived = lossy


def fill_disk(number: int) -> None:
    from rigs.audio.duplex import Duplex

    enter, leave, counted = Duplex.__enter__, Duplex.__exit__, itertools.count()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def entered(self):
        if self._record_to is not None and next(counted) == number:
            resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, most))
        return enter(self)

    def left(self, *what):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        return leave(self, *what)

    Duplex.__enter__, Duplex.__exit__ = entered, left


def step_clock() -> None:
    """For Python's own clock and for every module of ours that tells the date; other libraries keep theirs."""
    importlib.import_module("lab.runs.run")  # what a run imports is there to be patched

    real, steps = time.time, itertools.cycle((0.0, STEP_S, -STEP_S))

    class Jumping(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=next(steps))

    time.time = lambda: real() + next(steps)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("lab", "rigs") and getattr(module, "datetime", None) is datetime:
            module.datetime = Jumping


def main() -> None:
    faults, sys.argv[1:] = sys.argv[1].split(","), sys.argv[2:]
    for fault in faults:
        name, _, number = fault.partition("=")
        if name == "clock":
            step_clock()
        elif name == "lost":
            lose_block(int(number))
        elif name == "disk":
            fill_disk(int(number))
        else:
            raise SystemExit(f"no fault {fault!r}")
    from lab.commands.main import main as lab

    lab()


if __name__ == "__main__":
    main()
