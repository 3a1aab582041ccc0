"""`python -m lab.bench.emulated.above_hearing --rig ultrasonic`: the air of a bench that plays a tone, as a process.

It hears what the bench plays, renders the room of a trial about it and plays what the microphones deliver. The stage of the rig file is
emulated here too, on the sound card's clock, so that its motion and the tone keep step on the busiest machine.

Prints one line of JSON, {"control": SOCKET, "urls": {INSTRUMENT: PTY}}, once it listens. Ends when its standard input ends, on SIGTERM, or
with a message and exit code 4 when sound stops.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.cache import DiskCache
from lab.bench.emulated.__main__ import drawn, ended, leave_soon
from lab.bench.emulated.control import ControlServer
from lab.bench.emulated.sound import SoundCard
from lab.bench.emulated.trajectory import Trajectory
from lab.bench.emulated.twin import free_field
from lab.bench.emulated.ultrasonic_twin import BEHIND_S, UltrasonicTwin, warmed_up
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring
from lab.errors import BadInput, EarshotError, ExitCode, LabFailure
from rigs.emulators.wire import PtyServer
from rigs.errors import BadRigFile, RigError
from rigs.profile import find_emulator
from rigs.rig_file import RigFile, load_rig
from rigs.rig_tables import EMULATOR

TOLD_S = 0.1  # so recent may be what the stage's emulator has not told yet


class Air:
    """What lies between the loudspeaker and the microphones of a rig, and its clock. Until a trial is placed it is a free field of 1 m.

    cache: of rooms, None for the user's. trajectory: where the rig's stage was and when, None where it has none.
    """

    def __init__(self, wiring: Wiring, cache: DiskCache | None = None) -> None:
        self.wiring, self._cache = wiring, cache
        self.trajectory: Trajectory | None = None
        self._heard = 0
        self._gains = np.array([[1.0 / one.pa] for one in wiring.microphones], np.float32)
        self._idle = free_field(wiring.loudspeakers, len(wiring.microphones))
        self._twin: UltrasonicTwin | None = None
        self._begins = 0  # of the twin's first sample
        self._fresh: UltrasonicTwin | None = None
        self._first_sound: int | None = None

    @property
    def clock_s(self) -> float:
        """Seconds of sound since it was opened."""
        return self._heard / self.wiring.rate_hz

    def hear(self, playback: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the loudspeaker is fed, (1, n); answers what the bench's inputs record, (inputs, n). In the audio thread."""
        if self._fresh is not None:
            self._twin, self._fresh = self._fresh, None
            self._begins, self._first_sound = self._heard, None
        if self._first_sound is None and playback.any():
            self._first_sound = self._heard + int(np.argmax(np.any(playback != 0.0, axis=0)))
        if self._twin is None:
            heard = self._gains * self._idle.hear(playback)
        else:
            if self.trajectory is not None:
                self.trajectory.wait_for(self.clock_s - TOLD_S)
            heard = self._twin.hear(playback)
        self._heard += playback.shape[1]
        return heard

    def place(self, scenario: str, cell: str = "", trial: int = 0, seed: int = 1) -> dict[str, Any]:
        """Put the device into the room of a trial; in force with the next sample. Raises BadInput; then nothing changes."""
        placed = drawn(scenario, cell, trial, seed)
        (loudspeaker,) = self.wiring.loudspeakers

        def make() -> UltrasonicTwin:
            return UltrasonicTwin(
                placed,
                loudspeaker,
                self.wiring.microphones,
                self.wiring.rate_hz,
                None if self.trajectory is None else self._stage_m,
                self._cache,
            )

        self._fresh = warmed_up(make, self.wiring.rate_hz)
        return {"latency_s": self._fresh.latency / self.wiring.rate_hz}

    def moved(self) -> dict[str, Any]:
        """When the echo of the stage moved, in s after the first sound of the trial, begin and end of each motion. Raises LabFailure."""
        if self._first_sound is None:
            raise LabFailure("room twin: nothing was heard since a trial was placed")
        if self.trajectory is None:
            return {"moved_s": []}
        first_s = self._first_sound / self.wiring.rate_hz
        found = self.trajectory.moved_s(first_s - BEHIND_S)
        return {"moved_s": [[begin + BEHIND_S - first_s, end + BEHIND_S - first_s] for begin, end in found]}

    def _stage_m(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self.trajectory is not None
        return self.trajectory.distance_m(time_s + self._begins / self.wiring.rate_hz - BEHIND_S)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.emulated.above_hearing", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rig", required=True, help="name or path of the rig file, or what it says as JSON")
    parser.add_argument("--cache", type=Path, help="folder of computed rooms")
    options = parser.parse_args(argv)
    try:
        rig = (
            RigFile.model_validate_json(options.rig) if options.rig.startswith("{") else load_rig(options.rig)
        )
        return run(rig, DiskCache(options.cache) if options.cache else None)
    except (EarshotError, RigError) as error:
        said = error
        bad = isinstance(error, BadInput | BadRigFile)
    print(f"room twin: {said}", file=sys.stderr)
    return int(ExitCode.BAD_INPUT if bad else ExitCode.LAB_FAILURE)


def run(rig: RigFile, cache: DiskCache | None) -> int:
    """Render until told to end."""
    air = Air(wiring(rig), cache)
    end_r, end_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGTERM, lambda *_: os.write(end_w, b"x"))
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the lab, which ends this process in its own time
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-air-")))
        servers = {name: stack.enter_context(server) for name, server in stages(rig, air)}
        acts = {
            "place": lambda **request: air.place(**request),
            "moved": air.moved,
            "faults": lambda instrument, **faults: servers[instrument].set_faults(**in_bytes(faults)) or {},
        }
        card = stack.enter_context(SoundCard(air.wiring, air.hear))
        control = ControlServer(folder / "control", acts)
        stack.callback(control.close)
        urls = {name: server.url for name, server in servers.items()}
        print(json.dumps({"control": str(folder / "control"), "urls": urls}), flush=True)
        while not ended(end_r):
            card.check()
        leave_soon()
    return 0


def in_bytes(faults: dict[str, Any]) -> dict[str, Any]:
    """What came as text and is meant as bytes on a wire."""
    return {key: value.encode() if key == "interleave" else value for key, value in faults.items()}


def stages(rig: RigFile, air: Air) -> list[tuple[str, PtyServer]]:
    """The emulated stage that carries a target, on the clock of the air, which learns where it is."""
    stage = rig.stage
    if stage is None or stage.carries != "target" or rig.instrument(stage.instrument).link.url != EMULATOR:
        return []
    one = rig.instrument(stage.instrument)
    profile = rig.profile_of(one)
    emulator = find_emulator(one.driver)(
        profile, clock=lambda: air.clock_s, log=lambda *entry: air.trajectory.note(*entry)
    )
    travel_mm = emulator.carriage.travel_mm["xyz".index(stage.axis)]
    air.trajectory = Trajectory(stage, profile, travel_mm)
    return [(one.name, PtyServer(emulator, one.name))]


def wiring(rig: RigFile) -> Wiring:
    """The twin listens to the device's loudspeaker and plays what its microphones deliver. Raises BadRigFile."""
    if rig.tone is None:
        raise BadRigFile(f'{rig.id}: audio.outputs: one with plays = "tone" is needed')
    return Wiring(
        loudspeakers=(Loudspeaker(rig.tone.channel, rig.tone.full_scale_db_spl),),
        microphones=tuple(
            TestMicrophone(one.channel, one.microphone, one.full_scale_db_spl) for one in rig.audio.inputs
        ),
        device=rig.audio.device,
        host_api=rig.audio.host_api,
        rate_hz=rig.audio.rate_hz,
    )


if __name__ == "__main__":
    sys.exit(main())
