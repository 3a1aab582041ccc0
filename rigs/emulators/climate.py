"""A Modbus RTU sensor for temperature and humidity; its registers hold what the test or the bench sets."""

from __future__ import annotations

from rigs.climate import Climate, ClimateProfile
from rigs.emulators.modbus import ILLEGAL_FUNCTION, ModbusSlave, Refused, span
from rigs.modbus import Function


class ClimateEmulator(ModbusSlave):
    """climate: what it senses. broken: the sensing element is gone, every register reads 0x8000."""

    def __init__(self, profile: ClimateProfile, climate: Climate | None = None):
        super().__init__(profile.address)
        self._profile = profile
        self.climate = climate or Climate(temperature_c=21.3, humidity_percent=44.0)
        self.broken = False

    def obey(self, function: int, data: bytes) -> bytes:
        profile = self._profile
        own = (
            Function.READ_INPUT_REGISTERS if profile.registers == "input" else Function.READ_HOLDING_REGISTERS
        )
        if function != own:
            raise Refused(ILLEGAL_FUNCTION)
        values = {
            profile.temperature_register: round(self.climate.temperature_c / profile.step),
            profile.humidity_register: round(self.climate.humidity_percent / profile.step),
        }
        first = min(values)
        at, number = span(data, first, max(values) - first + 1, 125)
        counts = [
            0x8000 if self.broken else values.get(first + at + index, 0) & 0xFFFF for index in range(number)
        ]
        return bytes([2 * number]) + b"".join(count.to_bytes(2) for count in counts)


EMULATOR = ClimateEmulator
