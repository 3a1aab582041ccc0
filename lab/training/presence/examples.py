"""Examples: Doppler maps of a trial and what moved, hop by hop; rendered once and kept on disk.

The chain before the network is the detector's own: distortion removal where the device plays, clutter filter, notches of foreign
tones, Doppler map. What hisses is in no training trial, and not heeded here as the detector does after the map. Only the room is computed.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.interface import BASEBAND, PLAYBACK, Emission, Event, StreamNeed
from detectors.presence.clutter import ClutterFilter
from detectors.presence.detector import START_S
from detectors.presence.distortion import DistortionRemover
from detectors.presence.features import HOP, VERSION, DopplerMap
from detectors.presence.front_end import HOP_S, RATE_HZ
from detectors.presence.lines import LineNotch
from detectors.presence.network import CLASSES
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import BadInput
from lab.movers.mover import MAJOR, MINOR
from lab.runs.pool import run_chunks, stop_requested
from lab.scenario.file import ScenarioFile
from lab.scenario.load import is_scenario, load_scenario, suite_of
from lab.scenario.toml_file import read_toml
from lab.scenario.trial import Cell, Trial

CHAIN = f"{VERSION} removal notch, medians from means"  # another chain makes other examples
CARRIER_HZ = 34_000.0
LEVEL_DB_SPL = (75.0, 90.0)
# The map looks back: a motion shows a little after its onset, and its end is neither motion nor none for a while.
RISE_S, FALL_S = 0.15, 0.6
BLOCK_S = 0.5  # nothing heard changes what is emitted
IGNORED = -1
NONE, MINOR_CLASS, MAJOR_CLASS = (CLASSES.index(name) for name in ("none", "minor", "major"))


@dataclass(frozen=True, eq=False)
class Example:
    """maps: float16 (V, hops, CHANNELS, BANDS), V microphone sets. labels: int8 (hops,), index of CLASSES or IGNORED.
    onsets: float64 (events, 3), onset and offset in s and class. mined: it fooled a network once."""

    name: str
    family: str
    maps: NDArray[np.float16]
    labels: NDArray[np.int8]
    onsets: NDArray[np.float64]
    mined: bool = False

    @property
    def hours(self) -> float:
        return len(self.labels) * HOP_S / 3600.0


@dataclass(frozen=True)
class Place:
    """One trial by name, and where its example is kept."""

    path: Path
    cell: Cell
    index: int
    seed: int
    file: Path
    name: str
    family: str


def scenarios(folder: Path, split: str) -> list[ScenarioFile]:
    """All scenarios of a folder with this split, by file name. Raises BadInput when asked for `test`, or without any."""
    if split == "test":
        raise BadInput('training never reads scenarios of split = "test"')
    paths = [path for path in sorted(folder.glob("*.toml")) if is_scenario(path)]
    splits = {path: _split_of(path) for path in paths}
    foreign = [path for path, other in splits.items() if other not in ("train", "tune")]
    if foreign:
        raise BadInput(
            f'{foreign[0]}: split = "{splits[foreign[0]]}": a training folder holds train and tune'
        )
    chosen = [load_scenario(path) for path in paths if splits[path] == split]
    if not chosen:
        raise BadInput(f'{folder}: no scenario with split = "{split}"')
    return chosen


def _split_of(path: Path) -> str:
    """As the file or its suite says, before all of it is checked; test where nobody says."""
    return read_toml(path).get("split", suite_of(path).defaults.get("split", "test"))


def chosen(files: Iterable[ScenarioFile], only: Collection[str]) -> list[tuple[ScenarioFile, Cell]]:
    """The cells of these files; of those alone that `only` names, as `id` or as `id [cell]`, where it names any. Raises BadInput for a name
    that is none of theirs."""
    found = [(one, cell, f"{one.id} [{cell.key}]") for one in files for cell in one.cells()]
    known = {name for one, _, name in found for name in (one.id, name)}
    for name in only:
        if name not in known:
            raise BadInput(f"no scenario {name!r} to choose; there are {', '.join(sorted(known))}")
    return [(one, cell) for one, cell, name in found if not only or one.id in only or name in only]


def places(
    cells: Iterable[tuple[ScenarioFile, Cell]], cache: Path, seed: int, share: float = 1.0, first: int = 0
) -> list[Place]:
    """The trials of each of these cells, `share` of the file's own number, from trial `first` on."""
    listed = []
    for one, cell in cells:
        for index in range(first, first + max(1, round(share * one.trials_per_cell()))):
            key = hashlib.sha256(f"{CHAIN} {one.hash} {cell.key} {index} {seed}".encode()).hexdigest()[:16]
            name = f"{one.id} [{cell.key}] {index}"
            listed.append(
                Place(one.path.resolve(), cell, index, seed, cache / one.id / f"{key}.npz", name, one.id)
            )
    return listed


def render(
    wanted: Sequence[Place],
    jobs: int,
    say: Callable[[int, int], None],
    enough: threading.Event | None = None,
) -> None:
    """Render what is not there yet, in `jobs` processes, until `enough` is set. Resumable: each finished trial is a file.

    say: called with the trials done and those wanted."""
    missing = [place for place in wanted if not place.file.exists()]
    done = len(wanted) - len(missing)
    say(done, len(wanted))
    chunks = [tuple(missing[i : i + 4]) for i in range(0, len(missing), 4)]

    def count(rendered: int) -> None:
        nonlocal done
        done += rendered
        say(done, len(wanted))

    run_chunks(chunks, _render_chunk, _set_up, (), jobs, count, enough)


def load(wanted: Iterable[Place]) -> list[Example]:
    """The examples of these trials that could be rendered."""
    found = []
    for place in wanted:
        with np.load(place.file) as content:
            if content["labels"].size:
                found.append(
                    Example(place.name, place.family, content["maps"], content["labels"], content["onsets"])
                )
    return found


def rendering(wanted: Iterable[Place]) -> dict[str, int]:
    """What it took to render these trials, now or in an earlier run: core_s, seconds of one core; trials: that it is known of;
    untold: whose files are older than that record."""
    known, untold = [], 0
    for place in wanted:
        with np.load(place.file) as content:
            if "core_s" in content:
                known.append(float(content["core_s"]))
            else:
                untold += 1
    return {"core_s": round(sum(known)), "trials": len(known), "untold": untold}


def rendering_told(found: Mapping[str, int]) -> str:
    """What `rendering` found, in words."""
    if not found["trials"]:
        return "rendered in an earlier run that did not record how long it took"
    if not found["untold"]:
        return f"rendered in {found['core_s']} s of one core"
    every = found["trials"] + found["untold"]
    return f"{found['trials']} of {every} trials rendered in {found['core_s']} s of one core, of the rest it was not recorded"


_files: dict[Path, ScenarioFile] = {}


def _set_up() -> None:
    _files.clear()


def _render_chunk(chunk: Sequence[Place]) -> int:
    for number, place in enumerate(chunk):
        if stop_requested():
            return number
        if place.path not in _files:
            _files[place.path] = load_scenario(place.path)
        started = time.perf_counter()
        try:
            maps, labels, onsets = example(_files[place.path].draw(place.cell, place.index, place.seed))
        except BadInput:
            # A wide prior draws some that do not go together, as rooms into which the movers do not fit: an empty file, so it is not tried
            # again.
            maps, labels, onsets = np.zeros((0,), np.float16), np.zeros(0, np.int8), np.zeros((0, 3))
        place.file.parent.mkdir(parents=True, exist_ok=True)
        part = place.file.with_suffix(".part.npz")
        np.savez(part, maps=maps, labels=labels, onsets=onsets, core_s=time.perf_counter() - started)
        part.replace(place.file)
    return len(chunk)


def example(trial: Trial) -> tuple[NDArray[np.float16], NDArray[np.int8], NDArray[np.float64]]:
    """maps, labels and onsets of one trial, heard with all microphones and with one or two of them.

    Raises BadInput when the scene does not fit, or for split = "test".
    """
    if trial.spec.split == "test":
        raise BadInput(f'{trial.scenario_id}: split = "test": training never hears it')
    rng = trial.rng("training")
    emission = Emission((CARRIER_HZ,), float(rng.uniform(*LEVEL_DB_SPL)))
    few = sorted(
        rng.choice(len(trial.spec.device.microphones_m), size=int(rng.integers(1, 3)), replace=False)
    )
    playing = any(source.kind == "playback" for source in trial.spec.sources)
    needs = {BASEBAND: StreamNeed((RATE_HZ,))} | (
        {PLAYBACK: StreamNeed((trial.spec.device.audible.rate_hz,))} if playing else {}
    )
    session = SimulatedBench(block_s=BLOCK_S).open(trial, needs)
    channels = session.formats[BASEBAND].channels
    sets = (np.arange(channels), np.array(few))
    chains = [_Chain(len(one), session.formats[PLAYBACK].rate_hz if playing else None) for one in sets]
    played_hop = round(HOP_S * session.formats[PLAYBACK].rate_hz) if playing else 0
    maps: list[list[NDArray]] = [[] for _ in sets]
    while (block := session.next(emission)) is not None:
        samples = block.streams[BASEBAND]
        # A rest that is no whole hop is heard by nobody.
        for hop in range(samples.shape[1] // HOP):
            heard, played = samples[:, hop * HOP : (hop + 1) * HOP], None
            if playing:
                played = block.streams[PLAYBACK][0, hop * played_hop : (hop + 1) * played_hop]
            for kept, chain, one in zip(maps, chains, sets, strict=True):
                kept.append(chain.hear(heard[one], played).astype(np.float16))
    truth = session.facts().truth
    session.close()
    return np.array(maps), labels(truth, len(maps[0])), _onsets(truth)


class _Chain:
    """What a device does before its network, for `microphones`. playback_hz: None where it plays nothing."""

    def __init__(self, microphones: int, playback_hz: int | None) -> None:
        self._remover = None if playback_hz is None else DistortionRemover(microphones, RATE_HZ, playback_hz)
        self._clutter = ClutterFilter(microphones, RATE_HZ)
        self._notch = LineNotch(microphones, RATE_HZ)
        self._map = DopplerMap(microphones, RATE_HZ)

    def hear(self, hop: NDArray[np.complex64], played: NDArray[np.float32] | None) -> NDArray[np.float32]:
        if self._remover is not None:
            hop = self._remover.process(hop, played)
        return self._map.push(self._notch.process(self._clutter.process(hop)))


def labels(truth: Iterable[Event], hops: int) -> NDArray[np.int8]:
    """The class of each hop: of what moved when it was heard. Major outranks minor."""
    time = HOP_S * (1 + np.arange(hops))
    found = np.zeros(hops, np.int8)
    for label, index in ((MINOR, MINOR_CLASS), (MAJOR, MAJOR_CLASS)):
        events = [event for event in truth if event.label == label]
        for event in events:
            edge = (time > event.onset_s) & (time <= event.offset_s + FALL_S)
            found[edge & (found == NONE)] = IGNORED
        for event in events:
            found[(time >= event.onset_s + RISE_S) & (time <= event.offset_s + HOP_S)] = index
    found[time <= START_S] = IGNORED
    return found


def _onsets(truth: Iterable[Event]) -> NDArray[np.float64]:
    classes = {MINOR: MINOR_CLASS, MAJOR: MAJOR_CLASS}
    rows = [(e.onset_s, e.offset_s, classes[e.label]) for e in truth if e.label in classes]
    return np.array(rows, np.float64).reshape(-1, 3)
