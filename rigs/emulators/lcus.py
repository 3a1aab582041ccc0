"""An LCUS relay board: frames with a good sum move a contact, everything else is ignored without a word."""

from __future__ import annotations

from rigs.lcus import Dialect, LcusProfile


class LcusEmulator:
    """contacts: channel -> closed. moves: every frame obeyed, in order, also those that change nothing."""

    def __init__(self, profile: LcusProfile):
        self._profile = profile
        self._heard = bytearray()
        self.moves: list[tuple[int, bool]] = []
        self.contacts: dict[int, bool] = {}
        self.reboot()

    def feed(self, data: bytes) -> bytes:
        self._heard += data
        reply = b""
        while frame := self._next_frame():
            channel, on = (
                (1, bool(frame[1])) if self._profile.dialect is Dialect.D0 else (frame[1], bool(frame[2]))
            )
            self.contacts[channel] = on
            self.moves.append((channel, on))
            reply += frame if self._profile.echo else b""
        return reply

    def tick(self) -> bytes:
        return b""

    def reboot(self) -> bytes:
        self._heard.clear()
        self.contacts = dict.fromkeys(range(1, self._profile.channels + 1), False)
        return b""

    def _next_frame(self) -> bytes:
        """The next whole frame that the board obeys; bytes that begin none are dropped."""
        start, length = (0xD0, 2) if self._profile.dialect is Dialect.D0 else (0xA0, 4)
        while self._heard:
            frame = bytes(self._heard[:length])
            if frame[0] == start and len(frame) < length:
                return b""
            if frame[0] == start and self._obeys(frame):
                del self._heard[:length]
                return frame
            del self._heard[0]
        return b""

    def _obeys(self, frame: bytes) -> bool:
        if self._profile.dialect is Dialect.D0:
            return frame[1] in (0, 1)
        return (
            frame[1] in self.contacts
            and frame[2] in (0, 1)
            and frame[3] == (frame[0] + frame[1] + frame[2]) & 0xFF
        )


EMULATOR = LcusEmulator
