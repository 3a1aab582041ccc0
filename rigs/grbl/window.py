"""Character counting: how much of the controller's receive buffer is taken by lines it has not answered.

A line may be sent while all unanswered lines, ends of line included, fit into the buffer less one byte
(GRBL 1.1 takes all of its 128, older firmware one less). Answers come strictly in the order of lines.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from rigs.grbl.protocol import Ok, Refused

LINE_BYTES = 79  # GRBL keeps 80 with the terminator; a longer line is `error:11`

# These write the EEPROM, and an AVR is deaf to its serial port meanwhile: nothing may be on its way.
_STORES = re.compile(r"\$(N?\d+|I|RST)=|G10|G28\.1|G30\.1|G5[4-9]", re.IGNORECASE | re.ASCII)


def must_go_alone(line: str) -> bool:
    """True for a line that may only be sent when every earlier one is answered, and be followed by none."""
    return _STORES.search(line.replace(" ", "")) is not None


@dataclass
class Ticket:
    """One line under way. answer: None until it is answered. lost: why no answer will come."""

    line: str
    answer: Ok | Refused | None = None
    lost: str | None = None

    @property
    def size(self) -> int:
        return len(self.line) + 1

    @property
    def closed(self) -> bool:
        return self.answer is not None or self.lost is not None


class Window:
    """Lines sent and not yet answered. capacity: bytes of the controller's receive buffer."""

    def __init__(self, capacity: int = 128) -> None:
        self.capacity = capacity
        self._open: deque[Ticket] = deque()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def used(self) -> int:
        return sum(ticket.size for ticket in self._open)

    def fits(self, line: str) -> bool:
        """Whether the line may be sent now."""
        if not self._open:
            return True
        if must_go_alone(line) or must_go_alone(self._open[-1].line):
            return False
        return self.used + len(line) + 1 <= self.capacity - 1

    def add(self, line: str) -> Ticket:
        ticket = Ticket(line)
        self._open.append(ticket)
        return ticket

    def answered(self, answer: Ok | Refused) -> Ticket | None:
        """The line that this answers; None when nothing was open, so the answer belongs to nobody."""
        if not self._open:
            return None
        ticket = self._open.popleft()
        ticket.answer = answer
        return ticket

    def abandon(self, why: str) -> None:
        """No open line will be answered any more."""
        while self._open:
            self._open.popleft().lost = why
