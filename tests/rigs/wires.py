"""Real pseudo-terminals for driver tests: a scripted peer that reads like the manual, and emulators with faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rigs.emulators.wire import PtyServer
from rigs.links import Link, LinkSpec, open_link
from rigs.profile import find_emulator, find_instrument, load_profile

PATIENCE_S = 30.0  # how long a busy machine may take; nothing waits for it when all is well
SILENCE_S = 0.1  # how long to listen to a peer that stays silent
UNUSABLE_S = 1.5  # how long to listen where an unusable reply must have come in


class Script:
    """A peer that knows only its lines: it answers the next expected bytes, and nothing else."""

    def __init__(self, pairs: tuple[tuple[bytes, bytes], ...]):
        self.left = list(pairs)
        self.heard = bytearray()

    def feed(self, data: bytes) -> bytes:
        self.heard += data
        reply = b""
        while self.left and self.heard.startswith(self.left[0][0]):
            sent, answer = self.left.pop(0)
            del self.heard[: len(sent)]
            reply += answer
        return reply

    def tick(self) -> bytes:
        return b""


@contextmanager
def conversation(*pairs: tuple[bytes, bytes], **line: Any) -> Iterator[Link]:
    """A link on which exactly these bytes must be sent, each answered by its partner."""
    script = Script(pairs)
    with PtyServer(script) as server, open_link(LinkSpec(server.url, **line)) as link:
        yield link
        server.wait_received(lambda _: not script.left, PATIENCE_S)
        assert [sent.hex(" ") for sent, _ in script.left] == [], f"not sent; heard {script.heard.hex(' ')}"
        assert script.heard.hex(" ") == "", "sent beyond the script"


def hexes(*pairs: tuple[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes.fromhex(sent), bytes.fromhex(answer)) for sent, answer in pairs)


class Hurried:
    """A link whose patience a test can end: replies that never come need not be waited for long, all others may
    take as long as a busy machine needs."""

    def __init__(self, link: Link):
        self._link, self.limit_s = link, PATIENCE_S

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def request(self, data: bytes, until: Any, timeout_s: float) -> bytes:
        return self._link.request(data, until=until, timeout_s=self.limit_s)


class Bench(NamedTuple):
    server: PtyServer
    link: Hurried
    device: Any

    @property
    def emulator(self) -> Any:
        return self.server.emulator


@contextmanager
def emulated(driver: str, profile: Any) -> Iterator[Bench]:
    """A driver on an emulator of its instrument, with all the patience that `link.limit_s` leaves it.

    profile: one, or the name of a shipped one.
    """
    profile = load_profile(profile, driver) if isinstance(profile, str) else profile
    with (
        PtyServer(find_emulator(driver)(profile)) as server,
        open_link(LinkSpec(server.url, **profile.line_settings())) as link,
    ):
        hurried = Hurried(link)
        yield Bench(server, hurried, find_instrument(driver).driver(hurried, profile, name="bench one"))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)
