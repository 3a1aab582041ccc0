"""A sound card for tests that play and record: a JACK dummy server of this test process, with its own name.

PortAudio aborts the process in which it runs when its server stops, and looks for servers only once. So nothing that
plays runs in the test process: hand `jack_server.environment()` to a process of its own.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Iterator

import pytest

from rigs.emulators.jack import JackServer, JackSpec, missing
from rigs.errors import AudioFault


@pytest.fixture(scope="session")
def jack_server() -> Iterator[JackServer]:
    """96 kHz, 8 loopback channels, a lag of 1024 samples."""
    if reason := missing():
        pytest.skip(f"no sound card of software: {reason}")
    if not ctypes.util.find_library("portaudio"):
        pytest.skip("no PortAudio (Debian: libportaudio2)")
    server = JackServer(JackSpec(rate_hz=96_000, period=1024, channels=8))
    try:
        server.start()
    except AudioFault as fault:
        pytest.skip(f"no sound card of software: {fault}")
    yield server
    server.stop()
