"""The slave's side of Modbus RTU, shared by emulated relay boards and sensors.

A bad CRC and a frame for another address bring silence; address 0 is obeyed without reply; what cannot be
obeyed brings an exception. A frame whose length its function tells ends with its last byte, others, and
broken ones, with a pause. (The pause of 3.5 characters itself cannot be kept on a pseudo-terminal.)
"""

from __future__ import annotations

from rigs.modbus import Function, is_sealed, seal

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
BROADCAST = 0


class Refused(Exception):
    """code: the exception code that the master gets."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class ModbusSlave:
    """Frames in, frames out; a subclass says in `obey` what a request does."""

    def __init__(self, address: int):
        self._address = address
        self._heard = bytearray()
        self._ticks_quiet = 0

    def obey(self, function: int, data: bytes) -> bytes:
        """Do what is asked; the data of the reply. Raises Refused."""
        raise Refused(ILLEGAL_FUNCTION)

    def feed(self, data: bytes) -> bytes:
        self._ticks_quiet = 0
        self._heard += data
        reply = b""
        while (length := self._length()) is not None and len(self._heard) >= length:
            frame = bytes(self._heard[:length])
            del self._heard[:length]
            if not is_sealed(frame):
                self._heard.clear()  # no way to tell where the next frame begins until there is a pause
            reply += self._answer(frame)
        return reply

    def tick(self) -> bytes:
        self._ticks_quiet += 1
        if self._ticks_quiet < 2 or not self._heard:
            return b""
        frame = bytes(self._heard)
        self._heard.clear()
        return self._answer(frame)

    def reboot(self) -> bytes:
        self._heard.clear()
        return b""

    def _length(self) -> int | None:
        if len(self._heard) < 2:
            return None
        function = self._heard[1]
        if 1 <= function <= 6:
            return 8
        if function in (Function.WRITE_COILS, 0x10):
            return 9 + self._heard[6] if len(self._heard) > 6 else None
        return None

    def _answer(self, frame: bytes) -> bytes:
        if not is_sealed(frame) or frame[0] not in (self._address, BROADCAST):
            return b""
        try:
            reply = bytes([frame[1]]) + self.obey(frame[1], frame[2:-2])
        except Refused as refused:
            reply = bytes([frame[1] | 0x80, refused.code])
        return b"" if frame[0] == BROADCAST else seal(bytes([self._address]) + reply)


def span(data: bytes, first: int, count: int, most: int) -> tuple[int, int]:
    """First item and number of items that a request names. Raises Refused unless all are there."""
    wanted, number = int.from_bytes(data[:2]), int.from_bytes(data[2:4])
    if not 1 <= number <= most:
        raise Refused(ILLEGAL_VALUE)
    if wanted < first or wanted + number > first + count:
        raise Refused(ILLEGAL_ADDRESS)
    return wanted - first, number
