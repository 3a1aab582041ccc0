"""The published JSON Schema: current, true of what is shipped, and awake to what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lab.scenario.schema import SCHEMA_FILE, as_text, scenario_schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(p for p in (ROOT / "scenarios").rglob("*.toml") if "earshot-scenario/" in p.read_text())


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(scenario_schema())
    return Draft202012Validator(scenario_schema())


def test_the_committed_schema_is_current() -> None:
    """Renew it with `lab schema --out lab/scenario/scenario.schema.json`."""
    assert SCHEMA_FILE.read_text() == as_text(scenario_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_satisfy_it_and_name_it(validator: Draft202012Validator, path: Path) -> None:
    text = path.read_text()
    assert list(validator.iter_errors(tomllib.loads(text))) == []
    directive = text.splitlines()[0]
    assert directive.startswith("#:schema ")
    assert (path.parent / directive.removeprefix("#:schema ")).resolve() == SCHEMA_FILE.resolve()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("distance_m = 2.0", "distance_m = {sweep = [1.0, 2.0]}"),
        ("distance_m = 2.0", "distance_m = {log_uniform = [1.0, 2.0]}"),
        ("level_db_spl = 70.0", "level_db_spl = {normal = {mean = 70, sd = 3, low = 60, high = 80}}"),
        ("[8.0, 5.0, 2.7]", "[8.0, {uniform = [4.0, 5.0]}, 2.7]"),
        ("[8.0, 5.0, 2.7]", "{choice = [[8.0, 5.0, 2.7], [5.0, 4.0, 2.4]]}"),
        ('"four_mic_speaker"', '{sweep = ["four_mic_speaker", "two_mic_display"]}'),
        ('rule = "table"', 'rule = {choice = ["table", "shelf"]}'),
        ("rt60_s = 0.3", ""),
        ("[expect]", '[[variant]]\nname = "a"\nsources.background.colour = "white"\n[expect]'),
    ],
)
def test_it_allows_what_may_be_written(
    validator: Draft202012Validator, base: str, old: str, new: str
) -> None:
    assert old in base
    assert list(validator.iter_errors(tomllib.loads(base.replace(old, new)))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("distance_m = 2.0", 'distance_m = "far"'),
        ("distance_m = 2.0", "distance_m = {unifrom = [1.0, 2.0]}"),
        ("distance_m = 2.0", 'distance_m = {sweep = ["far"]}'),
        ("distance_m = 2.0", "distance_m = {uniform = [1.0, 2.0], sweep = [1.0]}"),
        ("rt60_s = 0.3", "rt60_s = 9.0"),
        ("rt60_s = 0.3", "rt60 = 0.3"),
        ("trials = 20", "trials = {sweep = [1, 2]}"),
        ('name = "background"', ""),
        ('id = "base"', ""),
        ('"earshot-scenario/1"', '"earshot-scenario/2"'),
        ('labels = ["watermark"]', 'labels = ["watermrk"]'),
        ("[expect]", '[[variant]]\nname = "a"\nsources.background.colour = "wite"\n[expect]'),
        ("[expect]", '[[variant]]\nname = "a"\ntrials = 3\n[expect]'),
        ("[expect]", '[[accept]]\nmetric = "detection"\nat_least = 0.9\n[expect]'),
    ],
)
def test_it_refuses_what_may_not(validator: Draft202012Validator, base: str, old: str, new: str) -> None:
    assert old in base
    assert list(validator.iter_errors(tomllib.loads(base.replace(old, new)))) != []
