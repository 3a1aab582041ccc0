"""What every relay board can do, whatever wire it speaks.

A channel is numbered as on the terminal blocks, from 1. `commanded` is what the lab last asked for: it
says nothing of the contacts, and is None for a channel while nothing has been asked since the link opened.
Only a sense path (a microphone that hears the fan, a supply's current) verifies a contact.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rigs.errors import LinkLost, RigError, Unsafe
from rigs.links import Link, LinkState


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


class RelayProfile(Protocol):
    channels: int
    baud_rate: int

    def safe_bytes(self) -> tuple[bytes, ...]: ...

    @property
    def safe_gap_s(self) -> float: ...


class Switching:
    """The part that boards share: which states were commanded, and what becomes of them when the link goes.

    A loss of the link makes every state unknown. When it is back, the safe frames go out at once (a board
    with a supply of its own may still be on); the states stay unknown until somebody asks for them.
    """

    def __init__(self, link: Link, profile: RelayProfile):
        self._link, self._profile = link, profile
        self._states: dict[int, bool | None] = dict.fromkeys(range(1, profile.channels + 1))
        self._losses = 0
        self._lock = threading.Lock()  # of the states
        self._busy = threading.RLock()  # of the wire: one order at a time
        link.subscribe_state(self._on_link)

    @property
    def commanded(self) -> dict[int, bool | None]:
        with self._lock:
            return dict(self._states)

    @property
    def untold(self) -> bool:
        """Whether no state is known: the link is new or was lost. (A single failed order leaves the rest known,
        and must not switch them: one of them may be the device's power.)"""
        return set(self.commanded.values()) == {None}

    @contextmanager
    def ordering(self, states: Mapping[int, bool]) -> Iterator[None]:
        """While an order is under way its channels are unknown, and stay so when it fails."""
        with self._busy:
            with self._lock:
                losses = self._losses
                self._states.update(dict.fromkeys(states))
            try:
                yield
            except LinkLost:
                self._forget()
                raise
            with self._lock:
                if losses == self._losses:
                    self._states.update(states)

    def _forget(self) -> None:
        with self._lock:
            self._losses += 1
            self._states = dict.fromkeys(self._states)

    def _on_link(self, state: LinkState) -> None:
        """In the link's reader thread: it may write, but must not wait for an order that is under way."""
        if state is not LinkState.OPEN:
            self._forget()
        elif self._busy.acquire(blocking=False):
            try:
                for frame in self._profile.safe_bytes():
                    self._link.write(frame)
                    time.sleep(self._profile.safe_gap_s + len(frame) * 11 / self._profile.baud_rate)
            except RigError:
                pass  # lost again: there will be another time
            finally:
                self._busy.release()


def require_channel(name: str, channel: int, channels: int, on: bool) -> None:
    """Raises Unsafe when a board of so many channels has no such channel."""
    if isinstance(channel, bool) or not isinstance(channel, int) or not 1 <= channel <= channels:
        raise Unsafe(
            f"relay board {name}: refused to switch channel {channel!r} {'on' if on else 'off'}: "
            f"it has channels 1 to {channels}"
        )
