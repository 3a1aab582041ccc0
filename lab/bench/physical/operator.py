"""The person at the bench: asked for what has no motor, told what is about to sound or move, free to interrupt.

Orders may be typed at any time and take effect between two trials: `p` pause, `r REASON` repeat the last trial,
`s REASON` skip the next, `q` stop.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import IO, Protocol

from rich.console import Console
from rich.markup import escape

from rigs.errors import OperatorAbsent

HELP = "Enter go on   p pause   r REASON repeat the last   s REASON skip the next   q stop"


class Order(Enum):
    GO_ON = ""
    PAUSE = "p"
    REPEAT = "r"
    SKIP = "s"
    STOP = "q"


@dataclass(frozen=True)
class Said:
    """What was typed. reason: words after a repeat or skip."""

    order: Order
    reason: str = ""


class Operator(Protocol):
    present: bool

    def tell(self, text: str) -> None:
        """Say something that needs no answer."""

    def ask(self, text: str) -> str:
        """Ask and wait for a line; what was typed, stripped. Raises OperatorAbsent when none comes in time."""

    def confirm(self, text: str) -> None:
        """Ask before something may move or play; only Enter is a yes. Raises OperatorAbsent when refused or not answered."""

    def order(self) -> Said:
        """What was typed since the last call; GO_ON when nothing was."""


class Nobody:
    """No person is there, as in CI: what can be read as `go on` goes on, every question is unanswered.

    log: called with everything that a person would have been told.
    """

    present = False

    def __init__(self, log: Callable[[str], None] = lambda text: None) -> None:
        self._log = log

    def tell(self, text: str) -> None:
        self._log(text)

    def ask(self, text: str) -> str:
        raise OperatorAbsent(f"nobody to ask: {text}")

    def confirm(self, text: str) -> None:
        self.ask(text)

    def order(self) -> Said:
        return Said(Order.GO_ON)


class AtTerminal:
    """A person at a terminal. patience_s: how long a question waits. stream: where their words come from."""

    present = True

    def __init__(
        self, patience_s: float = 300.0, console: Console | None = None, stream: IO[str] | None = None
    ) -> None:
        self._patience_s = patience_s
        self._console = console or Console(stderr=True, highlight=False)
        self._stream = stream or sys.stdin
        self._typed = bytearray()
        self._closed = False

    def tell(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

    def ask(self, text: str) -> str:
        """The question stays until it is answered; blanks around the answer do not count."""
        return self._answer(text, "then press Enter")

    def confirm(self, text: str) -> None:
        """An order is no yes: `p` pauses and asks again, any other holds between this trial and the next.

        Nor is an Enter that was pressed before the question could be read.
        """
        self._forget_enters()
        while line := self._answer(text, "Enter = go, anything else = no"):
            if _order(line) is not Order.PAUSE:
                if _order(line) is not None:
                    self._typed[:0] = line.encode() + b"\n"
                raise OperatorAbsent(f"refused at the bench: {text}")
            self.tell("paused; Enter asks again")
            if (line := self._line(None)) is None:
                raise OperatorAbsent("paused, and the terminal is gone")
            if line:
                self._typed[:0] = line.encode() + b"\n"

    def order(self) -> Said:
        """The last order counts; anything that is none is answered with the list."""
        said = Said(Order.GO_ON)
        while (line := self._line(0.0)) is not None:
            said = self._understood(line) or said
        while said.order is Order.PAUSE:
            line = self._line(None)
            if line is None:  # the terminal is gone; nobody can end the pause
                raise OperatorAbsent("paused, and the terminal is gone")
            said = self._understood(line) or said
        return said

    def _understood(self, line: str) -> Said | None:
        word, _, reason = line.partition(" ")
        order = _order(line)
        if order is None:
            self.tell(f"{line!r} is no order. {HELP}")
            return None
        if order in (Order.REPEAT, Order.SKIP) and not reason.strip():
            self.tell(f"{word}: say why, as in `{word} a door slammed`")
            return None
        if order is Order.PAUSE:
            self.tell(f"paused. {HELP}")
        return Said(order, reason.strip())

    def _forget_enters(self) -> None:
        """Of what was typed so far, only words remain."""
        words = []
        while (line := self._line(0.0)) is not None:
            if line:
                words.append(line.encode() + b"\n")
        self._typed[:0] = b"".join(words)

    def _answer(self, text: str, how: str) -> str:
        """Raises OperatorAbsent when none comes in time."""
        self._console.print(f"[bold reverse] {escape(text)} [/]  {how}", soft_wrap=True)
        line = self._line(self._patience_s)
        if line is None:
            raise OperatorAbsent(f"no answer in {self._patience_s:g} s to: {text}")
        return line

    def _line(self, wait_s: float | None) -> str | None:
        """One typed line, or None when none comes in time. None waits for ever.

        Read without a buffer of Python's: lines in there would be invisible to `select`.
        """
        deadline = None if wait_s is None else time.monotonic() + wait_s
        while b"\n" not in self._typed and not self._closed:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._stream], [], [], left)
            if not ready:
                return None
            data = os.read(self._stream.fileno(), 4096)
            self._closed = not data
            self._typed += data
        if b"\n" not in self._typed:
            return None
        line, _, rest = bytes(self._typed).partition(b"\n")
        self._typed = bytearray(rest)
        return line.decode(errors="replace").strip()


def _order(line: str) -> Order | None:
    """What the first word of a line orders, None when it is no order."""
    try:
        return Order(line.partition(" ")[0].lower())
    except ValueError:
        return None
