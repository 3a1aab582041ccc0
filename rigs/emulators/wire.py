"""An emulated instrument on a real pseudo-terminal, with faults on request.

The emulator holds the meaning (`feed` bytes in, bytes out); the server holds the wire: it delivers
replies late, in pieces, mixed with others, damaged or not at all, pulls the plug and cycles the power.
"""

from __future__ import annotations

import os
import random
import select
import tempfile
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from rigs.links.waker import Waker

TICK_S = 0.02
BACKLOG_BYTES = 1 << 22  # what a host that does not listen may let pile up before the oldest is lost


class Emulator(Protocol):
    """What an instrument does with the bytes it hears.

    Optional: `alarm() -> bytes` (raise an alarm now, as in mid-move), `reboot() -> bytes` (power cycle;
    what it says while booting), `damage(reply) -> bytes` (its own way of a wrong checksum).
    """

    def feed(self, data: bytes) -> bytes:
        """Bytes from the host; returns the reply, empty when there is none."""

    def tick(self) -> bytes:
        """Called some 50 times a second; returns what the instrument says on its own."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong on the wire.

    silence: replies are lost. late_s: replies come this much later. split: replies come in pieces of this
    many bytes, a tick apart (0: whole). interleave: these bytes land in the middle of every reply.
    garbage: this many random bytes before every reply. checksum: the last byte of every reply is wrong.
    alarm: raised in the emulator when it turns true. unplug: while true the port is gone. reboot: the
    power is cycled when it turns true.
    """

    silence: bool = False
    late_s: float = 0.0
    split: int = 0
    interleave: bytes = b""
    garbage: int = 0
    checksum: bool = False
    alarm: bool = False
    unplug: bool = False
    reboot: bool = False


class PtyServer:
    """Runs an emulator on a pseudo-terminal in a thread of its own.

    url: a path that stays the same when the adapter is plugged in again. received: every byte the host
    sent, in order. Use as a context manager, or call `close`.
    """

    def __init__(self, emulator: Emulator, name: str = "instrument", seed: int = 0) -> None:
        self.emulator: Any = emulator
        self.received = bytearray()
        self._arrivals: deque[tuple[int, bytes]] = deque()
        self._faults = Faults()
        self._random = random.Random(seed)
        self._folder = tempfile.TemporaryDirectory(prefix="earshot-wire-")
        self.url = str(Path(self._folder.name) / name)
        self._outgoing: deque[tuple[float, bytes]] = deque()  # (not before, bytes)
        self._outgoing_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._waker = Waker()
        self._master = self._slave = -1
        self._plug_in()
        self._thread = threading.Thread(target=self._serve, name=f"emulator {name}", daemon=True)
        self._thread.start()

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, wanted: Faults) -> None:
        """Replace all faults; returns when the wire has them."""
        with self._changed:
            self._faults = wanted
            self._waker.wake()
            self._changed.wait_for(lambda: self._in_force == wanted or self._closing)

    def set_faults(self, **faults: Any) -> None:
        """Change some faults, as `set_faults(silence=True)`; returns when the wire has them."""
        self.faults = replace(self._faults, **faults)

    def unplug(self) -> None:
        """Pull the USB plug: the host's port is gone."""
        self.set_faults(unplug=True)

    def plug(self) -> None:
        """Put it back, at the same `url`."""
        self.set_faults(unplug=False)

    def reboot(self) -> None:
        """Cycle the power of the instrument; the port stays."""
        self.set_faults(reboot=True)
        self.set_faults(reboot=False)

    def say(self, data: bytes) -> None:
        """Send bytes to the host as they are, untouched by faults."""
        with self._changed:
            self._queue(data, time.monotonic())
            self._waker.wake()

    def wait_received(self, wanted: bytes | Callable[[bytes], bool], timeout_s: float = 10.0) -> bool:
        """Wait until the host has sent these bytes (or what the function accepts); False when it has not."""
        fulfils = wanted if callable(wanted) else lambda received: wanted in received
        with self._changed:
            return self._changed.wait_for(lambda: fulfils(bytes(self.received)), timeout_s)

    def arrivals(self) -> list[tuple[int, bytes]]:
        """What the host sent, with the time (time.monotonic_ns) each piece was read."""
        with self._changed:
            return list(self._arrivals)

    def close(self) -> None:
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._waker.wake()
        self._thread.join()
        self._unplug()
        self._waker.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # From here on everything runs in the server's thread (but for the first plugging in).

    _in_force = Faults()

    def _serve(self) -> None:
        next_tick = time.monotonic()
        while not self._closing:
            now = time.monotonic()
            due = bool(self._outgoing) and self._outgoing[0][0] <= now
            pause = max(0.0, min(next_tick, self._outgoing[0][0] if self._outgoing else next_tick) - now)
            plugged = self._master >= 0
            reads = [self._waker, *([self._master] if plugged else [])]
            ready, writable, _ = select.select(reads, [self._master] if plugged and due else [], [], pause)
            with self._changed:
                if self._waker in ready:
                    self._waker.clear()
                self._apply_faults()
                if plugged and self._master in ready:
                    self._hear()
                if time.monotonic() >= next_tick:
                    next_tick = time.monotonic() + TICK_S
                    self._answer(self.emulator.tick())
                if writable:
                    self._send()
                self._changed.notify_all()

    def _apply_faults(self) -> None:
        before, self._in_force = self._in_force, self._faults
        if self._in_force.unplug != before.unplug:
            self._unplug() if self._in_force.unplug else self._plug_in()
        if self._in_force.reboot and not before.reboot:
            self._outgoing.clear()
            self._outgoing_bytes = 0
            self._answer(self._optional("reboot"))
        if self._in_force.alarm and not before.alarm:
            self._answer(self._optional("alarm"))

    def _optional(self, name: str) -> bytes:
        method = getattr(self.emulator, name, None)
        return (method() if method else b"") or b""

    def _hear(self) -> None:
        if self._master < 0:  # unplugged a moment ago
            return
        try:
            data = os.read(self._master, 65536)
        except (BlockingIOError, OSError):
            return
        self.received += data
        self._arrivals.append((time.monotonic_ns(), data))
        self._answer(self.emulator.feed(data))

    def _answer(self, reply: bytes | None) -> None:
        faults = self._in_force
        if not reply or faults.silence or self._master < 0:
            return
        if faults.checksum:
            damage = getattr(self.emulator, "damage", None)
            reply = damage(reply) if damage else reply[:-1] + bytes([reply[-1] ^ 0x01])
        if faults.interleave:
            middle = len(reply) // 2
            reply = reply[:middle] + faults.interleave + reply[middle:]
        if faults.garbage:
            reply = self._random.randbytes(faults.garbage) + reply
        at = time.monotonic() + faults.late_s
        size = faults.split or len(reply)
        for number, start in enumerate(range(0, len(reply), size)):
            self._queue(reply[start : start + size], at + number * TICK_S)

    def _queue(self, data: bytes, at: float) -> None:
        if self._outgoing:
            at = max(at, self._outgoing[-1][0])  # a wire never reorders
        self._outgoing.append((at, data))
        self._outgoing_bytes += len(data)
        while self._outgoing_bytes > BACKLOG_BYTES and len(self._outgoing) > 1:
            self._outgoing_bytes -= len(self._outgoing.popleft()[1])

    def _send(self) -> None:
        now = time.monotonic()
        while self._outgoing and self._outgoing[0][0] <= now and self._master >= 0:
            at, data = self._outgoing[0]
            try:
                sent = os.write(self._master, data)
            except (BlockingIOError, OSError):
                return
            self._outgoing_bytes -= sent
            if sent < len(data):
                self._outgoing[0] = (at, data[sent:])
                return
            self._outgoing.popleft()

    def _plug_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)  # no echo before the host opens it
        os.set_blocking(self._master, False)
        # The server keeps the slave open, so the line survives a host that closes it.
        Path(self.url).symlink_to(os.ttyname(self._slave))

    def _unplug(self) -> None:
        if self._master < 0:
            return
        Path(self.url).unlink(missing_ok=True)
        self._outgoing.clear()
        self._outgoing_bytes = 0
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
