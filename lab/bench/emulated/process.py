"""A virtual device, or the air above hearing, in a process of its own, as the bench starts and ends it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from lab.bench.emulated.control import ask
from lab.bench.emulated.wiring import Wiring
from lab.errors import BadInput, ExitCode, LabFailure
from rigs.rig_file import RigFile

END_S = 20.0


class HeldProcess:
    """Started when made; it ends with `stop`, and with this process, however that ends.

    name: in messages. command: prints a line of JSON once it is up, with its `control` socket. environment: added to that of the
    process, as `rigs.emulators.jack.JackServer.environment()` gives it. log: file of what it says of itself.
    Raises BadInput or LabFailure with its words when it does not come up.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        self.name = name
        self._log = log.open("w+b") if log is not None else tempfile.TemporaryFile()  # noqa: SIM115 - until `stop`
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(environment or {})},
        )
        try:
            self.announced: dict[str, Any] = json.loads(self._first_line(timeout_s))
        except BaseException:
            self.stop()
            raise
        self.control = Path(self.announced["control"])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, kindly first; safe to call twice."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask(self, do: str, **request: Any) -> dict[str, Any]:
        if not self.running:
            raise LabFailure(f"{self.name}: {do} refused: it has ended: {self._words()}")
        return ask(self.control, do, **request)

    def _first_line(self, timeout_s: float) -> bytes:
        """What it announces. Raises BadInput or LabFailure."""
        assert self._process.stdout is not None
        descriptor, line = self._process.stdout.fileno(), b""
        deadline = time.monotonic() + timeout_s
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise LabFailure(f"{self.name}: not up after {timeout_s:g} s: {self._words()}")
            part = os.read(descriptor, 4096)
            if not part:
                code = self._process.wait()
                kind = BadInput if code == ExitCode.BAD_INPUT else LabFailure
                raise kind(self._words() or f"{self.name}: ended with code {code} before it was up")
            line += part
        return line

    def _words(self) -> str:
        # Not `read`: the process writes where this file stands.
        return os.pread(self._log.fileno(), 1 << 16, 0).decode(errors="replace").strip()[-1000:]


class VirtualDeviceProcess(HeldProcess):
    """wiring: of the sound card. build: file or name, None for the reference. cache: of rooms, None for the user's.

    console_url: of its pty. control: its socket, see `control`. Otherwise as `HeldProcess`.
    """

    def __init__(
        self,
        wiring: Wiring,
        build: str | Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        version: str | None = None,
        corpus: Path | None = None,
        cache: Path | None = None,
        log: Path | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        command = _command(wiring, build, version, corpus, cache)
        super().__init__("virtual device", command, environment=environment, log=log, timeout_s=timeout_s)
        self.console_url: str = self.announced["console"]

    def place(
        self,
        scenario: Path,
        cell: str = "",
        trial: int = 0,
        seed: int = 1,
        plays: Mapping[str, int] | None = None,
    ) -> None:
        """Put the device into the room of a trial; in force when this returns.

        plays: source -> channel of the loudspeaker that stands in its place; None takes the media in order. A noise
        that is not named sounds of itself. Raises BadInput, LabFailure.
        """
        self._ask(
            "place",
            scenario=str(scenario),
            cell=cell,
            trial=trial,
            seed=seed,
            plays=None if plays is None else dict(plays),
        )

    def power(self, on: bool) -> None:
        """What the relay in its supply does. Raises LabFailure."""
        self._ask("power", on=on)

    def alarm(self, on: bool) -> None:
        """What the relay of the alarm in its room does. Raises LabFailure."""
        self._ask("alarm", on=on)

    def amplifier(self, on: bool) -> None:
        """What the relay of the loudspeakers' amplifier does. Raises LabFailure."""
        self._ask("amplifier", on=on)

    def reboot(self) -> None:
        """Let it crash and start again. Raises LabFailure."""
        self._ask("reboot")

    def say(self, raw: bytes) -> None:
        """Put bytes on its console as they are. Raises LabFailure."""
        self._ask("say", text=raw.decode("latin-1"))

    def set_faults(self, **faults: Any) -> None:
        """Change what goes wrong on its console's wire, see `rigs.emulators.wire.Faults`. Raises BadInput, LabFailure."""
        self._ask("faults", **faults)

    def status(self) -> dict[str, Any]:
        """heard_s: seconds of sound since it started; lost_samples: what the stack was too slow for."""
        return self._ask("status")


class AirProcess(HeldProcess):
    """The air of a bench that plays a tone, see `lab.bench.emulated.above_hearing`. rig: of that bench.

    urls: of the instruments that it emulates on the clock of its sound card.
    """

    def __init__(self, rig: RigFile, *, cache: Path | None = None, log: Path | None = None) -> None:
        command = [sys.executable, "-m", "lab.bench.emulated.above_hearing", "--rig", rig.model_dump_json()]
        if cache is not None:
            command += ["--cache", str(cache)]
        super().__init__("room twin", command, log=log)
        self.urls: dict[str, str] = self.announced["urls"]

    def set_faults(self, instrument: str, **faults: Any) -> None:
        """Change what goes wrong on the wire of an instrument, see `rigs.emulators.wire.Faults`. Raises BadInput, LabFailure."""
        self._ask("faults", instrument=instrument, **faults)


def _command(
    wiring: Wiring, build: str | Path | None, version: str | None, corpus: Path | None, cache: Path | None
) -> list[str]:
    command = [sys.executable, "-m", "lab.bench.emulated", "--device", wiring.device]
    command += ["--host-api", wiring.host_api, "--rate-hz", str(wiring.rate_hz)]
    for one in wiring.loudspeakers:
        command += ["--loudspeaker", f"{one.channel}={one.full_scale_db_spl}"]
    for one in wiring.microphones:
        command += ["--microphone", f"{one.channel}={one.microphone}:{one.full_scale_db_spl}"]
    for flag, value in (
        ("--build", build),
        ("--version", version),
        ("--corpus", corpus),
        ("--cache", cache),
    ):
        if value is not None:
            command += [flag, str(value)]
    return command
