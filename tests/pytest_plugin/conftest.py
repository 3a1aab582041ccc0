"""A pytest run inside the test, with scenario files in it.

Most tests here are about hooks, not about sound: for them the core answers at once with the verdict that the
scenario's title names (`fail` for a title such as "will fail"). The end-to-end test uses the real core.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

# A run in this process forgets what it imported; numpy and its like cannot be imported twice.
import lab.pytest_plugin.items
import lab.pytest_plugin.merging  # noqa: F401

ROOT = Path(__file__).parents[2]

SCENARIO = """
format = "earshot-scenario/1"
id = "{id}"
title = "{title}"
tags = {tags}
device = "{device}"
trials = 4
duration_s = 4.0
[room]
size_m = [5.0, 4.0, 2.5]
rt60_s = 0.2
bank = 2
placements = 1
[placement]
rule = "table"
[[sources]]
kind = "media"
name = "tv"
classes = ["speech"]
distance_m = 1.0
level_db_spl = 70.0
watermark = {{key = "reference", start_s = 1.5, duration_s = 2.05}}
[expect]
labels = ["watermark"]
[[accept]]
metric = "detection_rate"
label = "watermark"
at_least = 0.20
"""

INSTANT_CORE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.pytest_plugin import instant_core
sys.modules["lab.runs.run"] = instant_core
"""

WriteScenario = Callable[..., Path]


@pytest.fixture(autouse=True)
def only_these_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside a test load what they need; others would be imported anew for every one of them."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p earshot -p xdist")


@pytest.fixture
def write_scenario(pytester: pytest.Pytester) -> WriteScenario:
    def write(name: str, title: str = "will pass", tags: tuple[str, ...] = (), extra: str = "") -> Path:
        device = ROOT / "scenarios" / "devices" / "four_mic_speaker.toml"
        path = pytester.path / f"{name}.toml"
        path.write_text(SCENARIO.format(id=name, title=title, tags=list(tags), device=device) + extra)
        return path

    return write


@pytest.fixture
def instant_core(pytester: pytest.Pytester) -> None:
    """Runs inside this test end at once, in worker processes too."""
    pytester.makeconftest(INSTANT_CORE)
