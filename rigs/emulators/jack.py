"""A sound card of software: a JACK server with a dummy clock and a loopback cable.

What is played on port k of the device `loopback` comes back on its port k, one period later and bit for bit, through
the same PortAudio that drives real interfaces:

    jackd -n NAME -r -S -t 10000 -L CHANNELS -d dummy -r RATE -p PERIOD

`-S` (synchronous) is what makes it exact: on a busy machine the clock stretches instead of losing samples. float32 only;
integer formats are dithered by PortAudio.

PortAudio looks for servers once, when it starts. So start the server first, set `environment()`, and only then import
sounddevice. A process in which PortAudio still runs is aborted when its server stops: end that process (or call
`rigs.audio.devices.forget_devices`) before `stop()`.
"""

from __future__ import annotations

import ctypes.util
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rigs.errors import AudioFault

DEVICE = "loopback"
HOST_API = "JACK"
SHARED_MEMORY = Path("/dev/shm")
SERVERS = ("jackd", "jackdbus")
PROBE = (
    "import sys; from rigs.emulators.jack_client import JackClient; JackClient(sys.argv[1], 'probe').close()"
)
_numbers = itertools.count()


@dataclass(frozen=True)
class JackSpec:
    """rate_hz: 8000 to 192000. period: samples, a power of two; it is also the lag. channels: ports of the device.
    loopback: False gives a device `system` without cables, see `freewheel`. ports: how many all programmes may open."""

    rate_hz: int = 96_000
    period: int = 1024
    channels: int = 8
    loopback: bool = True
    ports: int = 256


def missing() -> str | None:
    """Why no server can be started here, or None."""
    if shutil.which("jackd") is None or ctypes.util.find_library("jack") is None:
        return "jackd is not installed (Debian: jackd2)"
    return None


class JackServer:
    """One server process with a name of its own; several run side by side (JACK allows eight).

    It dies with the thread that started it, unless `outlive` says otherwise.
    """

    def __init__(self, spec: JackSpec = JackSpec(), name: str | None = None, outlive: bool = False) -> None:
        self.spec = spec
        self.name = name or f"earshot-{os.getpid()}-{next(_numbers)}"
        self._outlive = outlive
        self._process: subprocess.Popen | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="jack-"))

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process and self.running else None

    def environment(self) -> dict[str, str]:
        """What a process must have in its environment before it imports sounddevice."""
        return {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    def command(self) -> list[str]:
        spec = self.spec
        command = ["jackd", "-n", self.name, "-r", "-S", "-t", "10000", "-p", str(spec.ports)]
        if spec.loopback:
            command += ["-L", str(spec.channels)]
        command += ["-d", "dummy", "-r", str(spec.rate_hz), "-p", str(spec.period)]
        if not spec.loopback:
            command += ["-C", str(spec.channels), "-P", str(spec.channels)]
        if not self._outlive and (guard := shutil.which("setpriv")):
            command = [guard, "--pdeathsig", "KILL", *command]
        return command

    def start(self, timeout_s: float = 30.0) -> Self:
        """Start and wait until clients are answered. Raises AudioFault with the last words of the server."""
        if reason := missing():
            raise AudioFault(f"JACK server {self.name} cannot start: {reason}")
        with _one_at_a_time():
            forget_dead_servers()
            self._launch(timeout_s)
        return self

    def _launch(self, timeout_s: float) -> None:
        log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"JACK_NO_AUDIO_RESERVATION": "1"},
        )
        log.close()
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                words = self.log()[-400:]
                self.stop()
                raise AudioFault(f"JACK server {self.name} did not come up in {timeout_s:g} s: {words}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Asked from another process: a client of a server that ends would take this one with it."""
        check = subprocess.run(
            [sys.executable, "-c", PROBE, self.name], check=False, capture_output=True, timeout=60.0
        )
        return self.running and check.returncode == 0

    def stop(self) -> None:
        """End the server, kindly first; safe to call twice."""
        if self._process is not None:
            for number, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
                if self._process.poll() is None:
                    self._process.send_signal(number)
                    try:
                        self._process.wait(patience_s)
                    except subprocess.TimeoutExpired:
                        continue
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def forget_dead_servers(memory: Path = SHARED_MEMORY, processes: Path = Path("/proc")) -> None:
    """Empty JACK's list of servers where none runs.

    It holds eight, by process number. A killed server stays on it, and for ever once another process has its number.
    """
    if any(_name_of(process) in SERVERS for process in processes.glob("[0-9]*")):
        return
    with suppress(OSError):  # another user's, or gone
        (memory / "jack-shm-registry").unlink()


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:  # it has just ended
        return ""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Held until a server is on the list, so that nobody empties it under one that is starting."""
    with (Path(tempfile.gettempdir()) / f"earshot-jack-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
