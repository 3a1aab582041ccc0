"""One small scene, and trials drawn from it with some of its keys changed."""

from __future__ import annotations

import pytest

from lab.acoustics.cache import DiskCache
from lab.bench.simulated.bench import SimulatedBench
from lab.scenario.load import load_scenario

SCENE = """
format = "earshot-scenario/1"
id = "scene"
title = "A programme and a noise in a small room"
device = "four_mic_speaker"
trials = 4
duration_s = 4.0
[room]
size_m = [4.0, 3.5, 2.6]
rt60_s = 0.25
bank = 2
placements = 1
[placement]
rule = "table"
[[sources]]
kind = "media"
name = "tv"
classes = ["music"]
distance_m = 1.5
level_db_spl = 70.0
watermark = {key = "reference", start_s = 1.5, duration_s = 2.05}
[[sources]]
kind = "noise"
name = "background"
snr_db = 20.0
[expect]
labels = ["watermark"]
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> DiskCache:
    return DiskCache(tmp_path_factory.mktemp("rooms"))


@pytest.fixture
def bench(cache) -> SimulatedBench:
    return SimulatedBench(cache)


@pytest.fixture
def draw(tmp_path):
    """`draw({"old": "new"}, index)`: a trial of the scene with these replacements in its text."""

    def _draw(changes=None, index=0, seed=1):
        text = SCENE
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "scene.toml"
        path.write_text(text)
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], index, seed)

    return _draw
