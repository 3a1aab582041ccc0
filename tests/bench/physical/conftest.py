"""Benches without a sound: rig files, trials and a person who types, all real but for what they would move."""

from __future__ import annotations

import io
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.bench.physical.emulation import Emulation
from lab.bench.physical.instruments import Instruments
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import Nobody
from lab.scenario.load import load_scenario
from rigs.links import LinkSpec, open_link
from rigs.rig_file import load_rig

SCENARIO = """
format = "earshot-scenario/1"
id = "short"
title = "Marked television, as short as it can be"
device = "four_mic_speaker"
trials = 3
duration_s = 3.3
[room]
size_m = [4.0, 3.5, 2.5]
rt60_s = 0.3
bank = 3
placements = 1
[placement]
rule = "table"
[[sources]]
kind = "media"
name = "tv"
classes = ["speech", "music"]
distance_m = 1.0
level_db_spl = 68.0
watermark = {key = "reference", start_s = 1.1, duration_s = 2.05}
[[sources]]
kind = "noise"
name = "background"
colour = "pink"
snr_db = 20.0
[expect]
labels = ["watermark"]
"""


ASKED = "Enter = go, anything else = no"


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory):
    """Leases, announcements and the memory of benches stay out of the user's folders; rooms are computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_LOCKS", str(tmp_path_factory.mktemp("locks")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("EARSHOT_CACHE", str(tmp_path_factory.mktemp("rooms")))
        yield


@pytest.fixture(scope="session")
def scenario_file(tmp_path_factory):
    """`scenario_file(old, new)`: the short scenario with texts replaced pair by pair, as a file."""

    def _file(*changes: str) -> Path:
        text = SCENARIO
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        path = tmp_path_factory.mktemp("scenarios") / "short.toml"
        path.write_text(text)
        return path

    return _file


@pytest.fixture
def trial_of(scenario_file):
    """`trial_of(old, new, cell=1, index=2)`: a trial of the short scenario, changed."""

    def _trial(*changes: str, cell: int = 0, index: int = 0):
        scenario = load_scenario(scenario_file(*changes))
        return scenario.draw(scenario.cells()[cell], index, 1)

    return _trial


@pytest.fixture
def rig_of():
    """`rig_of("emulated", stage=None)`: a shipped bench with some tables replaced."""

    def _rig(name: str, **changes):
        rig = load_rig(name)
        return rig.model_copy(update=changes)

    return _rig


@pytest.fixture
def silent(rig_of, tmp_path):
    """`silent(kind="emulated")`: the emulated bench without sound and device, its instruments open: (emulation, instruments).

    operator: nobody when None. tolerant: as of `Instruments`. held: the instrument whose port somebody else has.
    """
    with ExitStack() as stack:

        def _silent(operator=None, tolerant=False, held=None, **changes):
            rig = rig_of("emulated")
            rig = rig.model_copy(
                update={
                    "device": None,
                    "instruments": tuple(one for one in rig.instruments if one.driver != "console"),
                    "switches": tuple(one for one in rig.switches if one.role == "amplifier"),
                    **changes,
                }
            )
            emulation = stack.enter_context(Emulation(rig))
            log = BenchLog(tmp_path / "bench.log")
            urls = emulation.stand.urls
            if held is not None:
                stack.enter_context(open_link(LinkSpec(urls[held])))
            instruments = Instruments(rig, tmp_path, operator or Nobody(), log, urls, tolerant=tolerant)
            return emulation, stack.enter_context(instruments)

        yield _silent


@pytest.fixture
def answers():
    """`answers(hand, shown, "", "no")`: types a line each time that something is asked, in a thread of its own."""
    threads = []

    def _answers(hand, shown: io.StringIO, *lines: str) -> None:
        asked = shown.getvalue().count(ASKED)

        def answer() -> None:
            for number, line in enumerate(lines, start=asked + 1):
                while shown.getvalue().count(ASKED) < number:
                    time.sleep(0.005)
                hand.write(f"{line}\n")

        threads.append(threading.Thread(target=answer, daemon=True))
        threads[-1].start()

    yield _answers
    for thread in threads:
        thread.join(10.0)
        assert not thread.is_alive(), "fewer questions than answers"


@pytest.fixture
def typing():
    """A pipe: what is written to the second is typed by the person who reads the first."""
    reader, writer = os.pipe()
    stream = os.fdopen(reader, "r")
    hand = os.fdopen(writer, "w", buffering=1)
    yield stream, hand
    stream.close()
    if not hand.closed:
        hand.close()
