"""A Modbus RTU relay board: coils that can be read (01) and written, one (05) or all (0F)."""

from __future__ import annotations

from rigs.emulators.modbus import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, ModbusSlave, Refused, span
from rigs.modbus import Function, pack_bits, unpack_bits
from rigs.modbus_relay import ModbusRelayProfile


class ModbusRelayEmulator(ModbusSlave):
    """contacts: channel -> closed. stuck: channels whose coil no longer follows what is written."""

    def __init__(self, profile: ModbusRelayProfile):
        super().__init__(profile.address)
        self._profile = profile
        self.stuck: set[int] = set()
        self.contacts: dict[int, bool] = {}
        self.reboot()

    def reboot(self) -> bytes:
        self.contacts = dict.fromkeys(range(1, self._profile.channels + 1), False)
        return super().reboot()

    def obey(self, function: int, data: bytes) -> bytes:
        first, channels = self._profile.first_coil, self._profile.channels
        if function == Function.READ_COILS and self._profile.read_back:
            at, number = span(data, first, channels, 2000)
            packed = pack_bits(tuple(self.contacts[at + 1 + index] for index in range(number)))
            return bytes([len(packed)]) + packed
        if function == Function.WRITE_COIL:
            channel = int.from_bytes(data[:2]) - first + 1
            if channel not in self.contacts:
                raise Refused(ILLEGAL_ADDRESS)
            if data[2:] not in (b"\xff\0", b"\0\0"):
                raise Refused(ILLEGAL_VALUE)
            self._move(channel, data[2:] == b"\xff\0")
            return data
        if function == Function.WRITE_COILS and self._profile.write_many:
            at, number = span(data, first, channels, 1968)
            if data[4:5] != bytes([len(data) - 5]) or len(data) - 5 != (number + 7) // 8:
                raise Refused(ILLEGAL_VALUE)
            for index, on in enumerate(unpack_bits(data[5:], number)):
                self._move(at + 1 + index, on)
            return data[:4]
        raise Refused(ILLEGAL_FUNCTION)

    def _move(self, channel: int, on: bool) -> None:
        if channel not in self.stuck:
            self.contacts[channel] = on


EMULATOR = ModbusRelayEmulator
