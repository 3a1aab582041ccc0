"""Many lines at once: streamed with character counting, vetted first in the controller's check mode."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from rigs.errors import BadReply
from rigs.grbl import protocol
from rigs.grbl.codes import error_text
from rigs.grbl.controller import Controller
from rigs.grbl.protocol import Refused
from rigs.grbl.window import Ticket


def too_fast(lines: Sequence[str], most_mm_min: float) -> str | None:
    """Which line moves faster than allowed, or in a way whose speed the line does not tell; None for none."""
    for place, line in enumerate(lines, start=1):
        code = re.sub(r"\([^)]*\)|;.*|\s", "", line.upper())
        if re.search(r"G0*(0|2[08]|30|93)(?![0-9])", code):
            return f"line {place}, {line!r}: rapid moves, inches and inverse time are not allowed"
        if any(float(feed) > most_mm_min for feed in re.findall(r"F([0-9]+\.?[0-9]*)", code)):
            return f"line {place}, {line!r}: faster than {most_mm_min:g} mm/min"
    return None


def vet(controller: Controller, lines: Sequence[str], timeout_s: float) -> None:
    """Let the controller read all lines in check mode ($C), where nothing moves, and leave it again.

    Raises BadReply naming the first line it refuses, InstrumentAlarm for one beyond the travel.
    """
    controller.call("$C")
    try:
        stream(controller, lines, timeout_s, stop=False)
    finally:
        if controller.alarm is None and controller.lost is None:
            controller.reset()  # the way out of check mode; nothing moved, so no position is lost
            controller.report()


def stream(controller: Controller, lines: Sequence[str], timeout_s: float, stop: bool = True) -> None:
    """Send lines as fast as the receive buffer takes them; comes back when every one is answered.

    stop: hold the stage at the first refused line, because lines behind it are in the buffer already.
    Raises BadReply naming the first refused line, InstrumentAlarm, NoReply, LinkLost.
    """
    deadline = time.monotonic() + timeout_s
    sent: list[Ticket] = []
    for line in lines:
        sent.append(controller.send(line, max(0.0, deadline - time.monotonic())))
        if any(isinstance(ticket.answer, Refused) for ticket in sent):
            break
    refused = None
    for place, ticket in enumerate(sent, start=1):
        controller.settle(ticket, max(0.0, deadline - time.monotonic()), f"line {place}", raise_refusal=False)
        if refused is None and isinstance(ticket.answer, Refused):
            refused = (place, ticket.line, ticket.answer.code)
            if stop:
                controller.realtime(protocol.HOLD)
                break
    if refused is not None:
        place, line, code = refused
        raise BadReply(f"{controller.describe()}: refused line {place}, {line!r}: {error_text(code)}")
