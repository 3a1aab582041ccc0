"""A GRBL 1.1h controller with a carriage behind it, in a time that may run faster than the clock.

Strict where a host can go wrong: 128 bytes of receive buffer, more are lost without a word; 79
characters a line; nothing is received while the EEPROM is written; one answer a line, in order; no status
while homing; after a limit alarm everything but a reset is ignored.

Not here: arcs, probing, parking, spindle and coolant beyond their words. Behaviour after gnea/grbl v1.1,
`doc/markdown` and the order of events in its main loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rigs.emulators.grbl.carriage import Carriage
from rigs.emulators.grbl.machine import PLANNER_BLOCKS, Machine
from rigs.emulators.grbl.program import Aborted, Program
from rigs.emulators.grbl.settings import Settings

SLICE_S = 0.01  # motion and program take turns this often, in emulated time
RX_BYTES = 128
BANNER = "Grbl 1.1h ['$' for help]"


# Emulated seconds since power-up, and where the carriage stands from its lower switches, in mm by axis.
MotionLog = Callable[[float, tuple[float, ...]], None]


class GrblEmulator:
    """Bytes in, bytes out: `feed`, `tick`, and the faults `alarm` and `reboot`.

    settings: changes to the defaults. speed: emulated seconds a second. clock: seconds, never backwards. travel_mm: between the
    switches; by default what $130 and on say. carriage_mm: where it stands at power-up, from the lower switch. log: told where the
    carriage is, whenever time has passed. banner, options: first line and `[OPT:...]`, for relatives of GRBL.
    """

    def __init__(
        self,
        settings: dict[int, float] | None = None,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        travel_mm: tuple[float, ...] | None = None,
        carriage_mm: tuple[float, ...] | None = None,
        banner: str = BANNER,
        options: str = f"V,{PLANNER_BLOCKS},128",
        rx_bytes: int = RX_BYTES,
        log: MotionLog | None = None,
    ) -> None:
        stored = Settings(settings)
        travel = travel_mm or stored.axes(130)
        self.carriage = Carriage(travel, carriage_mm or tuple(way / 2 for way in travel))
        self._machine = Machine(stored, self.carriage, banner, options, rx_bytes)
        self._program = Program(self._machine).run()
        self._speed, self._clock, self._log = speed, clock, log
        self._began = clock()

    # -- what the server calls ---------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Bytes from the host: real-time ones take effect at once, the others go into the receive buffer."""
        self._catch_up()
        for byte in data:
            self._machine.receive(byte)
        self._run()
        return self._said()

    def tick(self) -> bytes:
        self._catch_up()
        return self._said()

    def alarm(self) -> bytes:
        """A limit switch closes for a moment: a hard limit, whether they are switched on ($21) or not."""
        self._catch_up()
        self._machine.hit_limit()
        self._run()
        return self._said()

    def reboot(self) -> bytes:
        """Power off and on."""
        self._catch_up()
        self._machine.out.clear()
        self._machine.power_up()
        self._program = Program(self._machine).run()
        return self._said()

    # -- what a test looks at ------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Emulated time since power-up."""
        return self._machine.now

    @property
    def state(self) -> str:
        return self._machine.state

    @property
    def moving(self) -> bool:
        return self._machine.moving

    @property
    def machine_mm(self) -> tuple[float, ...]:
        return self._machine.position_mm

    @property
    def lost_bytes(self) -> int:
        """Bytes that found the receive buffer full, or the processor busy with its EEPROM."""
        return self._machine.lost_bytes

    # -- time ----------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Let motion and program take turns until emulated time has reached the clock."""
        machine = self._machine
        until = (self._clock() - self._began) * self._speed
        while machine.now < until - 1e-9:
            step = until - machine.now
            if machine.moving or machine.dwelling or machine.busy_until > machine.now:
                step = min(step, SLICE_S)
            machine.advance(step)
            machine.now += step
            if self._log is not None:
                self._log(machine.now, tuple(self.carriage.position_mm))
            self._run()

    def _run(self) -> None:
        """Look after real-time commands and let the program go on, until both have nothing left to do now."""
        machine = self._machine
        for _ in range(8):
            if machine.now < machine.busy_until:
                return
            if machine.homing is None:  # the homing cycle looks after nothing but a reset
                machine.look_after()
                if machine.now < machine.busy_until or machine.critical:
                    return
            if "reset" in machine.flags and machine.homing is None:
                try:
                    self._program.throw(Aborted())
                except (Aborted, StopIteration):
                    pass
                machine.start()
                self._program = Program(machine).run()
            if not machine.suspended:
                next(self._program)
            if machine.alarm is None and (not machine.flags or machine.homing is not None):
                return

    def _said(self) -> bytes:
        said = bytes(self._machine.out)
        self._machine.out.clear()
        return said
