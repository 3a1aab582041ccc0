"""The console of a device, without ears: it boots, answers, reports what it is told to, and misbehaves on request.

    version               firmware 1.0.0 build reference hash 3f...
    threshold LABEL N     threshold LABEL = N           error: ... for an unknown label or no number
    clock                 [   12.345] clock
    reset                 boot log, ending in `ready`; whatever is typed while it boots is lost
    anything else         error: unknown command
    of itself             [   12.345] EVT LABEL score=9.58

The virtual device (`lab.bench.emulated`) gives it ears: it speaks through this same console.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rigs.console_patterns import ConsolePatterns

MOST_TYPED = 256  # bytes of a command line that firmware has room for


@dataclass(frozen=True)
class Firmware:
    """What the device runs. thresholds: its labels, and the score from which each is reported."""

    version: str = "1.0.0"
    build_id: str = "reference"
    build_hash: str = "0" * 64
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"watermark": 6.5})
    boot_lines: tuple[str, ...] = ("memory 8192 KiB ok", "microphones 4", "stack loaded")


class DeviceEmulator:
    """Speaks a device's console: `feed` takes what is typed, both `feed` and `tick` answer what is printed.

    clock: seconds, counts up; the device's own clock starts from 0 at each boot. boot_s: how long a boot takes. echo: typed characters
    come back, as on a shell. thresholds: those in force, one dictionary for life. on_reset, on_threshold: told of a reset, of (label,
    value). Any thread may call.
    """

    def __init__(
        self,
        firmware: Firmware | None = None,
        clock: Callable[[], float] = time.monotonic,
        boot_s: float = 0.0,
        echo: bool = False,
        on_reset: Callable[[], None] = lambda: None,
        on_threshold: Callable[[str, float], None] = lambda label, value: None,
    ) -> None:
        self.firmware = firmware or Firmware()
        self.thresholds: dict[str, float] = {}
        self._clock, self._boot_s, self._echo = clock, boot_s, echo
        self._on_reset, self._on_threshold = on_reset, on_threshold
        self._lock = threading.RLock()
        self._typed = bytearray()
        self._out = bytearray()
        self._ready = False
        self.powered = True
        self._boot()

    # The wire

    def feed(self, data: bytes) -> bytes:
        with self._lock:
            self._go_on()
            if self._ready and self.powered:
                self._type(data)
            return self._take()

    def tick(self) -> bytes:
        with self._lock:
            self._go_on()
            return self._take()

    # What happens to the device

    def report(self, label: str, score: float, at: float | None = None) -> None:
        """Report a detection made at `at` on `clock` (now, when None)."""
        self.log(f"EVT {label} score={score:.2f}", at)

    def log(self, text: str, at: float | None = None) -> None:
        """Print a line with the device's time in front; without power nothing happens."""
        with self._lock:
            if not self.powered:
                return
            uptime_s = max(0.0, (self._clock() if at is None else at) - self._booted_at)
            self._print(f"[{uptime_s:9.3f}] {text}".encode())

    def say(self, raw: bytes) -> None:
        """Put bytes on the wire as they are: garbage, control characters, a line without an end."""
        with self._lock:
            self._out += raw

    def reboot(self) -> None:
        """Start over, as after a crash or a loss of power; settings fall back to those of the build."""
        with self._lock:
            self._boot()
        self._on_reset()

    def power_off(self) -> None:
        with self._lock:
            self.powered = False
            self._out.clear()

    def power_on(self) -> None:
        """Boot; of a device that has power already, nothing."""
        if not self.powered:
            self.powered = True
            self.reboot()

    # How

    def _boot(self) -> None:
        self._booted_at = self._clock()
        self._typed.clear()
        self.thresholds.clear()
        self.thresholds.update(self.firmware.thresholds)
        self._ready = False
        self._print(b"")  # a line that was cut short must not swallow the first of this boot
        self.log(f"boot: firmware {self.firmware.version} build {self.firmware.build_id}", self._booted_at)
        for line in self.firmware.boot_lines:
            self.log(line, self._booted_at)
        self._go_on()

    def _go_on(self) -> None:
        if self.powered and not self._ready and self._clock() - self._booted_at >= self._boot_s:
            self._ready = True
            self.log("ready")

    def _type(self, data: bytes) -> None:
        if self._echo:
            self._out += data
        for byte in data:
            if byte not in b"\r\n":
                if len(self._typed) <= MOST_TYPED:
                    self._typed.append(byte)
                continue
            line, self._typed = bytes(self._typed), bytearray()
            if line.strip():
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        if len(line) > MOST_TYPED:
            return self._print(b"error: line too long")
        match line.decode("ascii", "replace").split():
            case ["version"]:
                one = self.firmware
                self._print(f"firmware {one.version} build {one.build_id} hash {one.build_hash}".encode())
            case ["clock"]:
                self.log("clock")
            case ["reset"]:
                self.reboot()
            case ["threshold", label, value]:
                self._set(label, value)
            case _:
                self._print(b"error: unknown command")

    def _set(self, label: str, value: str) -> None:
        try:
            number = float(value)
        except ValueError:
            return self._print(b"error: not a number")
        if label not in self.thresholds:
            return self._print(
                f"error: no label {label[:40]!a}, there are: {', '.join(self.thresholds)}".encode()
            )
        if not abs(number) < 1e6:
            return self._print(b"error: out of range")
        self.thresholds[label] = number
        self._on_threshold(label, number)
        self._print(f"threshold {label} = {number:g}".encode())

    def _print(self, line: bytes) -> None:
        self._out += line + b"\r\n"

    def _take(self) -> bytes:
        out, self._out = bytes(self._out), bytearray()
        return out


def emulate(profile: ConsolePatterns | None = None) -> DeviceEmulator:
    """An emulator of a device with this profile: the shipped one, whatever the profile says of others."""
    return DeviceEmulator()


EMULATOR = emulate
