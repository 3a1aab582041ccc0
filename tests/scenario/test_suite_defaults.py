"""What a suite says for all its scenarios, and how a scenario departs from it."""

from __future__ import annotations

import pytest

from lab.errors import BadInput
from tests.scenario.conftest import Load

ROOM = "[defaults.room]\nhumidity_percent = 30.0\nbank = 9\n"


def only(scenario):
    (cell,) = scenario.cells()
    return scenario.draw(cell, 0, 0).spec


def test_defaults_fill_what_the_scenario_leaves_out(load: Load) -> None:
    room = only(load(suite=ROOM)).room
    assert (room.humidity_percent, room.bank) == (30.0, 4)


def test_sources_merge_by_name(load: Load) -> None:
    suite = '[[defaults.sources]]\nname = "background"\nkind = "noise"\ncolour = "white"\nsnr_db = 3.0\n'
    noise = [source for source in only(load(suite=suite)).sources if source.name == "background"]
    assert [(one.colour, one.snr_db) for one in noise] == [("white", 20.0)]


def test_a_source_of_the_suite_alone_is_there_too(load: Load) -> None:
    suite = '[[defaults.sources]]\nname = "hum"\nkind = "noise"\nlevel_db_spl = 30.0\n'
    assert {source.name for source in only(load(suite=suite)).sources} == {"tv", "background", "hum"}


@pytest.mark.parametrize(
    "default",
    [
        "hours = 2.0",
        'room.materials = {walls = "plasterboard", floor = "wood_16mm", ceiling = "plasterboard"}',
        "placement.position_m = [1.0, 1.0, 1.0]",
    ],
)
def test_saying_one_of_two_drops_the_other_of_the_suite(load: Load, default: str) -> None:
    spec = only(load(suite=f"[defaults]\n{default}\n"))
    assert spec.trials == 20 and spec.room.rt60_s == 0.3 and spec.placement.rule == "table"


def test_a_distribution_replaces_a_distribution_whole(load: Load) -> None:
    suite = "[defaults.room]\ntemperature_c = {uniform = [10.0, 20.0]}\n"
    changes = {"rt60_s = 0.3": "rt60_s = 0.3\ntemperature_c = {choice = [25.0]}"}
    assert only(load(changes, suite=suite)).room.temperature_c == 25.0


def test_a_folder_without_a_suite_file_has_no_defaults(load: Load) -> None:
    assert only(load()).room.humidity_percent == 50.0


@pytest.mark.parametrize(
    ("suite", "complaint"),
    [
        ("[default]\n", "did you mean 'defaults'"),
        ('[defaults]\nid = "x"\n', "neither id nor variant"),
        ('[[defaults.sources]]\nkind = "noise"\n', r"defaults\.sources.*needs a name"),
        ('format = "x"\n', "malformed TOML"),
    ],
)
def test_a_bad_suite_file_is_named(load: Load, suite: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=rf"suite\.toml.*{complaint}"):
        load(suite=suite)
