"""USB relay boards sold as "LCUS-n" (CH340, 1a86:7523), 9600 baud 8N1, and clones that differ by dialect.

    A0 channel state sum        sum: low byte of the three before it; channel from 1; state 1 on, 0 off
    D0 state                    clones with one relay that ignore A0

The boards have no serial number (bind them by USB path), no broadcast, and no read-back to rely on: `FF`
brings N bytes from some, nothing from many. So the state kept here is commanded, never verified, and
because opening a CH340 toggles its control lines, every relay is told to be off when the link opens.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rigs.errors import BadReply, NoReply
from rigs.links import Link
from rigs.profile import Instrument, SerialLine, profile
from rigs.relay_board import Switching, require_channel


class Dialect(StrEnum):
    A0 = "a0"
    D0 = "d0"


@profile
class LcusProfile(SerialLine):
    """channels: relays on the board. echo: the board repeats each frame. gap_s: rest between frames."""

    channels: Annotated[int, Field(ge=1, le=16)] = 8
    dialect: Dialect = Dialect.A0
    echo: bool = False
    gap_s: Annotated[float, Field(ge=0, le=1)] = 0.005
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 0.5

    def __post_init__(self) -> None:
        if self.dialect is Dialect.D0 and self.channels != 1:
            raise ValueError('channels: must be 1 with dialect "d0", whose frames name no channel')

    def safe_bytes(self) -> tuple[bytes, ...]:
        """Every relay off."""
        return tuple(frame(self.dialect, channel, False) for channel in range(1, self.channels + 1))

    @property
    def safe_gap_s(self) -> float:
        return self.gap_s


def frame(dialect: Dialect, channel: int, on: bool) -> bytes:
    """The bytes that switch one relay."""
    if dialect is Dialect.D0:
        return bytes([0xD0, on])
    return bytes([0xA0, channel, on, (0xA0 + channel + on) & 0xFF])


class LcusBoard:
    """A relay board behind an open link. Making one switches every relay off."""

    def __init__(self, link: Link, profile: LcusProfile, name: str = "lcus"):
        self.name, self.channels = name, profile.channels
        self._link, self._profile = link, profile
        self._switching = Switching(link, profile)
        self.all_off()

    @property
    def commanded(self) -> Mapping[int, bool | None]:
        return self._switching.commanded

    def set(self, channel: int, on: bool) -> None:
        """Switch one relay.

        Raises Unsafe for a channel that is not there, LinkLost when the line goes (all channels are then
        unknown, and the next call first switches all off), NoReply or BadReply when the echo of a board
        that echoes is missing or wrong.
        """
        require_channel(self.name, channel, self.channels, on)
        if self._switching.untold:
            self.all_off()
        self._send(channel, on)

    def all_off(self) -> None:
        """Every relay off, one frame each: there is no broadcast."""
        for channel in range(1, self.channels + 1):
            self._send(channel, False)

    def safe_bytes(self) -> tuple[bytes, ...]:
        return self._profile.safe_bytes()

    def _send(self, channel: int, on: bool) -> None:
        sent = frame(self._profile.dialect, channel, on)
        with self._switching.ordering({channel: on}):
            if self._profile.echo:
                self._send_and_hear(sent, channel)
            else:
                self._link.write(sent)
            time.sleep(self._profile.gap_s)

    def _send_and_hear(self, sent: bytes, channel: int) -> None:
        try:
            self._link.request(sent, until=sent, timeout_s=self._profile.timeout_s)
        except NoReply as silence:
            if not (heard := silence.received):
                raise NoReply(
                    f"relay board {self.name}: channel {channel}: no echo of {sent.hex(' ')}: "
                    "check the board's power, or set echo = false in its profile"
                ) from None
            raise BadReply(
                f"relay board {self.name}: channel {channel}: sent {sent.hex(' ')}, "
                f"heard {heard[:16].hex(' ')}: check dialect and speed in its profile",
                heard,
            ) from None


INSTRUMENT = Instrument(profile=LcusProfile, driver=LcusBoard)
