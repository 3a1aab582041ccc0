"""The guardian's own process: `python -m rigs.guardian.process CONTROL_FD`, started by `Guardian.start`.

It is in a session of its own, so Ctrl-C at the lab's terminal does not reach it, and ends when the lab
releases it, or after the rig is safe when the lab is gone.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigs.errors import RigError
from rigs.guardian.channel import Channel
from rigs.guardian.guarded import LIMIT_S, Guarded
from rigs.guardian.wire import Word
from rigs.links.waker import Waker

UNPLUGGED_S = 60.0  # how long it waits for an unplugged instrument to come back and be made safe
END_S = 0.2  # of the limit, for ending a lab that does not stop what it plays
NS_PER_MS = 1_000_000


@dataclass
class Watch:
    """All that the guardian minds. silence_s: longest pause between beats, once it is armed. limit_s: from the last one on, or
    from another reason to stop, until everything is safe and silent."""

    control: socket.socket
    channels: list[Channel]
    silence_s: float
    limit_s: float
    end_hung_lab: bool
    record: Path | None
    lab: int  # pidfd
    waker: Waker = field(default_factory=Waker)
    players: list[int] = field(default_factory=list)  # pidfds
    last_beat: float | None = None
    tripped: str | None = None
    ordered: str | None = None  # why another thread or a signal asks to trip
    stopped: bool = False
    released: bool = False
    lab_gone: bool = False
    waiting: bool = False  # for the lab to fall silent

    def run(self) -> None:
        """Watch until the lab releases or is gone; then see to it that everything is safe."""
        while not (self.lab_gone or self.released):
            ready, _, _ = select.select([self.control, self.lab, self.waker], [], [], self._patience())
            if self.waker in ready:
                self.waker.clear()
            if self.ordered and not self.tripped:
                self.trip(self.ordered)
                continue  # what was ready may have been heard meanwhile
            if self.lab in ready:
                self.lab_gone = True
                self.trip("the lab has ended without releasing the rig")
                return
            if self.control in ready and not self._listen():
                return
            if not self.tripped and self._patience() == 0.0 and not self._control_waits():
                self.trip(f"no heartbeat from the lab for {self.silence_s:g} s", self.silence_s)

    def arm(self) -> None:
        """Count the heartbeat from now on, if it has not begun by itself."""
        if self.last_beat is None:
            self.last_beat = time.monotonic()
            self.waker.wake()

    def order(self, reason: str) -> None:
        """Ask for a trip, from any thread."""
        self.ordered = self.ordered or reason
        self.waker.wake()

    def _patience(self) -> float | None:
        if self.tripped or self.last_beat is None:
            return None
        return max(0.0, self.last_beat + self.silence_s - time.monotonic())

    def _control_waits(self) -> bool:
        """Beats that came while this process did not get the processor count as beats."""
        return bool(select.select([self.control], [], [], 0)[0])

    def _listen(self) -> bool:
        """Take one word of the lab; False when it is done with the guardian."""
        try:
            message = self.control.recv(4096)
        except OSError:
            message = b""
        if not message:
            self.lab_gone = True
            self.trip("the lab has closed the connection without releasing the rig")
            return False
        word, rest = Word(chr(message[0])), message[1:]
        if word is Word.BEAT:
            self.last_beat = time.monotonic()
        elif word is Word.TRIP:
            self.trip(rest.decode(errors="replace"))
        elif word is Word.END:
            with suppress(OSError, ValueError):
                self.players.append(os.pidfd_open(int(rest)))
        elif word is Word.STOPPED:
            self.stopped = True
        elif word is Word.RELEASE:
            self.released = True
        return not self.released

    def trip(self, reason: str, spent_s: float = 0.0) -> None:
        """Make everything safe, all instruments at once, and silent; may be repeated. spent_s: of the limit, already."""
        began = time.monotonic_ns()
        self.tripped = self.tripped or reason
        for channel in self.channels:
            channel.stop_listening()
        self._say({"tripping": self.tripped})
        for player in self.players:
            with suppress(OSError):
                signal.pidfd_send_signal(player, signal.SIGKILL)
        hands = [threading.Thread(target=channel.make_safe, daemon=True) for channel in self.channels]
        for hand in hands:
            hand.start()
        deadline = time.monotonic() + LIMIT_S
        self._see_it_silent(self.limit_s - spent_s - END_S)
        for hand in hands:
            hand.join(max(0.0, deadline - time.monotonic()))
        report = {channel.guarded.name: _since(channel.safe_ns, began) for channel in self.channels}
        self.note("safe", reason=reason, safe_after_ms=report)
        self._say({"tripped": self.tripped, "safe_after_ms": report})

    def _see_it_silent(self, within_s: float) -> None:
        """Wait until the lab has stopped what it plays; end a lab that does not."""
        if self.stopped or self.lab_gone or not self.end_hung_lab or self.waiting:
            return
        self.waiting = True
        deadline = time.monotonic() + within_s
        while not self.stopped and (left := deadline - time.monotonic()) > 0.0:
            ready, _, _ = select.select([self.control, self.lab], [], [], left)
            if self.lab in ready or (self.control in ready and not self._listen()):
                break
        else:
            if not self.stopped:
                self.note("ended the lab", reason="it hung and what it played could not be stopped otherwise")
                with suppress(OSError):
                    signal.pidfd_send_signal(self.lab, signal.SIGKILL)
        self.waiting = False

    def _say(self, values: dict[str, Any]) -> None:
        with suppress(OSError):
            self.control.send(json.dumps(values).encode(), socket.MSG_DONTWAIT)

    def finish(self) -> None:
        """Wait for instruments that were unplugged when it mattered, then give the ports back."""
        deadline = time.monotonic() + UNPLUGGED_S
        while self.tripped and self._unsafe() and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.tripped and (unsafe := self._unsafe()):
            self.note("not safe", names=unsafe, reason=f"not plugged in for {UNPLUGGED_S:g} s")
        self.note("ended", tripped=self.tripped)
        for channel in self.channels:
            channel.close()

    def _unsafe(self) -> list[str]:
        return [
            channel.guarded.name
            for channel in self.channels
            if channel.guarded.safe and channel.safe_ns is None
        ]

    def note(self, what: str, **values: Any) -> None:
        """Append to the record that `lab rig check` reads after a crash."""
        if self.record:
            line = json.dumps({"at_ns": time.monotonic_ns(), "what": what, **values}) + "\n"
            with suppress(OSError), self.record.open("a") as file:
                file.write(line)


def _since(safe_ns: int | None, began_ns: int) -> float | None:
    return None if safe_ns is None else round((safe_ns - began_ns) / NS_PER_MS, 1)


def main(control_fd: int) -> None:
    control = socket.socket(fileno=control_fd)
    lab = os.pidfd_open(os.getppid())
    orders = json.loads(control.recv(1 << 20))
    if os.getppid() != orders["lab"]:
        return  # it is gone already, and nothing has been opened
    watch = Watch(
        control=control,
        channels=[],
        silence_s=orders["silence_s"],
        limit_s=orders["limit_s"],
        end_hung_lab=orders["end_hung_lab"],
        record=Path(orders["record"]) if orders["record"] else None,
        lab=lab,
    )

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: watch.order("the guardian was told to end"))
    with suppress(OSError):
        os.nice(-10)  # where it is allowed: no renderer keeps the guardian waiting
    try:
        for values, end in zip(orders["guarded"], orders["ends"], strict=True):
            one = Guarded.from_json(values)
            watch.channels.append(Channel(one, socket.socket(fileno=end), watch.arm, watch.order))
    except RigError as error:
        control.send(json.dumps({"refused": type(error).__name__, "message": str(error)}).encode())
        return
    for channel in watch.channels:
        channel.serve()
    watch.note("watching", names=[channel.guarded.name for channel in watch.channels])
    control.send(json.dumps({"ready": os.getpid()}).encode())
    try:
        watch.run()
    except BaseException as error:
        watch.trip(f"the guardian failed: {error!r}")
        raise
    finally:
        watch.finish()


if __name__ == "__main__":
    main(int(sys.argv[1]))
