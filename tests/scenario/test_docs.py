"""The examples of docs/scenarios.md load as they stand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from lab.scenario.load import SUITE_FILE, load_scenario, load_suite
from lab.scenario.model import Limit, Scenario

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()
EXAMPLES = {
    tomllib.loads(text).get("id", SUITE_FILE): text
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
}


def test_the_page_has_its_examples() -> None:
    assert list(EXAMPLES) == ["kitchen_radio", "living_rooms", "company", SUITE_FILE]


@pytest.mark.parametrize(("name", "cells"), [("kitchen_radio", 1), ("living_rooms", 6), ("company", 6)])
def test_an_example_loads(tmp_path: Path, name: str, cells: int) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(EXAMPLES[name])
    scenario = load_scenario(path)
    assert len(scenario.cells()) == cells
    for cell in scenario.cells():
        scenario.draw(cell, 0, 0)


def test_the_suite_example_loads(tmp_path: Path) -> None:
    path = tmp_path / SUITE_FILE
    path.write_text(EXAMPLES[SUITE_FILE])
    assert load_suite(path).defaults["room"]["rt60_s"] == 0.4


def test_the_page_names_every_key_and_metric() -> None:
    keys = {*Scenario.model_fields, *Scenario.model_fields["room"].annotation.model_fields}
    keys |= set(Limit.model_fields["metric"].annotation.__args__)
    assert [key for key in keys if f"`{key}`" not in PAGE and f"[{key}]" not in PAGE] == []
