"""What every relay board can do, whatever wire it speaks.

A channel is numbered as on the terminal blocks, from 1. `commanded` is what the lab last asked for: it
says nothing of the contacts, and is None for a channel while nothing has been asked since the link opened.
Only a sense path (a microphone that hears the fan, a supply's current) verifies a contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from rigs.errors import Unsafe


@runtime_checkable
class RelayBoard(Protocol):
    name: str
    channels: int

    @property
    def commanded(self) -> Mapping[int, bool | None]:
        """Channel -> on, off, or None for not known."""

    def set(self, channel: int, on: bool) -> None:
        """Switch one relay. Raises Unsafe for a channel that the board does not have."""

    def all_off(self) -> None:
        """Every relay off, each told explicitly."""

    def safe_bytes(self) -> tuple[bytes, ...]:
        """The frames that open every relay, for a guardian that writes them without listening."""


def require_channel(name: str, channel: int, channels: int, call: str) -> None:
    """Raises Unsafe when a board of so many channels has no such channel."""
    if isinstance(channel, bool) or not isinstance(channel, int) or not 1 <= channel <= channels:
        raise Unsafe(f"relay board {name}: refused {call}: it has channels 1 to {channels}")
