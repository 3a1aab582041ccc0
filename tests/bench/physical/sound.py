"""Why nothing can be played here, for tests that need a sound card of software."""

from __future__ import annotations

import ctypes.util

import pytest

from rigs.emulators.jack import missing


def reason() -> str | None:
    if not ctypes.util.find_library("portaudio"):
        return "PortAudio is not installed (Debian: libportaudio2)"
    return missing()


needs_sound = pytest.mark.skipif(reason() is not None, reason=reason() or "")
