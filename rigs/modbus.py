"""Modbus RTU, the part that relay boards and sensors speak (Modbus over Serial Line V1.02).

    frame = address | function | data | CRC, low byte first

CRC-16/MODBUS: polynomial 0xA001 (reflected 0x8005), start 0xFFFF. It is computed, never copied: seller
sheets drop bytes. A frame ends with a silence of 3.5 characters, 1.75 ms above 19200 baud. A peer answers
a frame with a bad CRC by silence, and one that it cannot obey by function | 0x80 and a code.
"""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Annotated

from pydantic import Field

from rigs.errors import BadReply, InstrumentAlarm, NoReply
from rigs.links import Link
from rigs.profile import SerialLine, profile

CHARACTER_BITS = 11  # start, 8 data, parity or second stop, stop
LONGEST_HEARD = 4096  # a flood of noise is not searched again and again from its beginning


class Function(IntEnum):
    READ_COILS = 0x01
    READ_HOLDING_REGISTERS = 0x03
    READ_INPUT_REGISTERS = 0x04
    WRITE_COIL = 0x05
    WRITE_REGISTER = 0x06
    WRITE_COILS = 0x0F


READS = (Function.READ_COILS, Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS)

REFUSALS = {
    1: "it does not know this function",
    2: "it has no such coil or register",
    3: "it does not take this value",
    4: "it failed at the task",
    6: "it is busy",
    10: "the gateway has no way to it",
    11: "nobody answers the gateway at this address",
}


def crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def seal(body: bytes) -> bytes:
    """Address, function and data, with their CRC."""
    return body + crc16(body).to_bytes(2, "little")


def is_sealed(frame: bytes) -> bool:
    return len(frame) >= 4 and crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def frame_gap_s(baud_rate: int) -> float:
    """Silence that ends a frame."""
    return 1.75e-3 if baud_rate > 19200 else 3.5 * CHARACTER_BITS / baud_rate


def read_request(address: int, function: Function, first: int, count: int) -> bytes:
    """Read `count` coils or registers from `first` (numbered from 0, as on the wire)."""
    return seal(bytes([address, function]) + first.to_bytes(2) + count.to_bytes(2))


def write_coil(address: int, coil: int, on: bool) -> bytes:
    return seal(bytes([address, Function.WRITE_COIL]) + coil.to_bytes(2) + (b"\xff\0" if on else b"\0\0"))


def write_coils(address: int, first: int, states: tuple[bool, ...]) -> bytes:
    packed = pack_bits(states)
    head = bytes([address, Function.WRITE_COILS]) + first.to_bytes(2) + len(states).to_bytes(2)
    return seal(head + bytes([len(packed)]) + packed)


def pack_bits(states: tuple[bool, ...]) -> bytes:
    """Coils as bytes, the first coil in the lowest bit."""
    value = sum(1 << index for index, on in enumerate(states) if on)
    return value.to_bytes((len(states) + 7) // 8, "little")


def unpack_bits(data: bytes, count: int) -> tuple[bool, ...]:
    value = int.from_bytes(data, "little")
    return tuple(bool(value >> index & 1) for index in range(count))


def find_reply(received: bytes, request: bytes) -> bytes | None:
    """The reply to a request, wherever it begins in what was received; None while there is none.

    Bytes before it are noise or the late reply to an earlier request. A reply has the request's address
    and function, the length that the request calls for, and a good CRC; writes also echo the coil and value.
    Returns the whole frame, or the frame of a refusal (function with bit 7 set).
    """
    address, function = request[0], request[1]
    if function in READS:
        count = int.from_bytes(request[4:6])
        size = (count + 7) // 8 if function == Function.READ_COILS else 2 * count
        start, length = bytes([address, function, size]), 5 + size
    else:
        start, length = request[:6], 8
    candidates = ((start, length), (bytes([address, function | 0x80]), 5))
    found = [_first_sealed(received, head, size) for head, size in candidates]
    return min((one for one in found if one), default=(0, None))[1]


def _first_sealed(received: bytes, head: bytes, length: int) -> tuple[int, bytes] | None:
    """Where the first frame of this beginning and length with a good CRC begins, and the frame."""
    at = received.find(head)
    while 0 <= at <= len(received) - length:
        if is_sealed(received[at : at + length]):
            return at, received[at : at + length]
        at = received.find(head, at + 1)
    return None


def refusal(reply: bytes) -> str | None:
    """Why a peer refused, in words; None for a reply that is none."""
    if not reply[1] & 0x80:
        return None
    return f"{REFUSALS.get(reply[2], 'it refuses')} (exception {reply[2]})"


@profile
class ModbusLine(SerialLine):
    """The base of the profiles of Modbus instruments.

    timeout_s: how long a reply may take to be complete. attempts: how often a request is sent before giving
    up; the requests used here can be repeated without harm. settle_s: silence kept after a failure, so that
    a late reply is not taken for that of the next request (two reads of the same registers look alike).
    """

    address: Annotated[int, Field(ge=1, le=247)] = 1
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 0.5
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    settle_s: Annotated[float, Field(ge=0, le=10)] = 0.2


class Peer:
    """One address on a Modbus line: a request goes out, its reply or one clear error comes back."""

    def __init__(self, link: Link, name: str, line: ModbusLine):
        self._link, self._line = link, line
        self._who = f"{name} at address {line.address}"

    def ask(self, request: bytes, doing: str) -> bytes:
        """The reply to a request. doing: the refused call, in words, for errors.

        Raises InstrumentAlarm when the peer refuses, NoReply on silence, BadReply when only unusable bytes
        come (a bad CRC, another address), LinkLost when the line goes.
        """
        heard = b""
        for _ in range(self._line.attempts):
            reply, heard = self._try(request)
            if reply is None:
                time.sleep(self._line.settle_s)
                continue
            if reason := refusal(reply):
                raise InstrumentAlarm(f"{self._who}: refused {doing}: {reason}")
            return reply
        tries = f"{self._line.attempts} tries" if self._line.attempts > 1 else "one try"
        if heard:
            raise BadReply(
                f"{self._who}: {doing}: no valid reply in {tries}, "
                f"last heard {heard[-32:].hex(' ')}: check address, speed and wiring",
                heard,
            )
        raise NoReply(
            f"{self._who}: {doing}: silent for {self._line.timeout_s:g} s in {tries}: "
            "check power, address, speed and the A/B wires"
        )

    def _try(self, request: bytes) -> tuple[bytes | None, bytes]:
        """The reply, if any, and the last of what was heard."""
        reply = None

        def complete(received: bytes) -> bool:
            nonlocal reply
            reply = find_reply(received[-LONGEST_HEARD:], request)
            return reply is not None

        time.sleep(frame_gap_s(self._line.baud_rate))
        try:
            heard = self._link.request(request, until=complete, timeout_s=self._line.timeout_s)
        except NoReply as silence:
            heard = silence.received
        return reply, heard
