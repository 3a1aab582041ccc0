"""From the death of the lab to the last safe byte, and to its silence: `python -m pytest tests/benchmarks/bench_guardian.py -s`.

The times are taken at the instruments: when the emulators behind two pseudo-terminals had read the last byte
of the last pass. The slowest counts: a stage (hold, reset), a relay board of eight channels, and, for a lab that
hangs and may still play, its end by the guardian.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigs.emulators.wire import PtyServer
from rigs.errors import RigBusy
from rigs.guardian.guarded import LIMIT_S, PASSES
from rigs.locks import lease

REPEATS = 10
STAGE = (b"!", b"\x18")
RELAYS = tuple(bytes([0xA0, channel, 0x00, 0xA0 + channel]) for channel in range(1, 9))
LAB = """
import sys, time
from pathlib import Path
from rigs.guardian import Guarded, Guardian
from rigs.locks import lease
from tests.benchmarks.bench_guardian import RELAYS, STAGE
with lease("bench", "timing", Path(sys.argv[1])) as held:
    guarded = [Guarded("stage", sys.argv[2], safe=STAGE), Guarded("relays", sys.argv[3], 9600, safe=RELAYS)]
    with Guardian.start(guarded, leases=[held], end_hung_lab=True) as guardian:
        stage, relays = guardian.link("stage"), guardian.link("relays")
        for number in range(100_000):
            guardian.beat()
            stage.write(b"G1 X%d F3000\\n" % number)
            relays.write(bytes([0xA0, 1, number % 2, 0xA1 + number % 2]))
            if number == 20:
                print("going", flush=True)
            time.sleep(0.01)
"""


class Mute:
    def feed(self, data: bytes) -> bytes:
        return b""

    def tick(self) -> bytes:
        return b""


def seconds_to_safe(folder: Path, end: signal.Signals) -> float:
    with PtyServer(Mute(), "stage") as stage, PtyServer(Mute(), "relays") as relays:
        command = [sys.executable, "-c", LAB, str(folder), stage.url, relays.url]
        lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert lab.stdout.readline() == "going\n"
        ended_ns = time.monotonic_ns()
        os.kill(lab.pid, end)
        for server, safe in ((stage, STAGE), (relays, RELAYS)):
            wanted = b"".join(safe) * PASSES
            assert server.wait_received(lambda received, wanted=wanted: received.endswith(wanted), 30.0)
        last_ns = max(stage.arrivals()[-1][0], relays.arrivals()[-1][0])
        if end is signal.SIGSTOP:  # what it plays ends with it
            lab.wait(30.0)
        silent_ns = time.monotonic_ns()
        lab.kill()
        lab.communicate()
        _wait_until_free(folder)
    return max(last_ns, silent_ns if end is signal.SIGSTOP else 0) / 1e9 - ended_ns / 1e9


def _wait_until_free(folder: Path) -> None:
    while True:
        try:
            return lease("bench", "timing", folder).release()
        except RigBusy:
            time.sleep(0.05)


@pytest.mark.parametrize(("end", "what"), [(signal.SIGKILL, "killed"), (signal.SIGSTOP, "hung")])
def test_rig_is_safe_within_the_limit(tmp_path, end, what):
    times = [seconds_to_safe(tmp_path, end) for _ in range(REPEATS)]
    shown = " ".join(f"{1000 * seconds:.0f}" for seconds in sorted(times))
    print(f"\nlab {what}, safe and silent after (ms): {shown}; median {1000 * statistics.median(times):.0f}")
    assert max(times) <= LIMIT_S
