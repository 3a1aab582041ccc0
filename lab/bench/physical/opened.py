"""A whole bench opened in the right order: emulation if it has one, sound card, instruments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.bench.physical.emulation import Emulation, Stand, standing
from lab.bench.physical.instruments import Instruments
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import Operator
from lab.bench.physical.sound_card import borrowed, sound_card
from lab.bench.physical.upkeep import in_use
from rigs.locks import Lease
from rigs.rig_file import RigFile


@contextmanager
def opened(
    rig: RigFile,
    folder: Path,
    operator: Operator,
    log: BenchLog,
    lease: Lease | None = None,
    corpus: Path | None = None,
    tolerant: bool = False,
) -> Iterator[tuple[Stand | None, Instruments]]:
    """Everything that the rig file names, open while inside. The stand: where an emulated bench is found.

    tolerant: see `Instruments`. Raises RigError, LabFailure.
    """
    with ExitStack() as stack:
        left_with = stack.enter_context(in_use(rig, "a run" if lease is None else lease.holder.purpose))
        stand = standing(rig) if rig.kind == "emulated" else None
        if stand is not None:
            log.say(f"uses the emulation that process {stand.pid} keeps standing")
            stack.enter_context(borrowed(stand.environment))
        else:
            stack.enter_context(sound_card(rig))
            if rig.kind == "emulated":
                stand = stack.enter_context(Emulation(rig, corpus)).stand
        urls = {} if stand is None else stand.urls
        instruments = Instruments(rig, folder, operator, log, urls, lease, tolerant)
        stack.callback(lambda: left_with(instruments.unsafe))
        yield stand, stack.enter_context(instruments)
