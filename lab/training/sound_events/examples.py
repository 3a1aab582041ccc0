"""Scenes of a split, rendered once and kept on disk in shards; what the networks see of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events import features
from lab.runs.pool import run_chunks, stop_requested
from lab.training.sound_events.recordings import Recordings, open_recordings
from lab.training.sound_events.rooms import Room, rooms
from lab.training.sound_events.scenes import Scene, draw_scene

DRAWING = "scenes/5"  # another way of drawing makes other scenes
SHARD = 50
WIDTH = features.CHANNELS * features.MELS


@dataclass(frozen=True, eq=False)
class Example:
    """features: float16 (frames, WIDTH). labels: int8 (frames, len(TARGETS)). mined: it fooled a network once."""

    scene: Scene
    features: NDArray[np.float16]
    labels: NDArray[np.int8]
    mined: bool = False

    @property
    def hours(self) -> float:
        return self.scene.seconds / 3600.0


@dataclass(frozen=True)
class Store:
    """Where scenes are kept, and what they are drawn from. corpus: folder of recordings, None: EARSHOT_CORPUS or what was fetched."""

    folder: Path
    seed: int = 6
    corpus: Path | None = None
    jobs: int = 1

    def shards(self, split: str, count: int, clutter: bool = False, first: int = 0) -> list[Shard]:
        """The whole shards that hold the `count` scenes from `first` on."""
        heard = open_recordings(split, self.corpus)
        key = f"{DRAWING} {self.seed} {clutter} " + " ".join(
            sorted(s.recording.sha256 for s in heard.samples)
        )
        name = hashlib.sha256(key.encode()).hexdigest()[:12]
        place = self.folder / "scenes" / f"{split}{'-clutter' if clutter else ''}-{name}"
        numbers = range(first // SHARD, (first + count + SHARD - 1) // SHARD)
        return [Shard(place / f"{number:05}.npz", split, number, clutter, self) for number in numbers]


@dataclass(frozen=True)
class Shard:
    file: Path
    split: str
    number: int
    clutter: bool
    store: Store


def scenes(
    store: Store,
    split: str,
    count: int,
    say: Callable[[int, int], None],
    clutter: bool = False,
    first: int = 0,
) -> list[Scene]:
    """The `count` scenes of a split from `first` on, rendered where they are not there yet. Resumable: each finished shard is a file."""
    wanted = store.shards(split, count, clutter, first)
    missing = [shard for shard in wanted if not shard.file.exists()]
    done = SHARD * (len(wanted) - len(missing))
    say(done, SHARD * len(wanted))

    def counted(rendered: int) -> None:
        nonlocal done
        done += SHARD * rendered
        say(done, SHARD * len(wanted))

    if missing:
        rooms(split, store.folder, store.seed)
        run_chunks([(shard,) for shard in missing], _render, _set_up, (), store.jobs, counted)
    found = [scene for shard in wanted for scene in load(shard.file)]
    return found[first % SHARD :][:count]


def rendering(shards: Sequence[Shard]) -> dict[str, int]:
    """What it took to render these shards, now or in an earlier run: core_s, seconds of one core; scenes: that it is known of;
    untold: in files that are older than that record."""
    known: list[float] = []
    for shard in shards:
        with np.load(shard.file) as content:
            known += [float(content["core_s"])] if "core_s" in content else []
    untold = len(shards) - len(known)
    return {"core_s": round(sum(known)), "scenes": SHARD * len(known), "untold": SHARD * untold}


def example(scene: Scene, mined: bool = False) -> Example:
    """What the network sees of a scene: the device's own features."""
    seen = features.of(scene.float_audio).reshape(-1, WIDTH).astype(np.float16)
    return Example(scene, seen, scene.labels[: len(seen)], mined)


_worlds: dict[tuple[str, Store], tuple[list[Room], Recordings]] = {}


def _set_up() -> None:
    _worlds.clear()


def _render(chunk: Sequence[Shard]) -> int:
    for number, shard in enumerate(chunk):
        if stop_requested():
            return number
        store, world = shard.store, (shard.split, shard.store)
        if world not in _worlds:
            _worlds[world] = (
                rooms(shard.split, store.folder, store.seed),
                open_recordings(shard.split, store.corpus),
            )
        indices = range(SHARD * shard.number, SHARD * (shard.number + 1))
        started = time.perf_counter()
        made = [
            draw_scene(shard.split, i, store.seed, *_worlds[world], clutter=shard.clutter) for i in indices
        ]
        save(made, shard.file, core_s=time.perf_counter() - started)
    return len(chunk)


def save(made: Sequence[Scene], file: Path, **facts: float) -> None:
    """facts: numbers kept beside the scenes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(
        part,
        audio=np.concatenate([one.audio for one in made]),
        lengths=[len(one.audio) for one in made],
        labels=np.concatenate([one.labels for one in made]),
        frames=[len(one.labels) for one in made],
        families=[" ".join(one.families) for one in made],
        snr_db=[" ".join(f"{snr:.1f}" for snr in one.snr_db) for one in made],
        recorded=[one.recorded for one in made],
        **facts,
    )
    part.replace(file)


def load(file: Path) -> list[Scene]:
    with np.load(file) as content:
        kept = {name: content[name] for name in content.files}
    audio = np.split(kept["audio"], np.cumsum(kept["lengths"])[:-1])
    labels = np.split(kept["labels"], np.cumsum(kept["frames"])[:-1])
    return [
        Scene(
            audio[n],
            labels[n],
            tuple(str(kept["families"][n]).split()),
            tuple(float(one) for one in str(kept["snr_db"][n]).split()),
            bool(kept["recorded"][n]),
        )
        for n in range(len(audio))
    ]
