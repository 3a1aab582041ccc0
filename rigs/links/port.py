"""A port: raw bytes in and out, and one exception when it is gone."""

from __future__ import annotations

import errno
import os
import select
import time
from typing import Protocol

import serial

from rigs.errors import BadRigFile, LinkBusy, LinkLost
from rigs.links import usb
from rigs.links.owner import holder_of
from rigs.links.spec import LinkSpec
from rigs.links.waker import Waker

WRITE_TIMEOUT_S = 2.0
READ_BYTES = 65536
QUEUE_S = 0.1
# pyserial raises the last two when a port vanishes between its own system calls.
_GONE = (OSError, TypeError, AttributeError)


class Port(Protocol):
    def read(self, timeout_s: float) -> tuple[bytes, int]:
        """What has arrived and when (time.monotonic_ns); empty after at most `timeout_s`. Raises LinkLost."""

    def write(self, data: bytes) -> None:
        """Send; raises LinkLost when the port is gone or takes no bytes."""

    def wake(self) -> None:
        """Let a waiting `read` return at once."""

    def close(self) -> None: ...


class SerialPort:
    """A port through pyserial. Device paths are opened exclusively."""

    def __init__(self, spec: LinkSpec) -> None:
        """Open; raises LinkLost, LinkBusy, or BadRigFile for a URL or a setting that cannot be."""
        self._spec = spec
        self.url = usb.resolve(spec.usb_path) if spec.usb_path else spec.url
        self._serial = _open(spec, self.url)
        self._waker = Waker()
        try:
            self._fd: int | None = self._serial.fileno()
        except (OSError, AttributeError):  # rfc2217:// has a thread and a queue instead
            self._fd = None

    def read(self, timeout_s: float) -> tuple[bytes, int]:
        try:
            if self._fd is None:
                return self._read_queued()
            ready, _, _ = select.select([self._fd, self._waker], [], [], timeout_s)
            at_ns = time.monotonic_ns()
            if self._waker in ready:
                self._waker.clear()
            return (self._serial.read(READ_BYTES) if self._fd in ready else b""), at_ns
        except _GONE as error:
            raise LinkLost(f"{self._spec.place}: connection lost ({_why(error)})") from error

    def _read_queued(self) -> tuple[bytes, int]:
        data = self._serial.read(1)
        at_ns = time.monotonic_ns()
        if data and (more := self._serial.in_waiting):
            data += self._serial.read(more)
        return data, at_ns

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkLost(f"{self._spec.place}: takes no bytes for {WRITE_TIMEOUT_S} s") from error
        except _GONE as error:
            raise LinkLost(f"{self._spec.place}: connection lost ({_why(error)})") from error

    def discard_output(self) -> None:
        """Forget bytes that were accepted but have not left yet, so that what comes next leaves first."""
        if self._fd is not None and is_device(self.url):
            try:
                self._serial.reset_output_buffer()
            except (*_GONE, serial.SerialException):
                pass

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        try:
            self._serial.close()
        except (*_GONE, ValueError):
            pass
        self._waker.close()


def is_device(url: str) -> bool:
    return "://" not in url


def _open(spec: LinkSpec, url: str) -> serial.SerialBase:
    try:
        port = serial.serial_for_url(
            url,
            do_not_open=True,
            baudrate=spec.baud_rate,
            parity=spec.parity,
            stopbits=spec.stop_bits,
            # rfc2217:// cannot be waited for from outside, and negotiates anew whenever this changes.
            timeout=QUEUE_S if url.startswith("rfc2217:") else 0,
        )
        if is_device(url):
            port.write_timeout = WRITE_TIMEOUT_S
            port.exclusive = True  # an open without it would slip past the one that has it
        if spec.dtr is not None:
            port.dtr = spec.dtr
        if spec.rts is not None:
            port.rts = spec.rts
        port.open()
        return port
    except ValueError as error:
        raise BadRigFile(f"link {spec.place}: {error}") from error
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EBUSY):
            raise LinkBusy(f"{spec.place}: in use by {holder_of(url)}; opening it was refused") from error
        raise LinkLost(f"{spec.place}: cannot be opened ({_why(error)})") from error


def _why(error: Exception) -> str:
    if isinstance(error, TypeError | AttributeError) or "no data" in str(error):
        return "unplugged, or its driver has gone"
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)
