"""Whether the tables of a rig file fit each other: names that are referred to, relay channels, sockets, what a kind of bench takes;
and the pilot its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rigs.links.port import is_device
from rigs.rig_problems import twice
from rigs.rig_tables import EMULATOR

if TYPE_CHECKING:
    from rigs.rig_file import RigFile

RELAYS = ("lcus", "modbus_relay")


def misfits(rig: RigFile) -> Iterator[str]:
    """A line for all that cannot be, as far as the rig file alone tells."""
    yield from (same := list(twice("instruments.name", (one.name for one in rig.instruments))))
    yield from twice("switches.name", (one.name for one in rig.switches))
    yield from twice("e_stop.instrument", (one.instrument for one in rig.e_stop))
    if not same:
        yield from _references(rig)
    yield from _shared_sockets(rig)
    yield from _shared_channels(rig)
    for one in rig.instruments:
        own = rig.device is not None and rig.device.console and rig.device.instrument == one.name
        if one.profile is None and not own:
            yield f"instruments.{one.name}.profile is missing: a model of rigs/profiles, or a path"
    yield from _kind(rig)
    pilot, most = rig.audio.pilot_db_spl, rig.safety.max_playback_db_spl
    if pilot > most:
        yield f"audio.pilot_db_spl = {pilot:g}: must be at most safety.max_playback_db_spl = {most:g}"
    if rig.tone is not None:
        yield from _tone(rig)


def channels_beyond(rig: RigFile, profiles: Mapping[str, Any]) -> Iterator[str]:
    """A line for each switch on a channel that its board does not have. profiles: by name of the instrument."""
    for number, switch in enumerate(rig.switches, start=1):
        channels = getattr(profiles.get(switch.instrument), "channels", None)
        if channels is not None and switch.channel > channels:
            yield f"switches[{number}].channel = {switch.channel}: the board has 1 to {channels}"


def _references(rig: RigFile) -> Iterator[str]:
    found: list[tuple[str, str, tuple[str, ...]]] = [
        (f"switches.{one.name}.instrument", one.instrument, RELAYS) for one in rig.switches
    ]
    if rig.stage is not None:
        found.append(("stage.instrument", rig.stage.instrument, ("grbl",)))
    if rig.meter is not None:
        found.append(("meter", rig.meter, ("scpi",)))
    if rig.climate is not None:
        found.append(("climate", rig.climate, ("climate",)))
    if rig.device is not None:
        found.append(("device.instrument", rig.device.instrument, ("console",)))
    found += [("e_stop.instrument", one.instrument, ()) for one in rig.e_stop]
    drivers = {one.name: one.driver for one in rig.instruments}
    for key, name, allowed in found:
        if name not in drivers:
            yield f"{key} = {name!r}: there is no such instrument; there are: {', '.join(drivers) or 'none'}"
        elif allowed and drivers[name] not in allowed:
            yield f"{key} = {name!r}: its driver must be {' or '.join(allowed)}, not {drivers[name]}"


def _shared_sockets(rig: RigFile) -> Iterator[str]:
    """A serial port speaks with one instrument; addresses on a network and emulators may be shared."""
    taken: dict[str, str] = {}
    for number, one in enumerate(rig.instruments, start=1):
        key = "url" if one.link.usb_path is None else "usb_path"
        place = one.link.usb_path or one.link.url
        if place == EMULATOR or not is_device(place):
            continue
        if place in taken:
            yield f'instruments[{number}].link.{key} = "{place}": {taken[place]} has it already'
        taken.setdefault(place, one.name)


def _shared_channels(rig: RigFile) -> Iterator[str]:
    taken: dict[tuple[str, int], str] = {}
    for number, switch in enumerate(rig.switches, start=1):
        place = switch.instrument, switch.channel
        if place in taken:
            yield f"switches[{number}].channel = {switch.channel}: {taken[place]} is on it already"
        taken.setdefault(place, switch.name)


def _kind(rig: RigFile) -> Iterator[str]:
    if rig.kind == "physical":
        if rig.room is None:
            yield "room is missing: a physical bench stands in a room, give it a name"
        if rig.emulation is not None:
            yield "emulation: a physical bench emulates nothing"
        for one in rig.instruments:
            if one.link.url == EMULATOR:
                yield f"instruments.{one.name}.link.url: a physical bench has no emulators"
    if rig.kind == "loopback" and (rig.stage or rig.marks):
        yield "stage, marks: a loopback bench has no room to move in"
    if rig.kind == "emulated" and rig.emulation is None:
        yield 'emulation is missing: kind = "emulated" needs it'


def _tone(rig: RigFile) -> Iterator[str]:
    """What a bench must be on which the device's own tone is played."""
    if len([output for output in rig.audio.outputs if output.plays == "tone"]) > 1:
        yield 'audio.outputs: one with plays = "tone" at most, a device has one loudspeaker'
    if rig.audio.rate_hz < 96_000:
        yield f"audio.rate_hz: must be 96000 or 192000 to play a tone, not {rig.audio.rate_hz}"
    if rig.safety.max_emission_db_spl_at_0_3_m is None:
        yield "safety.max_emission_db_spl_at_0_3_m is missing: a bench that plays a tone limits it"
    if rig.emulation is not None and rig.device is not None:
        yield "device: the room twin of a bench that plays a tone has no console"
    if rig.emulation is not None and rig.stage is not None and rig.emulation.speed != 1.0:
        yield f"emulation.speed: must be 1 where an echo follows the stage, not {rig.emulation.speed:g}"
