"""An instrument that repeats what it hears, on a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rigs.emulators.wire import PtyServer
from rigs.links import Link, LinkSpec, open_link


class Echo:
    """Repeats every byte; says `ready` when its power comes back."""

    def feed(self, data: bytes) -> bytes:
        return data

    def tick(self) -> bytes:
        return b""

    def reboot(self) -> bytes:
        return b"ready\r\n"


@pytest.fixture
def wire() -> Iterator[PtyServer]:
    with PtyServer(Echo(), "echo") as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "wire.log"


@pytest.fixture
def link(wire: PtyServer, log: Path) -> Iterator[Link]:
    with open_link(LinkSpec(wire.url), log, "echo") as link:
        yield link
