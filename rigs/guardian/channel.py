"""The guardian's end of one instrument: the real port, carried to the lab until the rig is made safe."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rigs.errors import LinkBusy, LinkLost
from rigs.guardian.guarded import Guarded, make_safe
from rigs.guardian.wire import PIECE, Kind, pack
from rigs.links.log import Direction, WireLog
from rigs.links.port import SerialPort

PORTION = 64  # bytes written at a time, so that a trip never waits for a long line
RETRY_S = 0.1
LOCK_S = 0.1


class Channel:
    """Opens the port at once; raises LinkLost, LinkBusy or BadRigFile.

    arm: called before bytes of the lab reach an instrument that can do harm. stop: called with the reason when
    the instrument says one of its words for an emergency stop.
    """

    def __init__(
        self, guarded: Guarded, end: socket.socket, arm: Callable[[], None], stop: Callable[[str], None]
    ) -> None:
        self.guarded = guarded
        self.safe_ns: int | None = None  # when the last safe byte was sent
        self._end = end
        self._arm = arm if guarded.safe else lambda: None
        self._stop = stop
        self._heard = b""
        self._log = WireLog(guarded.log) if guarded.log else None
        self._port: SerialPort | None = SerialPort(guarded.spec)
        self._lock = threading.Lock()
        self._tripped = threading.Event()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._inward, self._outward)]

    def serve(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop_listening(self) -> None:
        """From here on nothing that the lab says reaches the instrument."""
        self._tripped.set()

    def make_safe(self) -> None:
        """Send the safe bytes now, or as soon as the port is back."""
        for _ in range(2):
            port = self._port
            if port is None:
                return
            port.discard_output()
            # A writer stuck in the port does not keep the safe bytes waiting; they are sent again behind it.
            taken = self._lock.acquire(timeout=LOCK_S)
            try:
                make_safe(self.guarded, _Logged(port, self))
                self.safe_ns = time.monotonic_ns()
            except LinkLost:
                return  # the reader notices too, and comes back here with the next port
            finally:
                if taken:
                    self._lock.release()
            if taken:
                return

    def close(self) -> None:
        """Give the port back, after what was written has left."""
        self._closing.set()
        if self._port:
            self._port.wake()
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(1.0)
        if self._log:
            self._log.close()

    def note(self, direction: Direction, data: bytes, at_ns: int | None = None) -> None:
        if self._log:
            self._log.add(direction, data, at_ns)

    def _outward(self) -> None:
        """From the lab to the instrument."""
        while not self._closing.is_set():
            try:
                message = self._end.recv(PIECE)
            except OSError:
                return
            if not message:
                return
            self._arm()
            with self._lock:
                for start in range(0, len(message), PORTION):
                    if self._tripped.is_set() or self._port is None:
                        break
                    portion = message[start : start + PORTION]
                    self.note(Direction.SENT, portion)
                    try:
                        self._port.write(portion)
                    except LinkLost:
                        break  # the reader tells the lab

    def _inward(self) -> None:
        """From the instrument to the lab, and opening the port again after an unplug."""
        while not self._closing.is_set():
            port = self._port
            if port is None:
                self._reopen()
                continue
            try:
                data, at_ns = port.read(0.5)
            except LinkLost as lost:
                with self._lock:  # nobody writes into a port that is being closed
                    self._port = None
                    port.close()
                self.note(Direction.REMARK, str(lost).encode())
                self._tell(pack(Kind.LOST, time.monotonic_ns(), str(lost).encode()))
                if self.guarded.stop_when_lost:
                    self._stop(f"emergency stop: {self.guarded.name} is gone")
                continue
            if data:
                self.note(Direction.RECEIVED, data, at_ns)
                self._listen_for_stop(data)
            for start in range(0, len(data), PIECE):
                self._tell(pack(Kind.DATA, at_ns, data[start : start + PIECE]))
        if self._port:
            self._port.close()

    def _listen_for_stop(self, data: bytes) -> None:
        if not self.guarded.stop_on:
            return
        self._heard += data
        for word in self.guarded.stop_on:
            if word in self._heard:
                self._stop(
                    f"emergency stop: {self.guarded.name} said {word.decode('ascii', 'backslashreplace')}"
                )
        # Long enough for a word cut in two, too short to hold a whole one.
        kept = max(map(len, self.guarded.stop_on)) - 1
        self._heard = self._heard[-kept:] if kept else b""

    def _reopen(self) -> None:
        if self._closing.wait(RETRY_S):
            return
        try:
            self._port = SerialPort(self.guarded.spec)
        except (LinkLost, LinkBusy):
            return
        self.note(Direction.REMARK, b"open again")
        if self._tripped.is_set():
            self.make_safe()
        self._tell(pack(Kind.OPEN, time.monotonic_ns()))

    def _tell(self, message: bytes) -> None:
        """Tell the lab; wait for it while it may still read, leave it to the log when it is gone."""
        while not self._closing.is_set():
            try:
                self._end.send(message, socket.MSG_DONTWAIT)
                return
            except BlockingIOError:
                if self._tripped.is_set():
                    return
                select.select([], [self._end], [], 0.2)
            except OSError:
                return


class _Logged:
    """A port whose sent bytes are noted first."""

    def __init__(self, port: SerialPort, channel: Channel) -> None:
        self._port = port
        self._channel = channel

    def write(self, data: bytes) -> None:
        self._channel.note(Direction.SENT, data)
        self._port.write(data)

    def discard_output(self) -> None:
        self._port.discard_output()
