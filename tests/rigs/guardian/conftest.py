"""A stage and a relay board on real pseudo-terminals, and labs in other processes to be ended."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rigs.emulators.wire import PtyServer
from tests.rigs.guardian import lab as guarded_lab


class Listener:
    """Answers lines with `ok`; hears nothing while `deaf`, as an instrument that holds up its line."""

    def __init__(self) -> None:
        self.hearing = threading.Event()
        self.hearing.set()

    def feed(self, data: bytes) -> bytes:
        self.hearing.wait()
        return b"ok\n" * data.count(b"\n")

    def tick(self) -> bytes:
        return b""


@pytest.fixture
def stage() -> Iterator[PtyServer]:
    with PtyServer(Listener(), "stage") as server:
        yield server
        server.emulator.hearing.set()


@pytest.fixture
def relays() -> Iterator[PtyServer]:
    with PtyServer(Listener(), "relays") as server:
        yield server


@pytest.fixture
def ports(stage: PtyServer, relays: PtyServer) -> dict[str, str]:
    return {"stage": stage.url, "relays": relays.url}


@pytest.fixture
def lab(tmp_path: Path, ports: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a lab in another process; kills it at the end."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        started.append(guarded_lab.start(tmp_path, ports, *options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
