"""Cells: sweeps crossed with variants, and how they are named."""

from __future__ import annotations

import pytest

from lab.errors import BadInput
from tests.scenario.conftest import Load

SWEPT = {
    "distance_m = 2.0": "distance_m = {sweep = [3.0, 1.0]}",
    "rt60_s = 0.3": "rt60_s = {sweep = [0.3, 0.6]}",
}
VARIANTS = """
[[variant]]
name = "quiet"
sources.background.snr_db = 30.0
[[variant]]
name = "babble"
sources.background.colour = "babble"
sources.background.level_db_spl = 50.0
"""


def test_without_sweeps_there_is_one_cell_without_values(load: Load) -> None:
    (cell,) = load().cells()
    assert cell.key == "" and dict(cell.values) == {}


def test_sweeps_cross_in_the_order_of_the_file(load: Load) -> None:
    keys = [cell.key for cell in load(SWEPT).cells()]
    assert keys == [f"rt60_s={t},distance_m={d}" for t in (0.3, 0.6) for d in (3.0, 1.0)]


def test_variants_cross_with_sweeps(load: Load) -> None:
    scenario = load(SWEPT, more=VARIANTS)
    cells = scenario.cells()
    assert len(cells) == 8 and cells[0].values == {"variant": "quiet", "rt60_s": 0.3, "distance_m": 3.0}
    noise = [scenario.draw(cell, 0, 0).spec.sources[1] for cell in cells]
    assert [(one.colour, one.snr_db, one.level_db_spl) for one in noise] == [
        *[("pink", 30.0, None)] * 4,
        *[("babble", None, 50.0)] * 4,
    ]


def test_a_key_swept_in_one_variant_shows_its_value_in_the_others(load: Load) -> None:
    more = '[[variant]]\nname = "near"\n[[variant]]\nname = "far"\nsources.tv.distance_m = {sweep = [3.0, 3.5]}\n'
    keys = [cell.key for cell in load(more=more).cells()]
    assert keys == [
        "variant=near,distance_m=2.0",
        "variant=far,distance_m=3.0",
        "variant=far,distance_m=3.5",
    ]


def test_a_key_name_that_two_sources_share_is_written_in_full(load: Load) -> None:
    second = '[[sources]]\nkind = "media"\nname = "radio"\nlevel_db_spl = 60.0\ndistance_m = {sweep = [1.0, 2.0]}\n'
    changes = {"distance_m = 2.0": "distance_m = {sweep = [1.0, 2.0]}", "[expect]": second + "[expect]"}
    cell = load(changes).cells()[1]
    assert cell.values == {"sources.tv.distance_m": 1.0, "sources.radio.distance_m": 2.0}


def test_a_variant_may_bring_a_source_of_its_own(load: Load) -> None:
    more = '[[variant]]\nname = "two"\nsources.hum = {kind = "noise", level_db_spl = 40.0}\n'
    scenario = load(more=more)
    names = [source.name for source in scenario.draw(scenario.cells()[0], 0, 0).spec.sources]
    assert names == ["tv", "background", "hum"]


def test_a_single_element_of_a_list_can_be_swept(load: Load) -> None:
    scenario = load({"[8.0, 5.0, 2.7]": "[{sweep = [8.0, 9.0]}, 5.0, 2.7]"})
    sizes = [scenario.draw(cell, 0, 0).spec.room.size_m for cell in scenario.cells()]
    assert sizes == [(8.0, 5.0, 2.7), (9.0, 5.0, 2.7)]
    assert scenario.cells()[0].values == {"room.size_m.0": 8.0}


def test_cells_compare_and_hash_by_value(load: Load) -> None:
    once, again = load(SWEPT).cells(), load(SWEPT).cells()
    assert once == again and len(set(once + again)) == len(once)


def test_a_cell_of_another_scenario_is_refused(load: Load) -> None:
    cell = load(SWEPT).cells()[0]
    with pytest.raises(BadInput, match="no cell 'rt60_s=0.3,distance_m=3.0'"):
        load().draw(cell, 0, 0)


def test_hours_become_trials_of_the_stated_length(load: Load) -> None:
    scenario = load({"trials = 20": "hours = 1.5"})
    assert scenario.trials_per_cell() == 900
    assert scenario.trials_per_cell(hours=2.0) == 1200
    assert scenario.trials_per_cell(trials=3) == 900


def test_trials_are_replaced_only_where_trials_are_counted(load: Load) -> None:
    assert load().trials_per_cell() == 20
    assert load().trials_per_cell(trials=7, hours=1.0) == 7
