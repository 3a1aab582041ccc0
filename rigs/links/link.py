"""A link: one reader thread owns the port from open to close, everybody else waits or subscribes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Self

from rigs.errors import LinkBusy, LinkLost, NoReply, RigError, Unsafe
from rigs.links.lines import Line, LineSplitter
from rigs.links.log import Direction, WireLog
from rigs.links.port import Port, SerialPort
from rigs.links.spec import LinkSpec

UNREAD_LINES = 10_000  # older ones are dropped from the queue (never from the log)
LONGEST_REPLY = 1 << 22  # bytes that a request collects before it gives up on its end mark
RETRY_S = (0.1, 0.2, 0.5, 1.0)  # pauses between attempts to reconnect; the last one repeats
READ_S = 0.5

_logger = logging.getLogger(__name__)


class LinkState(Enum):
    CLOSED = "closed"
    OPEN = "open"
    LOST = "lost"


def open_link(spec: LinkSpec, log: Path | None = None, name: str | None = None) -> Link:
    """Open a link; raises LinkLost, LinkBusy or BadRigFile.

    log: file that every byte is appended to. name: what messages call it, by default where the port is.
    """
    return Link(spec, lambda: SerialPort(spec), log, name)


class Link:
    """Bytes to and from one instrument.

    The reader thread stamps what arrives (time.monotonic_ns), logs it, cuts it into lines and hands them
    out. After an unplug it keeps trying to open the port again. A call that waits while the link is lost
    raises LinkLost, also when the link has come back in the meantime: what was asked before the loss is
    not answered after it. All calls may come from any thread except the link's own callbacks, which may
    write but must not wait.
    """

    def __init__(
        self, spec: LinkSpec, connect: Callable[[], Port], log: Path | None = None, name: str | None = None
    ) -> None:
        self.spec = spec
        self.name = name or spec.place
        self._connect = connect
        self._log = WireLog(log) if log else None
        try:
            self._port: Port = connect()
        except BaseException:
            if self._log:
                self._log.close()
            raise
        self._state = LinkState.OPEN
        self._why = ""
        self._losses = 0
        self._refusal: str | None = None
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._unread: deque[Line] = deque(maxlen=UNREAD_LINES)
        self._reply: bytearray | None = None
        self._splitter = LineSplitter(spec.terminator)
        self._on_line: list[Callable[[Line, int], None]] = []
        self._on_state: list[Callable[[LinkState], None]] = []
        self._write_lock = threading.Lock()
        self._request_lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name=f"link {self.name}", daemon=True)
        self._reader.start()

    @property
    def state(self) -> LinkState:
        return self._state

    @property
    def log_fault(self) -> str | None:
        """Why the log is incomplete (a full disk), None while it is whole."""
        return self._log.fault if self._log else None

    def write(self, data: bytes) -> None:
        """Send bytes as they are; raises LinkLost, and Unsafe while the rig is kept in its safe state."""
        with self._write_lock:
            self._require_open("write")
            if self._log:
                self._log.add(Direction.SENT, data)
            if not self.spec.pacing_s:
                self._port.write(data)
                return
            for byte in data:
                self._port.write(bytes([byte]))
                time.sleep(self.spec.pacing_s)

    def request(
        self, data: bytes, until: bytes | int | Callable[[bytes], bool] = b"\n", timeout_s: float = 1.0
    ) -> bytes:
        """Send bytes and return what arrives after them, up to and with its end.

        until: the bytes that end the reply, or its length, or a function that tells from all that has
        arrived whether it is whole. An empty `data` only listens. Lines of the reply also reach
        subscribers and the unread queue. Raises NoReply (with what did arrive), LinkLost.
        """
        self._refuse_in_reader("request")
        with self._request_lock:
            losses = self._losses
            deadline = time.monotonic() + timeout_s
            with self._changed:
                self._reply = reply = bytearray()
            try:
                if data:
                    self.write(data)
                with self._changed:
                    while (end := _end(reply, until)) is None:
                        self._require_open("request", losses)
                        left = deadline - time.monotonic()
                        if left <= 0 or len(reply) > LONGEST_REPLY:
                            raise NoReply(_unanswered(self.name, data, bytes(reply), timeout_s), bytes(reply))
                        self._changed.wait(left)
                    return bytes(reply[:end])
            finally:
                with self._changed:
                    self._reply = None

    def wait_line(
        self, predicate: Callable[[Line], bool] = lambda line: True, timeout_s: float = 1.0
    ) -> Line:
        """The next unread line that fulfils the predicate; lines before it count as read.

        Raises NoReply, LinkLost.
        """
        self._refuse_in_reader("wait_line")
        losses = self._losses
        deadline = time.monotonic() + timeout_s
        passed = 0
        with self._changed:
            while True:
                while self._unread:
                    line = self._unread.popleft()
                    if predicate(line):
                        return line
                    passed += 1
                self._require_open("wait_line", losses)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NoReply(
                        f"{self.name}: the awaited line did not come within {timeout_s:g} s ({passed} others did)"
                    )
                self._changed.wait(left)

    def lines(self, idle_s: float = 0.0) -> Iterator[Line]:
        """Unread lines; ends when none has come for `idle_s` seconds. Raises LinkLost once none is left."""
        while True:
            try:
                yield self.wait_line(timeout_s=idle_s)
            except NoReply:
                return

    def drain(self) -> None:
        """Forget unread lines and a line that has only begun."""
        with self._changed:
            self._unread.clear()
            self._splitter.reset()

    def subscribe(self, callback: Callable[[Line, int], None]) -> Callable[[], None]:
        """Call `callback(line, at_ns)` in the reader thread for every line from now on; returns the way out."""
        self._on_line.append(callback)
        return lambda: self._on_line.remove(callback)

    def subscribe_state(self, callback: Callable[[LinkState], None]) -> Callable[[], None]:
        """Call `callback(state)` in the reader thread whenever the link is lost, back, or closed."""
        self._on_state.append(callback)
        return lambda: self._on_state.remove(callback)

    def refuse(self, reason: str) -> None:
        """Make every call that sends or waits raise Unsafe from now on; what arrives is still logged and told."""
        with self._changed:
            self._refusal = reason
            self._changed.notify_all()

    def close(self) -> None:
        """Give the port back; further calls raise LinkLost. Does nothing the second time."""
        self._closing.set()
        self._port.wake()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_open(self, call: str, losses: int | None = None) -> None:
        if self._refusal:
            raise Unsafe(f"{self.name}: the rig is in its safe state ({self._refusal}); {call} refused")
        if self._state is LinkState.OPEN and losses in (None, self._losses):
            return
        state = f"link {self._state.value}"
        if self._state is LinkState.OPEN:
            state = "link open again, but it was lost in between"
        raise LinkLost(f"{self.name} ({state}{self._why and ', ' + self._why}): {call} refused")

    def _refuse_in_reader(self, call: str) -> None:
        if threading.current_thread() is self._reader:
            raise RigError(f"{self.name}: {call} inside a callback of the same link would wait for itself")

    # From here on everything runs in the reader thread.

    def _read(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    data, at_ns = self._port.read(READ_S)
                except LinkLost as lost:
                    self._lose(str(lost))
                    if not self._reconnect():
                        break
                    continue
                if data:
                    self._take(data, at_ns)
        finally:
            with self._write_lock:
                self._port.close()
            self._enter(LinkState.CLOSED if self._closing.is_set() else LinkState.LOST)
            if self._log:
                self._log.close()

    def _take(self, data: bytes, at_ns: int) -> None:
        if self._log:
            self._log.add(Direction.RECEIVED, data, at_ns)
        with self._changed:
            if self._reply is not None:
                self._reply += data
            lines = self._splitter.feed(data, at_ns)
            self._unread += lines
            self._changed.notify_all()
        for line in lines:
            for callback in tuple(self._on_line):
                _call(callback, line, line.at_ns)

    def _lose(self, why: str) -> None:
        with self._changed:
            self._losses += 1
            self._why = why
            self._splitter.reset()
        with self._write_lock:  # nobody writes into a port that is being closed
            self._port.close()
        self._enter(LinkState.LOST)

    def _reconnect(self) -> bool:
        attempt = 0
        while self.spec.reconnect and not self._closing.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)]):
            attempt += 1
            try:
                self._port = self._connect()
            except (LinkLost, LinkBusy):
                continue
            self._enter(LinkState.OPEN)
            return True
        return False

    def _enter(self, state: LinkState) -> None:
        with self._changed:
            if state is self._state:
                return
            self._state = state
            if self._log:
                why = f": {self._why}" if state is LinkState.LOST else ""
                self._log.add(Direction.REMARK, f"link {state.value}{why}".encode())
            self._changed.notify_all()
        for callback in tuple(self._on_state):
            _call(callback, state)


def _call(callback: Callable, *arguments: object) -> None:
    try:
        callback(*arguments)
    except Exception:
        _logger.exception("a subscriber of a link failed; the link goes on")


def _end(reply: bytearray, until: bytes | int | Callable[[bytes], bool]) -> int | None:
    """Where a reply ends, None while it is not whole."""
    if isinstance(until, int):
        return until if len(reply) >= until else None
    if isinstance(until, bytes):
        at = reply.find(until)
        return at + len(until) if at >= 0 else None
    return len(reply) if until(bytes(reply)) else None


def _unanswered(name: str, data: bytes, reply: bytes, timeout_s: float) -> str:
    asked = f"no whole reply to {data[:40]!r}" if data else "nothing whole"
    came = f"{len(reply)} bytes came: {reply[:60]!r}" if reply else "nothing came"
    return f"{name}: {asked} within {timeout_s:g} s ({came})"
