"""An emulated bench in a process of its own, and runs on it in others, for faults to be put into."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.bench.emulated.control import ask
from lab.store.store import Store
from rigs.audio.storage import read_blocks
from rigs.links import LinkSpec, open_link
from rigs.links.log import Direction, read_log
from rigs.locks import default_folder
from tests.bench.physical.commands import LONG_S, ROOT, command

STILL_S = 0.5


def wait_until(happened: Callable[[], object], what: str) -> object:
    deadline = time.monotonic() + LONG_S
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return answer


class Standing:
    """`lab rig emulate` in a process of its own. rig: name or file of an emulated bench."""

    def __init__(self, rig: str | Path = "emulated") -> None:
        self._process = subprocess.Popen(
            command("rig", "emulate", rig),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._until(" stands; ")
        stand = json.loads((default_folder() / "emulated.emulation.json").read_text())
        self.urls: dict[str, str] = stand["urls"]
        self._control = Path(stand["control"])

    def fault(self, text: str) -> None:
        """Ask for a fault; in force when this returns."""
        self._process.stdin.write(text + "\n")
        self._until("done")

    def say(self, raw: bytes) -> None:
        """Let the device's console say bytes as they are."""
        ask(self._control, "say", text=raw.decode("latin-1"))

    def at_rest(self) -> bool:
        """Whether the stage stands still, asked over its own port, which must be free."""
        with open_link(LinkSpec(self.urls["rail"])) as link:
            first, second = (self._status(link, pause_s) for pause_s in (0.0, STILL_S))
        return first == second and first[0] in ("Idle", "Alarm", "Hold:0")

    def _status(self, link, pause_s: float) -> tuple[str, str]:
        time.sleep(pause_s)
        reply = link.request(b"?", until=b">", timeout_s=LONG_S).decode()
        found = re.search(r"<([^|]+)\|MPos:([^|>]+)", reply)
        return found[1], found[2]

    def kill(self) -> None:
        """Its sound server, its device and its wires end with it."""
        self._process.kill()
        self._process.wait(LONG_S)

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(LONG_S) == 0

    def _until(self, words: str) -> None:
        for line in self._process.stdout:
            if words in line:
                return
        raise AssertionError(f"the emulation ended before it said {words!r}")


class Running:
    """`lab run` on a bench, while it runs. sabotage: see `tests.bench.physical.sabotage`."""

    def __init__(
        self,
        scenario: Path,
        out: Path,
        trials: int,
        rig: str | Path = "emulated",
        sabotage: str = "",
        resume: bool = False,
    ) -> None:
        arguments = ["run", scenario, "--rig", rig, "--trials", trials, "--out", out, "--yes", "--no-report"]
        words = command(*arguments, *(["--resume"] if resume else []))
        if sabotage:
            words[1:3] = ["-m", "tests.bench.physical.sabotage", sabotage]
        self.out = out
        self.said = out.with_name(out.name + ".stderr")
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)

    @property
    def log(self) -> str:
        path = self.out / "bench.log"
        return path.read_text() if path.exists() else ""

    def wait_log(self, words: str, times: int = 1) -> None:
        def seen() -> bool:
            ended = self.process.poll() is not None
            if self.log.count(words) >= times:
                return True
            assert not ended, f"it ended before it said {words!r}: {self.said.read_text()}"
            return False

        wait_until(seen, words)

    def wait_playing(self, trial: int) -> None:
        """Until the capture of a trial grows; trials count from 0, in the order in which they come."""
        captures = self.out / "captures"

        def seen() -> bool:
            ended = self.process.poll() is not None
            if len([one for one in captures.glob("*.flac") if one.stat().st_size > 20_000]) > trial:
                return True
            assert not ended, f"it ended before capture {trial}: {self.said.read_text()}"
            return False

        wait_until(seen, f"capture {trial}")

    def end(self) -> int:
        return self.process.wait(LONG_S)

    def wait_guardian(self) -> None:
        """Until the guardian has given the ports back."""
        record = self.out / "guardian.jsonl"
        wait_until(lambda: '"ended"' in record.read_text().splitlines()[-1], "the guardian")


def trials(out: Path) -> dict[int, str | None]:
    """Why each stored trial is invalid, None for a valid one."""
    with Store.read(out) as store:
        (run,) = store.runs()
        (scenario,) = store.scenarios(run.id)
        return {record.index: record.invalid for record in store.trials(run.id, scenario.id)}


def lost(out: Path) -> list[str]:
    """What a run does not have any more of what it has measured; empty when all is there.

    Every stored trial has its note, every note its capture, and every capture that was found in time its whole body.
    """
    found = []
    notes = [json.loads(path.read_text()) for path in (out / "captures").glob("*.json")]
    for index in trials(out):
        if not any(note["trial"] == index for note in notes):
            found.append(f"trial {index} has no note")
    for note in notes:
        capture = out / "captures" / note["capture"]
        if not capture.exists():
            found.append(f"{capture.name} is gone")
        elif note["invalid"] is None:
            end = note["body_at"] + note["body_frames"]
            have = sum(block.shape[1] for block in read_blocks(capture, 48_000, note["body_at"], end))
            if have != note["body_frames"]:
                found.append(f"{capture.name} lacks {note['body_frames'] - have} samples")
    return found


def relays_off(out: Path, channels: int = 8) -> bool:
    """Whether the last that each relay of the emulated bench was told is to be off."""
    last: dict[int, int] = {}
    for record in read_log(out / "wires" / "relays.log"):
        if record.direction is Direction.SENT:
            for at in range(0, len(record.data) - 3, 4):
                last[record.data[at + 1]] = record.data[at + 2]
    return len(last) == channels and not any(last.values())
