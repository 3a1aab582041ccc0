"""The instruments of a bench, opened together through the guardian, which owns their ports.

Leaving by an error, Ctrl-C or kill makes everything safe: stage held and reset, relays off, playback stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.bench.physical.heart import Heart
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import Operator
from lab.errors import EarshotError
from rigs.climate import ClimateSensor
from rigs.console import DeviceConsole
from rigs.errors import OperatorAbsent, RigError
from rigs.grbl import SAFE_BYTES, Stage
from rigs.guardian import Guarded, Guardian
from rigs.links import Link, LinkSpec, LinkState
from rigs.links.port import SerialPort
from rigs.locks import Lease
from rigs.profile import find_instrument
from rigs.rig_file import RigFile
from rigs.rig_tables import Instrument, Switch
from rigs.scpi import ScpiInstrument

BOOT_S = 60.0  # from power to a console that is ready
POWER_OFF_S = 1.0  # for capacitors to run empty
STEP_BACK_S = 2.0  # from a warning to the move or the sound
# A busy machine may hold up the lab; where nothing real moves it is given more time than hands and ears allow.
TIMES = {True: {"silence_s": 0.5, "limit_s": 1.0}, False: {"silence_s": 2.0, "limit_s": 3.0}}
PATIENT_S = 24 * 3600.0  # while a person thinks, nothing moves and nothing plays


class Instruments:
    """Use as a context manager. folder: of the run; every byte on a wire is logged in `wires/` in it.

    urls: where emulated instruments are. The stage is homed, and a person warned before, once it is needed.
    tolerant: an instrument that does not answer is a fault in `faults`, by name, and not in `drivers`; else it raises.
    """

    def __init__(
        self,
        rig: RigFile,
        folder: Path,
        operator: Operator,
        log: BenchLog,
        urls: Mapping[str, str] | None = None,
        lease: Lease | None = None,
        tolerant: bool = False,
    ) -> None:
        self.rig = rig
        self.faults: dict[str, RigError] = {}
        self._tolerant = tolerant
        self._folder, self._operator, self._log = folder, operator, log
        self._urls, self._lease = urls or {}, lease
        self.guardian: Guardian | None = None
        self._heart: Heart | None = None
        self.drivers: dict[str, Any] = {}
        self._links: dict[str, Link] = {}
        self._losses: dict[str, int] = {}
        self._warned: set[str] = set()  # hazards that a person has answered for
        self._safe_bytes: tuple[str, ...] = ()  # names of instruments that have some
        self._stopped = ""  # why, before it was left
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises RigError: a port that is gone or taken, a board that does not answer."""
        if not self.rig.instruments and self.rig.kind != "physical":
            return self  # nothing moves, and nothing sounds but samples
        with ExitStack() as opening:
            guarded = tuple(self._guarded(one) for one in self.rig.instruments)
            if self._tolerant:
                guarded = tuple(one for one in guarded if self._reachable(one))
            self._safe_bytes = tuple(one.name for one in guarded if one.safe)
            self.guardian = opening.enter_context(
                Guardian.start(
                    guarded,
                    leases=() if self._lease is None else (self._lease,),
                    record=self._folder / "guardian.jsonl",
                    end_hung_lab=True,
                    **TIMES[self.rig.kind == "physical"],
                )
            )
            self._heart = opening.enter_context(Heart(self.guardian))
            opening.callback(self._put_away)
            for one in self.rig.instruments:
                self._try(one.name, partial(self._connect, one))
            if self.rig.device is not None:
                self._try(self.rig.device.instrument, self.start_device)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.guardian is not None and self.guardian.reason:
            self._stopped = f"the rig in its safe state: {self.guardian.reason}"
            self.guardian.trip(self.guardian.reason)  # comes back when that has been done
        elif isinstance(error, Exception) and not isinstance(error, (EarshotError, OperatorAbsent)):
            self._stopped = f"an error: {error}"
        self._open.__exit__(kind, error, trace)
        if self.unsafe:
            self._log.say(f"left with {self.unsafe}")
            self._operator.tell(f"LOOK AT THE BENCH: {self.unsafe}")

    @property
    def unsafe(self) -> str:
        """Why a person must look, once this is closed; empty when all was put away, by Ctrl-C and by what was refused too."""
        found = [self._stopped] if self._stopped else []
        if self.guardian is not None and self.guardian.reason:
            told = self.guardian.safe_after_ms
            for name in (one for one in self._safe_bytes if told.get(one) is None):
                moves = self.rig.stage is not None and self.rig.stage.instrument == name
                may = "; the carriage may still be moving: cut the motor supply" if moves else ""
                found.append(f"{name} could not be made safe{may}")
        return "; ".join(found)

    @property
    def stage(self) -> Stage | None:
        return None if self.rig.stage is None else self.drivers.get(self.rig.stage.instrument)

    @property
    def meter(self) -> ScpiInstrument | None:
        return None if self.rig.meter is None else self.drivers.get(self.rig.meter)

    @property
    def climate(self) -> ClimateSensor | None:
        return None if self.rig.climate is None else self.drivers.get(self.rig.climate)

    @property
    def console(self) -> DeviceConsole | None:
        return None if self.rig.device is None else self.drivers.get(self.rig.device.instrument)

    @contextmanager
    def attended(self, within_s: float) -> Iterator[None]:
        """Something blocks for at most so long. Raises Unsafe once the guardian has made the rig safe."""
        if self._heart is None:
            yield
            return
        with self._heart.allow(within_s):
            yield

    def check(self) -> None:
        """Raises Unsafe once the guardian has made the rig safe: nothing more can be done until it is opened again."""
        if self._heart is not None:
            self._heart.check()

    def states(self) -> dict[str, str]:
        """The state of each link: open, lost or closed."""
        return {name: link.state.value for name, link in self._links.items()}

    def losses(self) -> dict[str, int]:
        """How often each link has been lost so far."""
        return dict(self._losses)

    def _note(self, name: str, state: LinkState) -> None:
        """In the link's reader thread."""
        if state is not LinkState.CLOSED:
            self._log.say(f"{name}: link {state.value}")
        if state is LinkState.LOST:
            self._losses[name] += 1

    def on_trip(self, callback: Callable[[str], None]) -> None:
        if self.guardian is not None:
            self.guardian.on_trip(callback)

    def switch(self, switch: Switch, on: bool) -> None:
        """Command a relay; nothing says that its contact moved."""
        self._log.say(f"{switch.name} {'on' if on else 'off'} (commanded)")
        self.drivers[switch.instrument].set(switch.channel, on)

    @contextmanager
    def closed(self, switches: Sequence[Switch], faults: list[str]) -> Iterator[None]:
        """Relays on while inside, and what hangs on them settled; off afterwards whatever happens. Raises RigError.

        One that cannot be switched off is added to `faults`; its board switches everything off as soon as its link is back.
        """
        try:
            for switch in switches:
                self.switch(switch, True)
            time.sleep(max((switch.settle_s for switch in switches), default=0.0))
            yield
        finally:
            for switch in switches:
                try:
                    self.switch(switch, False)
                except RigError as error:
                    self._log.say(f"{switch.name} off: {error}")
                    faults.append(str(error))

    @property
    def amplifiers(self) -> tuple[Switch, ...]:
        """Those whose board answers."""
        return tuple(
            one for one in self.rig.switches if one.role == "amplifier" and one.instrument in self.drivers
        )

    def go_to(self, position_mm: float) -> None:
        """Move the stage; a person is warned. Raises RigError when it does not arrive."""
        stage, spec = self.stage, self.rig.stage
        assert stage is not None and spec is not None
        if not stage.homed:
            self.home()
        here = stage.position_mm.get(spec.axis)
        if here is not None and abs(here - position_mm) <= stage.profile.arrival_mm:
            return
        self.warn_hands(f"the stage moves to {position_mm:.0f} mm")
        with self.attended(2.0 * stage.profile.homing_s + 600.0):
            stage.move_to({spec.axis: position_mm}, min(spec.feed_mm_min, stage.profile.maximum_feed_mm_min))

    def home(self) -> None:
        stage = self.stage
        assert stage is not None
        self.warn_hands("the stage drives to its home switch")
        with self.attended(2.0 * stage.profile.homing_s + 600.0):
            stage.connect()
            if stage.profile.homing:
                stage.home()

    def warn_ears(self, what: str) -> None:
        """Before a real bench is loud; with nobody at the terminal there is time to step back, too. Raises OperatorAbsent."""
        self._log.say(f"HEARING: {what}")
        words = f"HEARING: {what}. Ears covered or out of the room."
        if self._operator.present:
            self._warn("HEARING", words)
        else:
            self._operator.tell(words)
            time.sleep(STEP_BACK_S)

    def warn_hands(self, what: str) -> None:
        """Before the stage moves. Raises OperatorAbsent, also where nobody is there and the rig file does not allow that."""
        self._log.say(what)
        words = f"PINCH HAZARD: {what}. Hands off the rail."
        if self.rig.kind != "physical" or (not self._operator.present and self.rig.safety.unattended_moves):
            self._operator.tell(words)
        else:
            self._warn("PINCH HAZARD", words)

    def _warn(self, hazard: str, words: str) -> None:
        """Once with an answer, then with time to step back. Raises OperatorAbsent when a person refuses or nobody answers."""
        if hazard not in self._warned:
            with self.attended(PATIENT_S):
                self._operator.confirm(words)
            self._log.say(f"operator: {hazard}: go")
            self._warned.add(hazard)
        else:
            self._operator.tell(words)
            time.sleep(STEP_BACK_S)

    def _reachable(self, guarded: Guarded) -> bool:
        """Whether the port is there; if not, that is its fault."""
        try:
            SerialPort(guarded.spec).close()
        except RigError as error:
            self.faults[guarded.name] = error
        return guarded.name not in self.faults

    def _try(self, name: str, act: Callable[[], None]) -> None:
        """Do something with an instrument; its fault is noted where the others matter too."""
        if name in self.faults:
            return
        try:
            act()
        except RigError as error:
            if not self._tolerant:
                raise
            self.faults[name] = error
            self.drivers.pop(name, None)

    def _connect(self, one: Instrument) -> None:
        self.drivers[one.name] = self._driver(one)

    def start_device(self) -> None:
        """The device under power and ready, where a relay gives it power; nothing when it is.

        Boards switch everything off when they are opened, and again after their link was lost.
        """
        power = [switch for switch in self.rig.switches if switch.role == "device_power"]
        if not power or self.console is None:
            return
        board = self.drivers.get(power[0].instrument)
        if board is None or board.commanded[power[0].channel]:
            return
        with self.attended(2.0 * BOOT_S):
            self.console.power_cycle(BOOT_S)

    def _put_away(self) -> None:
        """Relays off at the end of a run; what fails here is the guardian's to make safe."""
        for name in {switch.instrument for switch in self.rig.switches} & set(self.drivers):
            try:
                self.drivers[name].all_off()
            except RigError as error:
                self._log.say(f"{name}: relays off: {error}")

    def _guarded(self, one: Instrument) -> Guarded:
        profile = self.rig.profile_of(one)
        safe: tuple[bytes, ...] = ()
        if one.driver == "grbl":
            safe = SAFE_BYTES
        elif hasattr(profile, "safe_bytes"):
            safe = profile.safe_bytes()
        gap_s = getattr(profile, "safe_gap_s", Guarded.gap_s)
        wire = self._folder / "wires" / f"{one.name}.log"
        return Guarded(
            one.name,
            safe=safe,
            link=self._link_spec(one, profile),
            log=wire,
            gap_s=gap_s,
            stop_on=self.rig.stop_words(one),
            stop_when_lost=any(stop.instrument == one.name and stop.when_lost for stop in self.rig.e_stop),
        )

    def _link_spec(self, one: Instrument, profile: Any) -> LinkSpec:
        settings = profile.line_settings() if hasattr(profile, "line_settings") else {}
        if one.link.baud_rate is not None:
            settings["baud_rate"] = one.link.baud_rate
        url = self._urls.get(one.name, one.link.url)
        return LinkSpec(url=url or "", usb_path=one.link.usb_path, pacing_s=one.link.pacing_s, **settings)

    def _driver(self, one: Instrument) -> Any:
        assert self.guardian is not None
        link = self._links[one.name] = self.guardian.link(one.name)
        self._losses[one.name] = 0
        link.subscribe_state(lambda state: self._note(one.name, state))
        profile = self.rig.profile_of(one)
        if one.driver == "console":
            return DeviceConsole(
                link, profile, self._power_cycle(), self.rig.device.name if self.rig.device else one.name
            )
        return find_instrument(one.driver).driver(link, profile, name=one.name)

    def _power_cycle(self) -> Callable[[], None] | None:
        """Off, a moment, and on, by the relay in the device's supply."""
        switches = [switch for switch in self.rig.switches if switch.role == "device_power"]
        if not switches:
            return None

        def cycle() -> None:
            self.switch(switches[0], False)
            time.sleep(POWER_OFF_S)
            self.switch(switches[0], True)

        return cycle
