"""A scenario small enough to run many times, and a build whose detector needs no training."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.runs.campaign import Campaign, measure
from lab.runs.evidence import load_plan
from lab.runs.options import RunOptions
from tests.runs.small_plan import written

SCENARIO = """
format = "earshot-scenario/1"
id = "small"
title = "A programme in a small room"
tags = ["small"]
device = "two_mic_display"
trials = 6
duration_s = 2.0
[room]
size_m = [3.0, 2.5, 2.4]
rt60_s = 0.2
bank = 2
placements = 1
[placement]
rule = "centre"
[[sources]]
kind = "media"
name = "tv"
classes = ["music"]
distance_m = {sweep = [0.8, 1.1]}
level_db_spl = 70.0
[[sources]]
kind = "noise"
name = "background"
level_db_spl = 40.0
"""

BUILD = """
format = "earshot-build/1"
id = "level"
[[detector]]
name = "level"
streams = ["audible"]
threshold = -55.0
refractory_s = 0.5
factory = "tests.detectors.level_detector:from_spec"
"""


@pytest.fixture(scope="session", autouse=True)
def _shared_cache(tmp_path_factory):
    """Rooms are calibrated once for all tests of this folder; workers find the cache in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_CACHE", str(tmp_path_factory.mktemp("rooms")))
        yield


@pytest.fixture
def scenario(tmp_path) -> Path:
    path = tmp_path / "scenarios" / "small.toml"
    path.parent.mkdir()
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def build(tmp_path) -> Path:
    path = tmp_path / "level.toml"
    path.write_text(BUILD)
    return path


@pytest.fixture
def options(tmp_path, build):
    """`options("name", jobs=2)`: options of a run into its own folder."""

    def _options(name: str, **more) -> RunOptions:
        return RunOptions(**{"out": tmp_path / name, "build": build, "examples": 1, **more})

    return _options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a small plan."""
    return written(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def campaign(folder):
    """Of the small plan."""
    return Campaign(load_plan(folder / "evidence.toml"), folder / "out")


@pytest.fixture(scope="module")
def measured(campaign):
    """What was said while all of it was measured, one row by itself first."""
    said = []
    measure(Campaign(campaign.plan, campaign.out, rows=("near",)), 1, say=said.append)
    measure(campaign, 1, say=said.append)
    return said
