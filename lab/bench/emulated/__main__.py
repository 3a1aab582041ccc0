"""`python -m lab.bench.emulated`: the virtual device as a process.

    python -m lab.bench.emulated --loudspeaker 1=110 --microphone 5=1:120 --build reference \\
        --scenario scenarios/second_screen/near.toml --trial 0

Prints one line of JSON, {"console": PTY, "control": SOCKET}, once it listens. Ends when its standard input ends,
on SIGTERM, on the request `stop`, or with a message and exit code 4 when sound stops.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from detectors.build import load_build
from detectors.errors import DetectorError
from lab.acoustics.cache import DiskCache
from lab.bench.emulated.control import ControlServer
from lab.bench.emulated.device import VERSION, VirtualDevice
from lab.bench.emulated.sound import SoundCard
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring
from lab.errors import BadInput, EarshotError, ExitCode
from lab.scenario.load import load_scenario
from lab.scenario.trial import Trial
from rigs.emulators.wire import PtyServer
from rigs.errors import RigError

CHECK_S = 0.5
LEAVE_S = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    try:
        return run(options)
    except EarshotError as error:
        code, said = error.exit_code, str(error)
    except DetectorError as error:
        code, said = ExitCode.BAD_INPUT, str(error)
    except RigError as error:
        code, said = ExitCode.LAB_FAILURE, str(error)
    print(f"virtual device: {said}", file=sys.stderr)
    return int(code)


def run(options: argparse.Namespace) -> int:
    """Listen until told to end."""
    wiring = Wiring(
        tuple(options.loudspeaker),
        tuple(options.microphone),
        options.device,
        options.host_api,
        options.rate_hz,
    )
    device = VirtualDevice(
        load_build(options.build),
        wiring,
        version=options.version,
        cache=DiskCache(options.cache) if options.cache else None,
        corpus=options.corpus,
    )
    if options.scenario is not None:
        place(device, str(options.scenario), options.cell, options.trial, options.seed)
    end_r, end_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGTERM, lambda *_: os.write(end_w, b"x"))
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the lab, which ends this process in its own time
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-device-")))
        stack.callback(device.close)
        device.start()
        console = stack.enter_context(PtyServer(device.console, "console"))
        acts = {
            "place": lambda **request: place(device, **request),
            "power": lambda on: device.power(bool(on)) or {},
            "alarm": lambda on: device.alarm(bool(on)) or {},
            "amplifier": lambda on: device.amplifier(bool(on)) or {},
            "reboot": lambda: console.reboot() or {},
            "say": lambda text: console.say(text.encode("latin-1", "replace")) or {},
            "faults": lambda **faults: console.set_faults(**faults) or {},
            "status": lambda: {"heard_s": device.heard_s, "lost_samples": device.lost_samples},
            "stop": lambda: os.write(end_w, b"x") and {},
        }
        card = stack.enter_context(SoundCard(wiring, device.hear))
        control = ControlServer(folder / "control", acts)
        stack.callback(control.close)
        print(json.dumps({"console": console.url, "control": str(folder / "control")}), flush=True)
        while not ended(end_r):
            card.check()
        leave_soon()
    return 0


def leave_soon(seconds: float = LEAVE_S) -> None:
    """A sound server that was killed never answers when the sound card is closed; this process must end all the same."""
    overdue = threading.Timer(seconds, os._exit, [int(ExitCode.LAB_FAILURE)])
    overdue.daemon = True
    overdue.start()


def place(
    device: VirtualDevice,
    scenario: str,
    cell: str = "",
    trial: int = 0,
    seed: int = 1,
    plays: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Put the device into the room of a trial. cell: as `lab run` names it, "" for the first. Raises BadInput."""
    placed = drawn(scenario, cell, trial, seed)
    device.place(placed, plays)
    return {"scenario": placed.scenario_id, "cell": placed.cell.key, "trial": trial}


def drawn(scenario: str, cell: str, trial: int, seed: int) -> Trial:
    """A trial of a scenario file. cell: as `lab run` names it, "" for the first. Raises BadInput."""
    loaded = load_scenario(Path(scenario))
    cells = {one.key: one for one in loaded.cells()}
    wanted = cell or next(iter(cells))
    if wanted not in cells:
        raise BadInput(f"{scenario} has no cell {wanted}; there are: {'; '.join(cells)}")
    return loaded.draw(cells[wanted], trial, seed)


def ended(end_r: int) -> bool:
    """Wait a moment; whether standard input has ended or an end was asked for."""
    ready, _, _ = select.select([end_r, sys.stdin], [], [], CHECK_S)
    return end_r in ready or (sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.bench.emulated", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--build", type=Path, help="build file; default: the reference")
    add("--loudspeaker", type=_loudspeaker, action="append", required=True, metavar="CHANNEL=DB_SPL")
    add("--microphone", type=_microphone, action="append", required=True, metavar="CHANNEL=NUMBER:DB_SPL")
    add("--device", default="loopback", help="sound card")
    add("--host-api", default="JACK")
    add("--rate-hz", type=int, default=48_000)
    add("--version", default=VERSION, help="what the firmware says it is")
    add("--scenario", type=Path, help="scenario file of the first room; default: no room")
    add("--cell", default="")
    add("--trial", type=int, default=0)
    add("--seed", type=int, default=1)
    add("--corpus", type=Path, help="folder of recordings")
    add("--cache", type=Path, help="folder of computed rooms")
    return parser


def _loudspeaker(text: str) -> Loudspeaker:
    channel, level = text.split("=")
    return Loudspeaker(int(channel), float(level))


def _microphone(text: str) -> TestMicrophone:
    channel, rest = text.split("=")
    number, level = rest.split(":")
    return TestMicrophone(int(channel), int(number), float(level))


if __name__ == "__main__":
    sys.exit(main())
