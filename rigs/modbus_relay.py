"""Relay boards that speak Modbus RTU (Waveshare and alike), default 9600 baud 8N1, address 1.

    01 05 00 00 FF 00 8C 3A     write coil 0 on; the board echoes the frame
    01 01 00 00 00 08 3D CC     read the eight coils
    01 0F 00 00 00 08 01 00 ..  write all coils

Coils count from 0, terminals from 1. What is read back is the board's register: that the order arrived, not
that a contact closed. Waveshare boards answer a read of all coils only, so all are read, always. Boards of
its first firmware (before 2021-09) do not speak Modbus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from rigs.errors import BadReply
from rigs.links import Link
from rigs.modbus import (
    CHARACTER_BITS,
    Function,
    ModbusLine,
    Peer,
    frame_gap_s,
    read_request,
    unpack_bits,
    write_coil,
    write_coils,
)
from rigs.profile import Instrument, profile
from rigs.relay_board import Switching, require_channel


@profile
class ModbusRelayProfile(ModbusLine):
    """channels: relays on the board. first_coil: coil of terminal 1. read_back: coils are read after each
    write. write_many: the board takes one frame for all coils (function 0F)."""

    channels: Annotated[int, Field(ge=1, le=64)] = 8
    first_coil: Annotated[int, Field(ge=0, le=0xFF00)] = 0
    read_back: bool = True
    write_many: bool = True

    def frames(self, states: Mapping[int, bool]) -> tuple[bytes, ...]:
        """The requests that bring channels into these states."""
        if self.write_many and len(states) == self.channels > 1:
            return (write_coils(self.address, self.first_coil, tuple(states.values())),)
        return tuple(
            write_coil(self.address, self.first_coil + channel - 1, on) for channel, on in states.items()
        )

    def safe_bytes(self) -> tuple[bytes, ...]:
        """Every relay off."""
        return self.frames(dict.fromkeys(range(1, self.channels + 1), False))

    @property
    def safe_gap_s(self) -> float:
        """Time for the board's reply, which nobody awaits."""
        return 2 * frame_gap_s(self.baud_rate) + 8 * CHARACTER_BITS / self.baud_rate


class ModbusRelayBoard:
    """A relay board behind an open link. Making one switches every relay off."""

    def __init__(self, link: Link, profile: ModbusRelayProfile, name: str = "modbus relay"):
        self.name, self.channels = name, profile.channels
        self._profile, self._all_off = profile, dict.fromkeys(range(1, self.channels + 1), False)
        self._peer = Peer(link, f"relay board {name}", profile)
        self._switching = Switching(link, profile)
        self.all_off()

    @property
    def commanded(self) -> Mapping[int, bool | None]:
        return self._switching.commanded

    def set(self, channel: int, on: bool) -> None:
        """Switch one relay, and read the coils back where the profile says so.

        Raises Unsafe for a channel that is not there, InstrumentAlarm when the board refuses, NoReply or
        BadReply when it does not answer well (the channel is then unknown), LinkLost when the line goes (all
        are then unknown, and the next call first switches all off).
        """
        require_channel(self.name, channel, self.channels, on)
        if self._switching.untold:
            self.all_off()
        self._write({channel: on})

    def all_off(self) -> None:
        self._write(self._all_off)

    def read_back(self) -> Mapping[int, bool]:
        """What the board's coils hold now, by channel."""
        request = read_request(
            self._profile.address, Function.READ_COILS, self._profile.first_coil, self.channels
        )
        reply = self._peer.ask(request, "reading its coils")
        return dict(enumerate(unpack_bits(reply[3:-2], self.channels), start=1))

    def safe_bytes(self) -> tuple[bytes, ...]:
        return self._profile.safe_bytes()

    def _write(self, states: Mapping[int, bool]) -> None:
        doing = ", ".join(f"channel {channel} {'on' if on else 'off'}" for channel, on in states.items())
        doing = "all channels off" if len(states) > 1 else doing
        with self._switching.ordering(states):
            for request in self._profile.frames(states):
                self._peer.ask(request, doing)
            if self._profile.read_back:
                self._compare(states, doing)

    def _compare(self, states: Mapping[int, bool], doing: str) -> None:
        coils = self.read_back()
        for channel, on in states.items():
            if coils[channel] is not on:
                raise BadReply(
                    f"relay board {self.name}: {doing}: channel {channel} reads back "
                    f"{'on' if coils[channel] else 'off'}: has the board been reset?"
                )


INSTRUMENT = Instrument(profile=ModbusRelayProfile, driver=ModbusRelayBoard)
