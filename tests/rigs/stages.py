"""A stage on a real pseudo-terminal: driver and link on this side, the emulated controller on the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rigs.emulators.grbl import GrblEmulator
from rigs.emulators.wire import PtyServer
from rigs.errors import RigError
from rigs.grbl import Stage, StageProfile
from rigs.links import Link, LinkSpec, open_link
from tests.rigs.wires import PATIENCE_S

SPEED = 50.0  # emulated seconds a second
QUICK = {
    **dict.fromkeys((20, 21, 22), 1.0),
    **dict(zip((24, 25, 26), (600.0, 6000.0, 10.0), strict=True)),
    **{100 + axis: 250.0 for axis in range(3)},
    **{110 + axis: 6000.0 for axis in range(3)},
    **{120 + axis: 500.0 for axis in range(3)},
    **{130 + axis: 300.0 for axis in range(3)},
}
SLOW = 6.0  # mm/min: 100 mm take twenty seconds of the test's time, so a long move is never over too soon
PROFILE = StageProfile(reply_s=PATIENCE_S, startup_s=PATIENCE_S, poll_hz=10.0)


class Bench(NamedTuple):
    server: PtyServer
    link: Link
    stage: Stage

    @property
    def grbl(self) -> GrblEmulator:
        return self.server.emulator

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """The driver gives up soon on replies that never come; outside it has all the patience in the world."""
        self.stage._controller._reply_s = 0.3
        try:
            yield
        finally:
            self.stage._controller._reply_s = PATIENCE_S

    def sent(self) -> list[bytes]:
        """Lines that the driver has sent, real-time queries left out."""
        return bytes(self.server.received).replace(b"?", b"").split(b"\n")[:-1]


@contextmanager
def bench(
    profile: StageProfile = PROFILE,
    connect: bool = True,
    home: bool = True,
    settings: dict[int, float] | None = None,
    grbl: GrblEmulator | None = None,
) -> Iterator[Bench]:
    """A stage with all the patience a busy machine needs; `grbl` in place of the usual controller."""
    grbl = grbl or GrblEmulator(QUICK | (settings or {}), speed=SPEED)
    with PtyServer(grbl) as server, open_link(LinkSpec(server.url, **profile.line_settings())) as link:
        one = Bench(server, link, Stage(link, profile, "rail"))
        if connect:
            one.stage.connect()
        if connect and home:
            one.stage.home()
        server.received.clear()
        yield one


class Aside:
    """A call in a thread of its own; `outcome` waits for what it returns, or for the RigError it raises."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._ended: queue.Queue = queue.Queue()

        def run() -> None:
            try:
                self._ended.put(call())
            except RigError as error:
                self._ended.put(error)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def ended(self, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def outcome(self) -> Any:
        return self._ended.get(timeout=2 * PATIENCE_S)
