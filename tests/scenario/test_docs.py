"""The examples of docs/scenarios.md load as they stand; it and docs/movers.md name every key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from lab.acoustics.ultrasonic.interference import AnyInterfererSpec
from lab.acoustics.ultrasonic.turbulence import AirSpec
from lab.acoustics.ultrasonic.unit import UnitSpec
from lab.acoustics.ultrasonic.world import UltrasoundSpec
from lab.movers.mover import Doorway
from lab.scenario import sources_page
from lab.scenario.load import SUITE_FILE, load_scenario, load_suite
from lab.scenario.model import Expectation, Limit, Scenario
from lab.scenario.movers_page import mover_specs, page
from lab.sources.days import DaySpec
from lab.sources.playback import PlaybackSpec
from lab.spec import Spec

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()
MOVERS = (Path(__file__).parents[2] / "docs" / "movers.md").read_text()
EXAMPLES = {
    tomllib.loads(text).get("id", SUITE_FILE): text
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
}


def test_the_page_has_its_examples() -> None:
    assert list(EXAMPLES) == ["kitchen_radio", "afternoons", "hallway", "living_rooms", "company", SUITE_FILE]


@pytest.mark.parametrize(
    ("name", "cells"),
    [("kitchen_radio", 1), ("afternoons", 1), ("hallway", 4), ("living_rooms", 6), ("company", 6)],
)
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
    for spec in (Expectation, UltrasoundSpec, AirSpec, UnitSpec, Doorway, PlaybackSpec, DaySpec):
        keys |= set(spec.model_fields)
    for spec in get_args(get_args(AnyInterfererSpec)[0]):
        keys |= {*spec.model_fields, *get_args(spec.model_fields["kind"].annotation)}
    keys |= set(Limit.model_fields["metric"].annotation.__args__)
    assert [key for key in keys if f"`{key}`" not in PAGE and f"[{key}]" not in PAGE] == []


def test_the_page_of_movers_is_what_the_specs_say() -> None:
    """Renew it with `python -m lab.scenario.movers_page > docs/movers.md`."""
    assert MOVERS == page()


def test_the_page_of_sources_is_what_the_specs_say() -> None:
    """Renew it with `python -m lab.scenario.sources_page > docs/sources.md`."""
    assert (Path(__file__).parents[2] / "docs" / "sources.md").read_text() == sources_page.page()


@pytest.mark.parametrize("spec", mover_specs(), ids=lambda spec: spec.__name__)
def test_the_page_of_movers_has_every_key_of_a_kind(spec: type[Spec]) -> None:
    kind, *_ = get_args(spec.model_fields["kind"].annotation)
    section = MOVERS.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    assert [key for key in spec.model_fields if f"| `{key}` |" not in section] == []


def test_the_example_of_the_ultrasonic_page_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ultrasound.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example)
    assert len(load_scenario(path).cells()) == 2
