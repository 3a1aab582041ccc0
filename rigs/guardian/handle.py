"""The lab's side of the guardian."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any, Self

import rigs
from rigs import errors
from rigs.errors import RigError, Unsafe
from rigs.guardian.guarded import LIMIT_S, Guarded, make_safe
from rigs.guardian.wire import GuardedLine, Word
from rigs.links.link import Link
from rigs.links.port import SerialPort
from rigs.locks import Lease

START_S = 60.0  # starting Python on a busy machine, opening ports over a network
BEAT_S = 0.1
RELEASE_S = 2.0

_logger = logging.getLogger(__name__)


class GuardianState(Enum):
    WATCHING = "watching"
    TRIPPED = "tripped"  # the rig is in its safe state
    LOST = "lost"  # the guardian itself has died; the lab has made the rig safe
    RELEASED = "released"


class Guardian:
    """A running guardian. Leaving its `with` block by an error trips it, otherwise releases it.

    reason: why it tripped. safe_after_ms: by instrument, from the trip to its last safe byte, None for one
    that was unplugged (it is made safe when it comes back).
    """

    def __init__(
        self, guarded: Sequence[Guarded], silence_s: float, limit_s: float, end_hung_lab: bool
    ) -> None:
        """Use `Guardian.start`."""
        self.reason: str | None = None
        self.safe_after_ms: dict[str, float | None] = {}
        self._guarded = {one.name: one for one in guarded}
        self._silence_s, self._limit_s = silence_s, limit_s
        self._end_hung_lab = end_hung_lab
        self._state = GuardianState.WATCHING
        self._ended = threading.Event()  # no more WATCHING
        self._on_trip: list[Callable[[str], None]] = []
        self._links: list[Link] = []
        self._lines: dict[str, GuardedLine] = {}

    @classmethod
    def start(
        cls,
        guarded: Sequence[Guarded],
        *,
        silence_s: float = 0.5,
        limit_s: float = LIMIT_S,
        leases: Sequence[Lease] = (),
        record: Path | None = None,
        end_hung_lab: bool = False,
    ) -> Self:
        """Start the process and let it open all ports; returns when it has.

        silence_s: longest pause between beats. It counts from the first beat, or from the first byte sent to an instrument that has
        safe bytes, whichever is earlier: wrap the opening of instruments in `keep_beating`. limit_s: from the last beat to the last
        safe byte and to silence; what takes longer is refused. leases: kept by the guardian until it ends, so nobody takes a rig that
        is not safe yet. record: file it appends to what it did. end_hung_lab: kill this process when it has tripped and does not stop
        what it plays (see `on_trip`). Raises LinkLost, LinkBusy, BadRigFile as opening the ports would.
        """
        for one in guarded:
            one.check(silence_s, limit_s)
        handle = cls(guarded, silence_s, limit_s, end_hung_lab)
        handle._launch(leases, record)
        return handle

    @property
    def state(self) -> GuardianState:
        return self._state

    @property
    def pid(self) -> int:
        return self._process.pid

    def link(self, name: str, log: Path | None = None) -> Link:
        """A link to this instrument through the guardian; once per instrument."""
        line = self._lines[name]
        link = Link(self._guarded[name].spec, line.connect, log, name)
        self._links.append(link)
        if self.reason:
            link.refuse(self.reason)
        return link

    def beat(self) -> None:
        """Say that the lab is alive and in control; raises Unsafe when the rig has been made safe."""
        if self._state is not GuardianState.WATCHING or self.reason:
            raise Unsafe(f"The rig is in its safe state: {self.reason}. Going on was refused")
        with suppress(OSError):  # what is wrong will be told by the watching thread
            self._control.send(Word.BEAT.encode(), socket.MSG_DONTWAIT)

    @contextmanager
    def keep_beating(self, within_s: float) -> Iterator[None]:
        """Beat on behalf of one operation that blocks, such as homing, for at most `within_s` seconds."""
        done = threading.Event()

        def beat() -> None:
            deadline = time.monotonic() + within_s
            with suppress(Unsafe):
                while time.monotonic() < deadline and not done.wait(BEAT_S):
                    self.beat()

        self.beat()
        helper = threading.Thread(target=beat, name="heartbeat", daemon=True)
        helper.start()
        try:
            yield
        finally:
            done.set()
            helper.join()
        self.beat()

    def on_trip(self, callback: Callable[[str], None]) -> None:
        """Call `callback(reason)` in a thread of the guardian's handle as soon as it trips: stop playing."""
        self._on_trip.append(callback)

    def end_on_trip(self, pid: int) -> None:
        """Kill this process (a player, a virtual device) when the guardian trips."""
        with suppress(OSError):
            self._control.send(Word.END.encode() + str(pid).encode())

    def trip(self, reason: str) -> None:
        """Make the rig safe now; returns when it is, or after the limit. The guardian stays, links only listen."""
        if self._state is GuardianState.RELEASED:
            return
        self._refuse(reason)
        with suppress(OSError):
            self._control.send(Word.TRIP.encode() + reason.encode()[:4000])
        self._ended.wait(LIMIT_S + 0.5)

    def release(self) -> None:
        """Give the ports back; instruments stay as they are. Does nothing the second time."""
        if self._state is GuardianState.RELEASED:
            return
        for link in self._links:
            link.close()
        was, self._state = self._state, GuardianState.RELEASED
        if was is not GuardianState.LOST:
            with suppress(OSError):
                self._control.send(Word.RELEASE.encode())
        try:
            self._process.wait(RELEASE_S)
        except subprocess.TimeoutExpired:
            _logger.warning(
                "the guardian stays until what was unplugged is back and safe, for a minute at most"
            )
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._watcher.join()
        self._close_sockets()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.trip(f"{kind.__name__}: {error}" if str(error) else kind.__name__)
        self.release()

    def _launch(self, leases: Sequence[Lease], record: Path | None) -> None:
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ends: list[socket.socket] = []
        for name in self._guarded:
            mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._lines[name] = GuardedLine(name, mine)
            ends.append(its)
        inherited = [control.fileno(), *(end.fileno() for end in ends), *(lease.fileno() for lease in leases)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rigs.guardian.process", str(control.fileno())],
            pass_fds=inherited,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(rigs.__file__).parents[1])},
        )
        orders = {
            "lab": os.getpid(),
            "silence_s": self._silence_s,
            "limit_s": self._limit_s,
            "end_hung_lab": self._end_hung_lab,
            "record": str(record.absolute()) if record else None,
            "guarded": [one.to_json() for one in self._guarded.values()],
            "ends": [end.fileno() for end in ends],
        }
        for end in (control, *ends):
            end.close()
        try:
            self._control.settimeout(START_S)
            self._control.send(json.dumps(orders).encode())
            _require_ready(self._control.recv(65536))
            self._control.settimeout(None)
        except BaseException as error:  # also Ctrl-C: nothing has been moved yet
            self._process.kill()
            self._process.wait()
            self._close_sockets()
            if isinstance(error, OSError):
                raise RigError(f"The guardian did not start ({error}); nothing was moved") from error
            raise
        self._watcher = threading.Thread(target=self._watch, name="guardian", daemon=True)
        self._watcher.start()

    def _close_sockets(self) -> None:
        self._control.close()
        for line in self._lines.values():
            line.close()

    def _refuse(self, reason: str) -> None:
        self.reason = self.reason or reason
        for link in self._links:
            link.refuse(self.reason)

    def _watch(self) -> None:
        """Hear what the guardian does; when it is gone, do its work."""
        while True:
            try:
                message = self._control.recv(65536)
            except OSError:
                message = b""
            if self._state is GuardianState.RELEASED and not message:
                return
            if not message:
                self._refuse("the guardian has died, so the lab made the rig safe itself")
                self._stop_playing()
                self._make_safe()
                self._enter(GuardianState.LOST)
                return
            values = json.loads(message)
            if "tripping" in values:
                self._refuse(values["tripping"])
                self._stop_playing()
                with suppress(OSError):
                    self._control.send(Word.STOPPED.encode())
            else:
                self.safe_after_ms = values["safe_after_ms"]
                self._enter(GuardianState.TRIPPED)

    def _enter(self, state: GuardianState) -> None:
        if self._state is not GuardianState.RELEASED:
            self._state = state
        self._ended.set()

    def _stop_playing(self) -> None:
        for callback in self._on_trip:
            with suppress(Exception):
                callback(self.reason or "")

    def _make_safe(self) -> None:
        hands = [
            threading.Thread(target=self._make_one_safe, args=(guarded,), daemon=True)
            for guarded in self._guarded.values()
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join(LIMIT_S)

    def _make_one_safe(self, guarded: Guarded) -> None:
        began = time.monotonic_ns()
        self.safe_after_ms[guarded.name] = None
        while time.monotonic_ns() < began + LIMIT_S * 1e9:
            try:
                port = SerialPort(guarded.spec)
            except RigError:  # the system is still taking the port back from the dead guardian
                time.sleep(0.01)
                continue
            try:
                make_safe(guarded, port)
                self.safe_after_ms[guarded.name] = (time.monotonic_ns() - began) / 1e6
                return
            except RigError:
                continue
            finally:
                port.close()


def _require_ready(message: bytes) -> None:
    answer: dict[str, Any] = json.loads(message) if message else {}
    if "ready" not in answer:
        family = getattr(errors, answer.get("refused", ""), RigError)
        raise family(answer.get("message", "The guardian ended before it was ready; nothing was moved"))
