"""The board behind an emergency stop; the fault `alarm` presses it, `reboot` is its power."""

from __future__ import annotations

from rigs.stop_button import StopButtonProfile


class StopButtonEmulator:
    def __init__(self, profile: StopButtonProfile) -> None:
        self._profile = profile

    def feed(self, data: bytes) -> bytes:
        """It has no ears."""
        return b""

    def tick(self) -> bytes:
        return b""

    def alarm(self) -> bytes:
        return f"{self._profile.pressed}\r\n".encode()

    def reboot(self) -> bytes:
        return f"{self._profile.released}\r\n".encode()


EMULATOR = StopButtonEmulator
