"""Faults put to the emulated bench while it runs, one by one: `python -m tests.benchmarks.bench_faults [NAME...]`.

Real processes, serial lines (pseudo-terminals), sound (JACK) and disks; some sixteen minutes. Writes docs/results/rig_faults.md: what
became of every trial, whether anything kept moving or stayed on, whether anything that was measured is gone. With names only
those faults are tried, and only their rows are written anew.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.physical.commands import ROOT, lab
from tests.bench.physical.conftest import SCENARIO
from tests.bench.physical.standing import Running, Standing, lost, relays_off, trials
from tests.bench.physical.test_faults import HOSTILE

PAGE = ROOT / "docs" / "results" / "rig_faults.md"
TRIALS = 3
KILLS = 10
SMALL_MB = 300
MOST_WORDS = 240  # characters of a reason; the bench log has all of it
FAR = SCENARIO.replace("distance_m = 1.0", "distance_m = 3.2").replace("[4.0, 3.5, 2.5]", "[6.0, 4.0, 2.5]")
HEAD = """# Faults on the emulated bench

Written by `python -m tests.benchmarks.bench_faults`, whose docstrings say how each fault is made. Stage, relays, meter, sensor
and device are on pseudo-terminals, sound goes through JACK; a fresh bench for each fault, three trials each. The guardian gives
the lab of an emulated bench 3 s (2 s of them without a heartbeat), that of a physical one 1 s: `bench_guardian.py` times that.

| fault | trial 1 | trial 2 | trial 3 | moves or is on afterwards | measured and lost | notes |
|---|---|---|---|---|---|---|
"""
EVERY_LINE = ("rail", "relays", "meter", "sensor", "console")


@dataclass
class Row:
    """became: of each trial, by index. notes: figures. still: nothing moves, everything is off. gone: measured and lost."""

    fault: str
    became: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    still: bool = True
    gone: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """A standing emulation, a scenario and a folder for one fault."""

    folder: Path
    standing: Standing
    row: Row

    def run(self, text: str = SCENARIO, **more: object) -> Running:
        scenario = self.folder / "short.toml"
        scenario.write_text(text)
        return Running(scenario, self.out, TRIALS, **more)

    @property
    def out(self) -> Path:
        return self.folder / "run"

    def look(self, run: Running) -> None:
        """Wait until everything has ended, and note how things stand."""
        code = run.end()
        run.wait_guardian()
        found = trials(run.out)
        self.row.became += [became(run, index, found) for index in range(TRIALS)]
        self.row.still = self.row.still and self.standing.at_rest() and relays_off(run.out)
        self.row.gone += lost(run.out)
        if code:
            self.row.notes.append(f"run ended with code {code}: {last_words(run)}")

    def resume(self, run: Running) -> None:
        """What was not run comes with the same command and `--resume`."""
        again = Running(self.folder / "short.toml", run.out, TRIALS, resume=True)
        code = again.end()
        again.wait_guardian()
        found = trials(run.out)
        self.row.notes.append(
            f"`--resume`: code {code}, {sum(one is None for one in found.values())} of {TRIALS} valid"
        )
        self.row.gone += lost(run.out)


def became(run: Running, index: int, found: dict[int, str | None]) -> str:
    """Of one trial: valid, invalid with its reason, or not run."""
    if index in found:
        return "valid" if found[index] is None else f"invalid: {shortened(found[index] or '')}"
    said = re.findall(rf"trial short-00000000-{index}: NOT RUN: (.*)", run.log)
    return f"not run: {shortened(said[-1])}" if said else "not run"


def last_words(run: Running) -> str:
    said = [line for line in run.said.read_text(errors="replace").splitlines() if line.startswith("lab: ")]
    return shortened(said[-1].removeprefix("lab: ")) if said else "killed"


def shortened(text: str) -> str:
    return text if len(text) <= MOST_WORDS else text[:MOST_WORDS] + " ..."


def mid_move(bench: Bench) -> None:
    run = bench.run(FAR)
    run.wait_log("the stage moves to")
    time.sleep(0.1)
    bench.standing.fault("rail:unplug")
    run.end()
    bench.standing.fault("rail:unplug=false")
    bench.look(run)
    bench.resume(run)


def mid_capture(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    bench.standing.fault("relays:unplug")
    run.wait_log("relays: link lost")
    bench.standing.fault("relays:unplug=false")
    bench.look(run)


def garbage(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    for name in EVERY_LINE:
        bench.standing.fault(f"{name}:garbage=16")
    run.wait_log("trial short-00000000-1: ", 2)
    for name in EVERY_LINE:
        bench.standing.fault(f"{name}:none")
    bench.look(run)
    bench.resume(run)


def reboot(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(1)
    bench.standing.fault("console:reboot")
    bench.look(run)


def two_processes(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    other = lab("rig", "check", "emulated")
    said = "refused, naming the holder" if f"process {run.process.pid}" in other.stderr else other.stderr
    bench.row.notes.append(f"second process: code {other.returncode}, {said}")
    bench.look(run)


def killed(bench: Bench) -> None:
    """Ten runs, each killed at a random moment between its start and its last trial; the last one is resumed."""
    chance = random.Random(41)
    first, moments, stored = bench.folder, [], 0
    for kill in range(KILLS):
        bench.folder = first / str(kill)
        bench.folder.mkdir()
        run, moment = bench.run(), chance.uniform(3.0, 33.0)
        moments.append(f"{moment:.0f}")
        time.sleep(moment)
        before = known(run)
        run.process.kill()
        run.end()
        if (run.out / "guardian.jsonl").exists():
            run.wait_guardian()
            bench.row.still = bench.row.still and bench.standing.at_rest() and relays_off(run.out)
        after = known(run)
        stored += len(after)
        bench.row.gone += [f"kill {kill}: trial {index}" for index in before if index not in after]
        bench.row.gone += lost(run.out) if after else []
        bench.standing.kill()  # its sound server waits long for a client that was killed under it
        bench.standing = Standing()
    bench.row.notes.append(
        f"killed {', '.join(moments)} s after the start; {stored} trials had been stored, all are kept"
    )
    bench.resume(run)
    bench.row.became = [became(run, index, trials(run.out)) for index in range(TRIALS)]


def known(run: Running) -> dict[int, str | None]:
    """What is stored of a run that may not have begun."""
    return trials(run.out) if (run.out / "lab.sqlite").exists() and "trial short" in run.log else {}


def hung(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    time.sleep(2.0)
    os.kill(run.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    run.end()
    bench.row.notes.append(
        f"stopped lab (SIGSTOP) ended by the guardian after {time.monotonic() - began:.1f} s"
    )
    bench.look(run)


def emergency_stop(bench: Bench) -> None:
    run = bench.run(FAR)
    run.wait_log("the stage moves to")
    time.sleep(0.1)
    bench.standing.fault("button:alarm")
    bench.look(run)
    bench.standing.fault("button:none")
    bench.resume(run)


def guardian_killed(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    words = ["pgrep", "-P", str(run.process.pid), "-f", "rigs.guardian.process"]
    os.kill(int(subprocess.run(words, capture_output=True, check=True).stdout), signal.SIGKILL)
    code = run.end()
    bench.row.notes.append(f"run ended with code {code}: {last_words(run)}")
    found = trials(run.out)
    bench.row.became = [became(run, index, found) for index in range(TRIALS)]
    bench.row.still = bench.standing.at_rest()
    bench.row.gone += lost(run.out)


def lost_block(bench: Bench) -> None:
    bench.look(bench.run(sabotage="lost=1"))


def disk_refuses(bench: Bench) -> None:
    bench.look(bench.run(sabotage="disk=1"))


def disk_full(bench: Bench) -> None:
    """A disk of its own, filled by somebody else in the middle of a capture; needs the right to mount."""
    small = bench.folder / "run"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", small], check=False, capture_output=True
    )
    if mounted.returncode:
        bench.row.notes.append("not tried: a disk of its own needs the right to mount")
        return
    try:
        run = bench.run()
        run.wait_playing(1)
        junk = small / "junk"
        with junk.open("wb") as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
                    file.flush()
            except OSError:
                pass
        run.end()
        junk.unlink()
        bench.look(run)
        bench.resume(run)
    finally:
        subprocess.run(["umount", "-l", small], check=False)


def clock(bench: Bench) -> None:
    bench.look(bench.run(sabotage="clock"))


def hostile(bench: Bench) -> None:
    run = bench.run()
    run.wait_playing(0)
    bench.standing.say(HOSTILE)
    for _ in range(5):
        bench.standing.say(b"A" * 200_000)
    bench.standing.say(b"\n")
    bench.look(run)
    clean = all(character.isprintable() or character == "\n" for character in run.log)
    bench.row.notes.append("bench log is " + ("plain text" if clean else "NOT plain text"))


FAULTS: dict[str, tuple[str, Callable[[Bench], None]]] = {
    "mid_move": ("Stage unplugged in mid-move", mid_move),
    "mid_capture": ("Relay board unplugged in mid-capture", mid_capture),
    "garbage": ("16 random bytes before every reply, on every line", garbage),
    "reboot": ("Device restarts in a trial", reboot),
    "two_processes": ("Second process wants the bench", two_processes),
    "killed": ("Lab killed (kill -9) at ten random points", killed),
    "hung": ("Lab hangs while it plays", hung),
    "guardian_killed": ("Guardian killed (kill -9) in a trial", guardian_killed),
    "emergency_stop": ("Emergency stop in mid-move", emergency_stop),
    "lost_block": ("One audio block never reaches the lab", lost_block),
    "disk_refuses": ("The system refuses to let a capture grow", disk_refuses),
    "disk_full": (f"Disk of {SMALL_MB} MB filled up in mid-capture", disk_full),
    "clock": ("Wall clock jumps by 3 h at every look", clock),
    "hostile": ("Console says control characters, HTML, 1 MB without an end of line", hostile),
}


@contextmanager
def own_places(folder: Path) -> Iterator[None]:
    changes = {"EARSHOT_LOCKS": "locks", "XDG_STATE_HOME": "state", "EARSHOT_CACHE": "rooms"}
    os.environ |= {name: str(folder / place) for name, place in changes.items()}
    yield


def try_one(name: str, folder: Path) -> Row:
    title, act = FAULTS[name]
    row = Row(title)
    place = folder / name
    place.mkdir()
    bench = Bench(place, Standing(), row)
    try:
        act(bench)
    finally:
        bench.standing.kill()
    return row


def line(row: Row) -> str:
    cells = [row.fault, *[*row.became, *["-"] * TRIALS][:TRIALS]]
    cells += ["nothing" if row.still else "SOMETHING", "; ".join(row.gone) or "nothing", "; ".join(row.notes)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write_page(rows: list[Row], folder: str) -> None:
    """Rows of faults that were not tried stay as they are. folder: not told."""
    kept = PAGE.read_text().splitlines() if PAGE.exists() else []
    fresh = {row.fault: line(row).replace(f"{folder}/", "") for row in rows}
    known = {one.split(" | ")[0].removeprefix("| "): one for one in kept if one.startswith("| ")} | fresh
    lines = [known[title] for title, _ in FAULTS.values() if title in known]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n")


def main(names: list[str]) -> int:
    rows = []
    with tempfile.TemporaryDirectory(prefix="earshot-faults-") as at, own_places(Path(at)):
        for name in names or FAULTS:
            began = time.monotonic()
            rows.append(try_one(name, Path(at)))
            print(f"{name} ({time.monotonic() - began:.0f} s): {rows[-1]}", flush=True)
        write_page(rows, at)
    return int(any(row.gone or not row.still for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
