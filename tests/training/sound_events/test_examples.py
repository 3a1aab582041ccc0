"""Scenes are kept in shards: which are asked for, and what it took to render them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.training.sound_events import examples
from lab.training.sound_events.examples import SHARD, Store, rendering, save, scenes
from lab.training.sound_events.scenes import TARGETS, Scene


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    """Three shards; each scene holds its number as its one sample."""
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "nowhere"))
    store = Store(tmp_path)
    for shard in store.shards("train", 3 * SHARD):
        numbers = range(SHARD * shard.number, SHARD * (shard.number + 1))
        made = [Scene(np.array([n], np.int16), np.zeros((1, len(TARGETS)), np.int8), (), ()) for n in numbers]
        save(made, shard.file, **({} if shard.number == 1 else {"core_s": 2.0}))
    return store


@pytest.mark.parametrize(("first", "count"), [(0, 120), (50, 50), (49, 2), (60, 90)])
def test_the_scenes_from_the_first_on_are_those_asked_for(store, first, count):
    found = scenes(store, "train", count, lambda done, total: None, first=first)
    assert [int(one.audio[0]) for one in found] == list(range(first, first + count))


def test_seconds_of_rendering_are_kept_with_the_scenes_and_missed_where_they_were_not(store):
    shards = store.shards("train", 3 * SHARD)
    assert rendering(shards) == {"core_s": 4, "scenes": 2 * SHARD, "untold": SHARD}


def test_a_shard_keeps_how_long_it_took(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "nowhere"))
    clock = iter([100.0, 107.5])
    monkeypatch.setattr(examples.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(examples, "rooms", lambda split, folder, seed: [])
    silent = Scene(np.zeros(1, np.int16), np.zeros((1, len(TARGETS)), np.int8), (), ())
    monkeypatch.setattr(examples, "draw_scene", lambda *args, **more: silent)
    (shard,) = Store(Path(tmp_path)).shards("tune", 3)
    examples._set_up()
    assert examples._render([shard]) == 1
    examples._set_up()
    assert rendering([shard]) == {"core_s": 8, "scenes": SHARD, "untold": 0}
