"""Temperature and humidity of the room, from a Modbus RTU sensor (SHT20 type, "XY-MD02"), 9600 baud 8N1.

    01 04 00 01 00 02 20 0B     read input registers 1 and 2
    01 04 04 00 FA 01 F4 ...    25.0 degrees C, 50.0 % relative humidity, each in tenths, temperature signed

Sound in air is absorbed by an amount that depends on both (ISO 9613-1), so a measured run states them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from rigs.errors import BadReply
from rigs.links import Link
from rigs.modbus import Function, ModbusLine, Peer, read_request
from rigs.profile import Instrument, profile


@dataclass(frozen=True)
class Climate:
    temperature_c: float
    humidity_percent: float


@profile
class ClimateProfile(ModbusLine):
    """temperature_register, humidity_register: numbered from 0, as on the wire, at most 8 apart.
    registers: "input" (function 04) or "holding" (function 03). step: what one count is worth."""

    registers: Literal["input", "holding"] = "input"
    temperature_register: Annotated[int, Field(ge=0, le=0xFFFF)] = 1
    humidity_register: Annotated[int, Field(ge=0, le=0xFFFF)] = 2
    step: Annotated[float, Field(gt=0, le=1)] = 0.1
    lowest_c: float = -40.0
    highest_c: float = 85.0

    def __post_init__(self) -> None:
        if not 1 <= abs(self.temperature_register - self.humidity_register) <= 8:
            raise ValueError("humidity_register: must be 1 to 8 away from temperature_register")


class ClimateSensor:
    """A sensor behind an open link."""

    def __init__(self, link: Link, profile: ClimateProfile, name: str = "climate"):
        self.name, self._profile = name, profile
        self._peer = Peer(link, f"sensor {name}", profile)

    def read(self) -> Climate:
        """Temperature and humidity now.

        Raises BadReply also when a value cannot be: humidity beyond 0 to 100 %, temperature beyond the
        sensor's range (many report 0x8000 or 0xFFFF when the sensing element is gone).
        """
        first = min(self._profile.temperature_register, self._profile.humidity_register)
        last = max(self._profile.temperature_register, self._profile.humidity_register)
        kind = Function.READ_INPUT_REGISTERS
        if self._profile.registers == "holding":
            kind = Function.READ_HOLDING_REGISTERS
        request = read_request(self._profile.address, kind, first, last - first + 1)
        reply = self._peer.ask(request, "reading temperature and humidity")

        def register(number: int, *, signed: bool) -> float:
            at = 3 + 2 * (number - first)
            return round(int.from_bytes(reply[at : at + 2], signed=signed) * self._profile.step, 6)

        found = Climate(
            temperature_c=register(self._profile.temperature_register, signed=True),
            humidity_percent=register(self._profile.humidity_register, signed=False),
        )
        low, high = self._profile.lowest_c, self._profile.highest_c
        if not low <= found.temperature_c <= high or not 0 <= found.humidity_percent <= 100:
            raise BadReply(
                f"sensor {self.name}: {found.temperature_c:g} degrees C and {found.humidity_percent:g} % humidity "
                f"cannot be (its range is {low:g} to {high:g} degrees C): is its element broken?"
            )
        return found


INSTRUMENT = Instrument(profile=ClimateProfile, driver=ClimateSensor)
