"""Draws: each value hangs on scenario, seed, split, key path and index, and on nothing else."""

from __future__ import annotations

import re

import numpy as np

from lab.errors import BadInput
from tests.scenario.conftest import Load

LEVEL = {"level_db_spl = 70.0": "level_db_spl = {uniform = [60.0, 80.0]}"}
ROOM = {"[8.0, 5.0, 2.7]": "[8.0, {uniform = [5.0, 6.0]}, 2.7]"}
PLACE = {"distance_m = 2.0": "distance_m = {uniform = [0.5, 1.0]}"}
SWEEP = {"snr_db = 20.0": "snr_db = {sweep = [10.0, 20.0]}"}


FROZEN_SEED = 6537765131408762933
FROZEN_LEVEL = 70.74951240514557


def trials(scenario, cell: int = 0, seed: int = 7, count: int = 16) -> list:
    return [scenario.draw(scenario.cells()[cell], index, seed) for index in range(count)]


def levels(scenario, cell: int = 0, seed: int = 7) -> list[float]:
    return [trial.spec.sources[0].level_db_spl for trial in trials(scenario, cell, seed)]


def test_the_same_trial_is_drawn_again_alike(load: Load) -> None:
    changes = LEVEL | ROOM | PLACE
    assert trials(load(changes)) == trials(load(changes))


def test_trials_differ(load: Load) -> None:
    assert len(set(levels(load(LEVEL)))) == 16


def test_a_seed_changes_every_draw(load: Load) -> None:
    scenario = load(LEVEL)
    assert not set(levels(scenario, seed=7)) & set(levels(scenario, seed=8))


def test_a_split_and_an_id_change_every_draw(load: Load) -> None:
    before = set(levels(load(LEVEL)))
    assert not before & set(levels(load(LEVEL | {'id = "base"': 'id = "base"\nsplit = "train"'})))
    assert not before & set(levels(load(LEVEL | {'id = "base"': 'id = "other"'})))


def test_cells_of_a_sweep_share_their_draws(load: Load) -> None:
    scenario = load(LEVEL | SWEEP)
    assert levels(scenario, cell=0) == levels(scenario, cell=1)


def test_adding_a_grid_value_changes_no_draw(load: Load) -> None:
    more = {"snr_db = 20.0": "snr_db = {sweep = [5.0, 10.0, 20.0]}"}
    assert levels(load(LEVEL | SWEEP)) == levels(load(LEVEL | more))


def test_adding_a_key_changes_no_other_draw(load: Load) -> None:
    before = levels(load(LEVEL))
    added = load(
        LEVEL | ROOM | PLACE | {"rt60_s = 0.3": "rt60_s = 0.3\nhumidity_percent = {uniform = [30.0, 60.0]}"}
    )
    assert levels(added) == before


def test_adding_a_source_before_changes_no_draw(load: Load) -> None:
    hum = '[[sources]]\nkind = "noise"\nname = "hum"\nlevel_db_spl = {uniform = [20.0, 40.0]}\n'
    added = load(LEVEL | {'[[sources]]\nkind = "media"': hum + '[[sources]]\nkind = "media"'})
    assert [trial.spec.sources[1].level_db_spl for trial in trials(added)] == levels(load(LEVEL))


def test_variants_share_their_draws(load: Load) -> None:
    more = '[[variant]]\nname = "a"\n[[variant]]\nname = "b"\nsources.background.colour = "white"\n'
    scenario = load(LEVEL, more=more)
    assert levels(scenario, cell=0) == levels(scenario, cell=1)


def test_a_turn_goes_on_from_trial_to_trial_and_of_a_room_from_room_to_room(load: Load) -> None:
    scenario = load(
        {
            "level_db_spl = 70.0": "level_db_spl = {turn = [60.0, 65.0, 70.0]}",
            "rt60_s = 0.3": "rt60_s = {turn = {values = [0.2, 0.4], each = 2}}",
            "distance_m = 2.0": "distance_m = {turn = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]}",
        }
    )
    found = [trial.spec for trial in trials(scenario)]
    assert [spec.sources[0].level_db_spl for spec in found[:4]] == [60.0, 65.0, 70.0, 60.0]
    assert [spec.room.rt60_s for spec in found[:6]] == [0.2, 0.2, 0.4, 0.4, 0.2, 0.2]
    # Four rooms with two placements each: eight places in turn, then the same again.
    assert [spec.sources[0].distance_m for spec in found[:9]] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 1.0, 1.0]


def test_a_room_is_drawn_once_for_all_its_trials(load: Load) -> None:
    widths = [trial.spec.room.size_m[1] for trial in trials(load(ROOM))]
    assert widths == widths[:4] * 4 and len(set(widths)) == 4


def test_a_position_is_drawn_once_for_a_room_and_a_placement(load: Load) -> None:
    found = trials(load(PLACE))
    distances = [trial.spec.sources[0].distance_m for trial in found]
    assert distances == distances[:8] * 2 and len(set(distances)) == 8
    assert [(t.room_index, t.placement_index) for t in found[:8]] == [(i % 4, i // 4) for i in range(8)]


def test_generators_follow_room_placement_and_trial(load: Load) -> None:
    found = trials(load())

    def distinct(*path: str) -> int:
        return len({trial.rng(*path).random() for trial in found})

    assert distinct("room", "materials") == 4
    assert distinct("placement") == 8
    assert distinct("sources", "tv", "position") == 8
    assert distinct("sources", "tv", "clip") == 16


def test_generators_of_different_paths_are_independent(load: Load) -> None:
    trial = trials(load())[0]
    a, b = trial.rng("sources", "tv", "clip").random(4096), trial.rng("sources", "background").random(4096)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.08


def test_a_path_is_not_the_path_joined_otherwise(load: Load) -> None:
    trial = trials(load())[0]
    assert trial.seed_of("sources", "a.b") != trial.seed_of("sources", "a", "b")


def test_seeds_are_63_bit_integers_that_follow_the_path(load: Load) -> None:
    seeds = [trial.seed_of("sources", "tv", "clip") for trial in trials(load())]
    assert len(set(seeds)) == 16 and all(0 <= seed < 2**63 for seed in seeds)


def test_draws_never_change_between_versions(load: Load) -> None:
    """Published evidence is addressed by seed: if these values must change, it has to be thrown away."""
    scenario = load(LEVEL)
    trial = scenario.draw(scenario.cells()[0], 3, 1)
    assert trial.seed_of("sources", "tv", "clip") == FROZEN_SEED
    assert trial.spec.sources[0].level_db_spl == FROZEN_LEVEL


FAN = """
[[movers]]
kind = "pedestal_fan"
name = "fan"
distance_m = {uniform = [1.0, 2.0]}
view_deg = {uniform = [-90.0, 90.0]}
rpm = {uniform = [700.0, 1200.0]}
run = {start_s = {uniform = [0.5, 2.0]}, stop_s = {uniform = [3.0, 6.0]}, ramp_s = {uniform = [1.0, 2.0]}}
"""


def test_what_is_drawn_and_does_not_go_together_is_told_with_its_trial(load: Load) -> None:
    """So many ends of ranges are not tried all together when a scenario is loaded."""
    scenario = load({"four_mic_speaker": "ultrasonic_speaker"}, more=FAN)
    told = []
    for index in range(64):
        try:
            run = scenario.draw(scenario.cells()[0], index, 7).spec.movers[0].run
            assert run.start_s + run.ramp_s <= run.stop_s
        except BadInput as error:
            told.append((index, str(error)))
    assert 0 < len(told) < 32
    index, message = told[0]
    wanted = rf"{scenario.path}: movers\.fan.*: stop_s must be at least ramp_s after start_s \[trial {index}, seed 7\]"
    assert re.fullmatch(wanted, message)
