"""What the tests of the guardian wait for."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from rigs.emulators.wire import PtyServer
from rigs.errors import RigBusy
from rigs.guardian.guarded import PASSES
from rigs.links import LinkSpec, open_link
from rigs.locks import lease
from tests.rigs.guardian.lab import SAFE

LONG_S = 60.0
SAFE_END = b"".join(SAFE) * PASSES


def wait_until_going(process: subprocess.Popen[str]) -> None:
    for line in process.stdout:
        if line == "going\n":
            return
    raise AssertionError("the lab ended before it was going")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def is_safe(server: PtyServer) -> bool:
    return server.wait_received(lambda received: received.endswith(SAFE_END), LONG_S)


def wait_until_free(folder: Path) -> None:
    """Until the guardian, which shares the lease, has ended."""
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            lease("bench", "checking", folder).release()
            return
        except RigBusy:
            assert time.monotonic() < deadline, "the guardian did not end"


def records(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "guardian.jsonl").read_text().splitlines()]


def heard_until_now(server: PtyServer) -> bytes:
    """What the instrument has received, nothing of it still on the way; needs the port to be free."""
    with open_link(LinkSpec(server.url)) as link:
        link.write(b"?")
        assert server.wait_received(lambda received: received.endswith(b"?"), LONG_S)
    return bytes(server.received[:-1])
