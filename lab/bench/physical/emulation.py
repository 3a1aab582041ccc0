"""Everything that an emulated bench makes up: serial instruments on ptys, a virtual device, a sound card of software.

    with Emulation(rig) as emulation:
        emulation.stand.urls["rail"]          # open it like any serial port

`lab rig emulate` keeps one standing for others; a run uses that one, and makes its own where none stands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from detectors.build import load_build
from lab.bench.emulated.control import ask
from lab.bench.emulated.process import AirProcess, VirtualDeviceProcess
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring
from lab.bench.physical.sound_card import sound_card
from rigs.emulators.wire import PtyServer
from rigs.locks import default_folder
from rigs.profile import find_emulator
from rigs.rig_file import RigFile
from rigs.rig_tables import EMULATOR, Instrument

# What a contact of a relay board is in: the supply of the virtual device, of an alarm in its room, of its loudspeakers' amplifier.
CONTACTS = {
    "device_power": VirtualDeviceProcess.power,
    "alarm": VirtualDeviceProcess.alarm,
    "amplifier": VirtualDeviceProcess.amplifier,
}


@dataclass(frozen=True)
class Stand:
    """Where an emulation is found. urls: by instrument. control: of the virtual device. environment: of its sound card."""

    pid: int
    urls: Mapping[str, str]
    control: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def place(
        self, scenario: Path, cell: str, trial: int, seed: int, plays: Mapping[str, int] | None = None
    ) -> None:
        """Put the device into the room of a trial. plays: None where the device plays its own tone. Raises BadInput, LabFailure."""
        if self.control is not None:
            request = {"scenario": str(scenario), "cell": cell, "trial": trial, "seed": seed}
            ask(Path(self.control), "place", **request, **({} if plays is None else {"plays": dict(plays)}))

    def moved_s(self) -> list[tuple[float, float]]:
        """When what the stage carries was heard to move, in s after the trial's first sound. Raises LabFailure."""
        assert self.control is not None
        return [(begin, end) for begin, end in ask(Path(self.control), "moved")["moved_s"]]


class Emulation:
    """servers: the wire of each serial instrument, where faults can be asked for. device: the virtual one, if any. air: of a bench that
    plays a tone, with the stage in it."""

    def __init__(self, rig: RigFile, corpus: Path | None = None) -> None:
        self.rig, self._corpus = rig, corpus
        self.servers: dict[str, PtyServer] = {}
        self.device: VirtualDeviceProcess | None = None
        self.air: AirProcess | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            # One thread, so that off and on arrive in the order in which the contact moved.
            hand = opening.enter_context(ThreadPoolExecutor(1, "supply"))

            def moved(contact: Callable[[VirtualDeviceProcess, bool], None]) -> Callable[[bool], None]:
                return lambda on: hand.submit(self._move, contact, on)

            # The device first: whether it has power is then for the relays to say.
            if self.console is not None:
                opening.enter_context(sound_card(self.rig))
                self.device = VirtualDeviceProcess(
                    wiring(self.rig), load_build(_build(self.rig)).path, corpus=self._corpus
                )
                opening.callback(self.device.stop)
            if self.rig.tone is not None:
                opening.enter_context(sound_card(self.rig))
                self.air = AirProcess(self.rig)
                opening.callback(self.air.stop)
            for one in self.rig.instruments:
                if self.air is not None and one.name in self.air.urls:
                    continue  # it moves on the clock of the sound card
                if one.link.url == EMULATOR and one.driver != "console":
                    emulator = self._emulator(one)
                    wired = {
                        switch.channel: moved(CONTACTS[switch.role])
                        for switch in self.rig.switches
                        if switch.instrument == one.name and switch.role in CONTACTS
                    }
                    self.servers[one.name] = opening.enter_context(
                        PtyServer(_Wired(emulator, wired) if wired else emulator, one.name)
                    )
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _emulator(self, one: Instrument) -> Any:
        make, profile = find_emulator(one.driver), self.rig.profile_of(one)
        if one.driver == "grbl" and self.rig.emulation is not None:
            return make(profile, speed=self.rig.emulation.speed)
        return make(profile)

    @property
    def stand(self) -> Stand:
        urls = {name: server.url for name, server in self.servers.items()}
        control = None
        if self.device is not None:
            urls[self.console] = self.device.console_url
            control = str(self.device.control)
        if self.air is not None:
            urls |= self.air.urls
            control = str(self.air.control)
        names = ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER")
        return Stand(
            os.getpid(), urls, control, {name: os.environ[name] for name in names if name in os.environ}
        )

    @property
    def wires(self) -> tuple[str, ...]:
        """The instruments whose wire may have faults."""
        return tuple(self.stand.urls)

    def set_faults(self, name: str, faults: Mapping[str, Any]) -> None:
        """Faults on the wire of one instrument, see `rigs.emulators.wire.Faults`; `interleave` as text."""
        if name == self.console and self.device is not None:
            self.device.set_faults(**faults)
            return
        if self.air is not None and name in self.air.urls:
            self.air.set_faults(name, **faults)
            return
        changes = {key: value.encode() if key == "interleave" else value for key, value in faults.items()}
        self.servers[name].set_faults(**changes)

    @property
    def console(self) -> str | None:
        """The instrument that is the virtual device's console, None where there is none."""
        device = self.rig.device
        if device is None or self.rig.instrument(device.instrument).link.url != EMULATOR:
            return None
        return device.instrument

    def _move(self, contact: Callable[[VirtualDeviceProcess, bool], None], on: bool) -> None:
        if self.device is not None:
            with suppress(Exception):  # it has ended; the console shows that soon enough
                contact(self.device, on)


class _Wired:
    """A relay board some of whose contacts do something: by channel, called with whether it is closed."""

    def __init__(self, emulator: Any, wired: Mapping[int, Callable[[bool], None]]) -> None:
        self._emulator, self._wired = emulator, wired
        self._closed: dict[int, bool] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emulator, name)

    def feed(self, data: bytes) -> bytes:
        reply = self._emulator.feed(data)
        self._look()
        return reply

    def tick(self) -> bytes:
        self._look()
        return self._emulator.tick()

    def _look(self) -> None:
        for channel, moved in self._wired.items():
            closed = bool(self._emulator.contacts.get(channel))
            if closed != self._closed.get(channel):
                self._closed[channel] = closed
                moved(closed)


def wiring(rig: RigFile) -> Wiring:
    """The virtual device listens to the loudspeakers and plays what the bench's microphones hear."""
    return Wiring(
        loudspeakers=tuple(Loudspeaker(one.channel, one.full_scale_db_spl) for one in rig.audio.outputs),
        microphones=tuple(
            TestMicrophone(one.channel, one.microphone, one.full_scale_db_spl) for one in rig.audio.inputs
        ),
        device=rig.audio.device,
        host_api=rig.audio.host_api,
        rate_hz=rig.audio.rate_hz,
    )


def _build(rig: RigFile) -> Path:
    assert rig.emulation is not None
    return Path(rig.emulation.build)


# A standing emulation is announced beside the leases, for the processes of this machine.


def _announcement(rig: RigFile) -> Path:
    return default_folder() / f"{rig.id}.emulation.json"


@contextmanager
def announced(rig: RigFile, stand: Stand) -> Iterator[None]:
    """While inside, runs on this bench use this emulation."""
    path = _announcement(rig)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(stand)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def standing(rig: RigFile) -> Stand | None:
    """The emulation that another process keeps standing, None when there is none."""
    try:
        stand = Stand(**json.loads(_announcement(rig).read_text()))
        os.kill(stand.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return stand
