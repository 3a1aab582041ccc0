"""Alarms of a bench: real ones, that sound while a relay is closed. Each is set off at its moment of a trial."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.interface import Event
from lab.bench.physical.execute import HearingClock
from lab.bench.physical.plan import Sounding
from lab.scenario.trial import Trial
from lab.sources.alarms import draw_alarm
from rigs.errors import RigError
from rigs.rig_tables import Switch


@dataclass(frozen=True)
class Sounded:
    """What was set off, and when its relay closed and opened on `time.monotonic_ns`."""

    sounding: Sounding
    on_ns: int
    off_ns: int


class Soundings:
    """Closes and opens relays in a thread of its own: sound must not wait for a relay.

    switch: closes (True) or opens one. made, faults: complete after `finish`.
    """

    def __init__(self, planned: Sequence[Sounding], switch: Callable[[Switch, bool], None]) -> None:
        self._planned, self._switch = planned, switch
        self.made: list[Sounded] = []
        self.faults: list[str] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """The trial has begun to be heard."""
        if self._planned:
            self._thread = threading.Thread(
                target=self._go, args=(time.monotonic(),), name="alarms", daemon=True
            )
            self._thread.start()

    def finish(self) -> None:
        """The sound has ended: what still sounds is switched off."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if len(self.made) < len(self._planned) and not self.faults:
            self.faults.append(f"{len(self.made)} of {len(self._planned)} alarms were set off")

    def truth(self, trial: Trial, clock: HearingClock) -> tuple[Event, ...]:
        """One event for each that sounded, from its relay's closing to its opening, in trial time."""
        found = []
        for one in self.made:
            source = one.sounding.source
            seed = trial.seed_of("sources", source.name, "media")
            label = draw_alarm(source, np.random.default_rng(seed)).label
            if label is not None:
                on_s, off_s = clock.trial_s(one.on_ns), min(clock.trial_s(one.off_ns), trial.spec.duration_s)
                found.append(Event(on_s, off_s, label))
        return tuple(found)

    def _go(self, zero: float) -> None:
        for sounding in sorted(self._planned, key=lambda one: one.on_s):
            if self._over.wait(max(0.0, zero + sounding.on_s - time.monotonic())):
                return
            try:
                self._switch(sounding.switch, True)
                on_ns = time.monotonic_ns()
                try:
                    self._over.wait(max(0.0, zero + sounding.off_s - time.monotonic()))
                finally:
                    self._switch(sounding.switch, False)
                self.made.append(Sounded(sounding, on_ns, time.monotonic_ns()))
            except RigError as error:
                self.faults.append(str(error))
