"""`lab rig monitor`: what a bench hears, says and does right now, readable from the other end of the room."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.bench.physical.instruments import Instruments
from lab.bench.physical.log import BenchLog
from lab.bench.physical.opened import opened
from lab.bench.physical.sound_card import audio_spec
from lab.commands.at_bench import person, read_rig
from lab.errors import LabFailure
from rigs.audio import Duplex
from rigs.audio.levels import dbfs
from rigs.errors import AudioFault, RigError
from rigs.locks import lease
from rigs.rig_file import RigFile

FRAME_S = 0.25
LOOK_S = 0.02
LAST_S = 5.0  # in which a sound card that has stopped says why
LINES = 8
BAR = 40
QUIETEST_DB = 20.0
LOUDEST_DB = 100.0


def monitor(bench: str, seconds: float | None, folder: Path) -> None:
    """Until Ctrl-C or for so long. Raises LabFailure when the bench is taken or its sound card is not there."""
    rig = read_rig(bench)
    console = Console()
    operator = person(ask=False)
    try:
        with (
            lease(rig.id, "lab rig monitor") as held,
            opened(rig, folder, operator, BenchLog(folder / "bench.log"), held, tolerant=True) as (
                _,
                instruments,
            ),
        ):
            _watch(rig, instruments, seconds, console)
    except RigError as error:
        raise LabFailure(f"bench {rig.id}: {error}") from error
    except KeyboardInterrupt:
        return


def _watch(rig: RigFile, instruments: Instruments, seconds: float | None, console: Console) -> None:
    """Nothing is played: what is heard may be a calibrator on a microphone, or nothing at all."""
    spec = audio_spec(rig)
    frames = round(FRAME_S * spec.rate_hz)
    said: deque[str] = deque(maxlen=LINES)
    device = instruments.console
    mark = device.mark() if device is not None else None
    blocks: deque[np.ndarray] = deque()
    end = math.inf  # counts from the first sound on
    with (
        Duplex(spec, live=False, hold=True, on_heard=blocks.append) as duplex,
        Live(console=console, auto_refresh=False, transient=console.is_terminal) as live,
    ):
        while time.monotonic() < end:
            with instruments.attended(60.0):
                heard = _next(blocks, frames, duplex)
                if device is not None and mark is not None:
                    fresh = device.lines_since(mark)
                    mark = device.mark() if fresh else mark
                    said.extend(line.text for line in fresh)
                stage = _stage(instruments)
            if end == math.inf and seconds is not None:
                end = time.monotonic() + seconds
            live.update(screen(rig, dbfs(heard), stage, tuple(said)), refresh=True)


def _next(blocks: deque[np.ndarray], frames: int, duplex: Duplex) -> np.ndarray:
    """So many of what came last, (inputs, frames). Raises RigError when the sound card has stopped."""
    taken: list[np.ndarray] = []
    while blocks or sum(block.shape[1] for block in taken) < frames:
        if blocks:
            taken.append(blocks.popleft())
        elif duplex.running:
            time.sleep(LOOK_S)
        else:
            raise AudioFault(f"{duplex.spec.device}: {duplex.result(LAST_S)[1].reason}")
    return np.concatenate(taken, axis=1)[:, -frames:]


def screen(rig: RigFile, levels_dbfs: np.ndarray, stage: str, said: tuple[str, ...]) -> Group:
    """levels_dbfs: of each input, over a full-scale sine."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for wire, level in zip(rig.audio.inputs, levels_dbfs, strict=True):
        spl = float(level) + wire.full_scale_db_spl
        share = min(1.0, max(0.0, (spl - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)))
        colour = "red" if level > -1.0 else "green"
        bar = Text("#" * round(share * BAR), style=colour)
        words = f"{spl:6.1f} dB SPL" if math.isfinite(spl) else "silent"
        table.add_row(Text(wire.name, style="bold"), Text(words, style="bold"), bar)
    parts = [Text(f"{rig.id}  {rig.kind}", style="bold reverse"), table]
    if stage:
        parts.append(Text(stage, style="bold"))
    parts += [Text.from_markup(escape(line)) for line in said]
    return Group(*parts)


def _stage(instruments: Instruments) -> str:
    stage = instruments.stage
    if stage is None:
        return ""
    try:
        if not stage.homed:
            return f"stage: {stage.state.value}, not homed"
        stage.refresh()
        where = ", ".join(f"{axis} {mm:.1f} mm" for axis, mm in stage.position_mm.items())
    except RigError as error:
        return f"stage: {error}"
    return f"stage: {stage.state.value}, {where}"
