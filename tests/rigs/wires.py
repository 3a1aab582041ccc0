"""Real pseudo-terminals for driver tests: a scripted peer that reads like the manual, and emulators with faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rigs.emulators.wire import PtyServer
from rigs.errors import NoReply
from rigs.links import Link, LinkSpec, open_link
from rigs.profile import find_emulator, find_instrument, load_profile

PATIENCE_S = 30.0  # how long a busy machine may take; nothing waits for it when all is well
SILENCE_S = 0.1  # how long to listen to a peer that stays silent


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
def conversation(*pairs: tuple[bytes, bytes], **line: Any) -> Iterator[Patient]:
    """A link on which exactly these bytes must be sent, each answered by its partner."""
    script = Script(pairs)
    with PtyServer(script) as server, open_link(LinkSpec(server.url, **line)) as link:
        yield Patient(link)
        server.wait_received(lambda _: not script.left, PATIENCE_S)
        assert [sent.hex(" ") for sent, _ in script.left] == [], f"not sent; heard {script.heard.hex(' ')}"
        assert script.heard.hex(" ") == "", "sent beyond the script"


def hexes(*pairs: tuple[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes.fromhex(sent), bytes.fromhex(answer)) for sent, answer in pairs)


class Patient:
    """A link that gives replies all the time a busy machine needs, and waits for none where a test knows better.

    silent: requests that are known to bring no reply; None for all of them. junk: so many bytes of an unusable
    reply are known to come, then nothing.
    """

    def __init__(self, link: Link, silent: tuple[bytes, ...] | None = (), junk: int = 0):
        self._link, self.silent, self.junk = link, silent, junk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def request(self, data: bytes, until: Any, timeout_s: float) -> bytes:
        def whole(received: bytes) -> bool:
            return until(received) if callable(until) else until in received

        hopeless = self.silent is None or data in self.silent
        received = self._link.request(
            data,
            until=lambda received: whole(received) or 0 < self.junk <= len(received),
            timeout_s=SILENCE_S if hopeless else PATIENCE_S,
        )
        if not whole(received):
            raise NoReply("only junk came", received)
        return received


class Bench(NamedTuple):
    server: PtyServer
    link: Patient
    device: Any

    @property
    def emulator(self) -> Any:
        return self.server.emulator


@contextmanager
def emulated(driver: str, profile: Any) -> Iterator[Bench]:
    """A driver on an emulator of its instrument. profile: one, or the name of a shipped one."""
    profile = load_profile(profile, driver) if isinstance(profile, str) else profile
    with (
        PtyServer(find_emulator(driver)(profile)) as server,
        open_link(LinkSpec(server.url, **profile.line_settings())) as link,
    ):
        patient = Patient(link)
        yield Bench(server, patient, find_instrument(driver).driver(patient, profile, name="bench one"))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)
