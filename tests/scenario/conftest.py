"""A scenario to start from, and loading what a test makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.scenario.load import ScenarioFile, load_scenario

BASE = """
format = "earshot-scenario/1"
id = "base"
title = "One marked programme in one room"
device = "four_mic_speaker"
trials = 20
duration_s = 6.0

[room]
size_m = [8.0, 5.0, 2.7]
rt60_s = 0.3
bank = 4
placements = 2

[placement]
rule = "table"

[[sources]]
kind = "media"
name = "tv"
classes = ["speech", "music"]
distance_m = 2.0
level_db_spl = 70.0
watermark = {key = "reference", start_s = 2.5, duration_s = 2.05}

[[sources]]
kind = "noise"
name = "background"
snr_db = 20.0

[expect]
labels = ["watermark"]
"""

Load = Callable[..., ScenarioFile]


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load({"old": "new"}, more="[[accept]] ...")`: the base scenario with replacements and more at its end."""

    def load_changed(changes: dict[str, str] | None = None, more: str = "", suite: str = "") -> ScenarioFile:
        text = BASE
        for old, new in (changes or {}).items():
            assert old in text, f"the base scenario does not say {old!r}"
            text = text.replace(old, new)
        (tmp_path / "suite.toml").unlink(missing_ok=True)
        if suite:
            (tmp_path / "suite.toml").write_text(f'format = "earshot-suite/1"\n{suite}')
        path = tmp_path / "base.toml"
        path.write_text(text + more)
        return load_scenario(path)

    return load_changed
