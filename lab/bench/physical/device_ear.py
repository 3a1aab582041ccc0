"""What a console said during one playback, as events in trial time.

A device with a clock is timed by it: two readings of that clock, put on the capture's sample clock, turn its time into
trial time without the delays of its log. Without one the moment its line came in counts, less a stated delay.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from detectors.interface import DUT, Event
from lab.bench.physical.execute import HearingClock
from rigs.console import ClockReading, ConsoleEvent, DeviceConsole, Mark
from rigs.errors import RigError
from rigs.rig_tables import Device

APART_S = 1.0  # readings closer together say nothing of how fast the device's clock runs
SETTLE_S = 0.5  # a report of the last moment may still be on its way


@dataclass
class DeviceEar:
    """From `mark` on, one playback. The device's clock is read while sound runs and after it."""

    console: DeviceConsole
    device: Device
    mark: Mark
    readings: list[ClockReading] = field(default_factory=list)
    _asking: threading.Thread | None = None

    def begin(self) -> None:
        """Sound runs: ask for the device's clock, in a thread of its own, for playback must not wait for an answer."""
        self._asking = threading.Thread(target=self._read_clock, name="device clock", daemon=True)
        self._asking.start()

    def _read_clock(self) -> None:
        """Note the device's clock; one that has none, or is busy, is left alone."""
        with suppress(RigError):
            self.readings.append(self.console.read_clock())

    def settle(self) -> None:
        """After the sound: wait for a report that is still on its way, and read the clock again."""
        time.sleep(SETTLE_S)
        if self._asking is not None:
            self._asking.join()
        self._read_clock()

    def lines(self) -> tuple[str, ...]:
        """All that it said, harmless text; the last part of it where it said very much."""
        try:
            return tuple(line.text for line in self.console.lines_since(self.mark))
        except RigError as error:
            return (str(error),)

    def fault(self) -> str | None:
        """Why what it said does not count."""
        boots = self.console.boots_since(self.mark)
        return f"{self.device.name}: restarted {boots} times during the trial" if boots else None

    def events(self, clock: HearingClock) -> tuple[Event, ...]:
        """Its reports in trial time; `offset_s` is the moment of decision."""
        found = []
        for said in self.console.events_since(self.mark):
            if said.label not in self.device.labels:
                continue
            at_s = trial_s(said, self.readings, clock, self.device.delay_ms / 1000.0)
            if math.isfinite(at_s) and at_s >= 0.0:
                found.append(Event(at_s, at_s, said.label, said.score, self.device.name, DUT))
        return tuple(sorted(found, key=lambda event: event.offset_s))


def trial_s(
    said: ConsoleEvent, readings: Sequence[ClockReading], clock: HearingClock, delay_s: float
) -> float:
    """When a report was made, in trial time. delay_s: from then to its line, where the line tells no time."""
    if said.device_time_s is None or not readings:
        return clock.trial_s(said.monotonic_ns) - delay_s
    first, last = readings[0], readings[-1]
    first_s, last_s = (clock.trial_s((one.sent_ns + one.received_ns) // 2) for one in (first, last))
    span_s = last.device_time_s - first.device_time_s
    rate = (last_s - first_s) / span_s if span_s >= APART_S else 1.0
    return first_s + (said.device_time_s - first.device_time_s) * rate
