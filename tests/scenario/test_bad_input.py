"""Bad scenario files: one message that names the file, the key, the value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import BadInput, ExitCode
from lab.scenario.load import load_scenario
from tests.scenario.conftest import Load

VARIANT = '[[variant]]\nname = "babble"\n'
ACCEPT = '[[accept]]\nmetric = "detection_rate"\n'
SWEEP = {"distance_m = 2.0": "distance_m = {sweep = [1.0, 2.0]}"}

MISTAKES = [
    # the file
    ({'"earshot-scenario/1"': '"earshot-scenario/2"'}, "", ['format must be "earshot-scenario/1"']),
    ({"trials = 20": "trials = "}, "", [":6:10: malformed TOML"]),
    ({"trials = 20": "trials = 20\ntrials = 21"}, "", [":7:12: malformed TOML"]),
    # keys
    ({"level_db_spl": "levle_db_spl"}, "", ["sources.tv.levle_db_spl", "unknown key", "'level_db_spl'"]),
    ({"[placement]": "[placment]"}, "", ["placment", "did you mean 'placement'", "placement: is missing"]),
    ({"rt60_s = 0.3": "rt60 = 0.3"}, "", ["room.rt60", "did you mean 'rt60_s'"]),
    ({}, VARIANT.replace("variant", "varient"), ["varient", "did you mean 'variant'", "accept, variant"]),
    ({'id = "base"': ""}, "", ["id: is missing"]),
    ({'kind = "noise"': ""}, "", ["sources.background", "kind is missing"]),
    ({'kind = "noise"': 'kind = "nosie"'}, "", ["media, noise", "did you mean 'noise'"]),
    ({'name = "background"': ""}, "", ["[[sources]] number 2 needs a name"]),
    ({'name = "background"': 'name = "tv"'}, "", ["two are named 'tv'"]),
    ({'name = "background"': 'name = "sweep"'}, "", ["'sweep' is the name of a distribution"]),
    # values
    ({"snr_db = 20.0": 'snr_db = "loud"'}, "", ['sources.background.snr_db = "loud"', "number"]),
    ({"trials = 20": "trials = 0"}, "", ["trials = 0", "at least 1"]),
    ({"trials = 20": "trials = 2.5"}, "", ["trials = 2.5", "integer"]),
    ({"rt60_s = 0.3": "rt60_s = 9.0"}, "", ["room.rt60_s = 9.0", "at least 0.1 and at most 2"]),
    ({"rt60_s = 0.3": "rt60_s = nan"}, "", ["room.rt60_s = nan", "finite"]),
    ({"[8.0, 5.0, 2.7]": "[8.0, 5.0, 99]"}, "", ["room.size_m.2 = 99", "at most 30"]),
    ({"[8.0, 5.0, 2.7]": "[8.0, 5.0]"}, "", ["room.size_m", "missing"]),
    ({"rt60_s = 0.3": "rt60_s = 2022-01-01"}, "", ["room.rt60_s", "number"]),
    (
        {'rule = "table"': 'rule = "tabel"'},
        "",
        ['"table", "shelf", "wall", "centre"', "did you mean 'table'"],
    ),
    (
        {'labels = ["watermark"]': 'labels = ["watermrk"]'},
        "",
        ["expect.labels.0", "did you mean 'watermark'"],
    ),
    ({'id = "base"': 'id = "Base!"'}, "", ['id = "Base!"', "must match"]),
    ({'"four_mic_speaker"': '"four_mic_speeker"'}, "", ["device", "four_mic_speaker"]),
    ({'"four_mic_speaker"': "4"}, "", ["device = 4", "name or path"]),
    # exactly one of two
    ({"trials = 20": ""}, "", ["exactly one of trials, hours"]),
    ({"trials = 20": "trials = 20\nhours = 1.0"}, "", ["exactly one of trials, hours"]),
    ({"rt60_s = 0.3": ""}, "", ["room:", "rt60_s and materials"]),
    ({"distance_m = 2.0": 'distance_m = 2.0\nrule = "shelf"'}, "", ["sources.tv", "position_m"]),
    ({'rule = "table"': 'rule = "table"\nposition_m = [1.0, 1.0, 1.0]'}, "", ["placement", "position_m"]),
    ({"snr_db = 20.0": "snr_db = 20.0\nlevel_db_spl = 40.0"}, "", ["sources.background", "level_db_spl"]),
    # distributions and sweeps
    ({"distance_m = 2.0": "distance_m = {unifrom = [1.0, 2.0]}"}, "", ["sources.tv.distance_m", "'uniform'"]),
    (
        {"distance_m = 2.0": "distance_m = {uniform = [2.0, 1.0]}"},
        "",
        ["sources.tv.distance_m", "low must be below"],
    ),
    (
        {"rt60_s = 0.3": "rt60_s = {uniform = [0.3, 9.0]}"},
        "",
        ["room.rt60_s = 9.0 (from {uniform = [0.3, 9.0]})"],
    ),
    ({"rt60_s = 0.3": "rt60_s = {sweep = [0.3, 9.0]}"}, "", ["room.rt60_s = 9.0", "[cell rt60_s=9.0]"]),
    ({"trials = 20": "trials = {sweep = [1, 2]}"}, "", ["trials", "not drawn or swept"]),
    ({"bank = 4": "bank = {choice = [1, 2]}"}, "", ["room.bank", "not drawn or swept"]),
    (
        {'kind = "noise"': 'kind = {choice = ["noise"]}'},
        "",
        ["sources.background.kind", "not drawn or swept"],
    ),
    # variants
    ({}, "[[variant]]\nsources.tv.height = 'seated'\n", ["variant number 1", "needs a name"]),
    ({}, VARIANT + VARIANT, ["variant number 2", "name of its own"]),
    (
        {},
        VARIANT + 'sources.backgruond.colour = "white"\n',
        ['variant "babble"', "did you mean 'background'"],
    ),
    ({}, VARIANT + "trials = 10\n", ['variant "babble"', "trials is the same for all cells"]),
    ({}, VARIANT + "room.bank = 10\n", ['variant "babble"', "room.bank"]),
    (
        {},
        VARIANT + 'sources.background.colour = "wite"\n',
        ["sources.background.colour", "did you mean 'white'"],
    ),
    # limits
    (SWEEP, ACCEPT + "at_least = 0.9\nwhere = {distance_m = 4.0}\n", ["distance_m = 4.0", "[1.0, 2.0]"]),
    (SWEEP, ACCEPT + "at_least = 0.9\nwhere = {distanc = 1.0}\n", ["distanc", "did you mean 'distance_m'"]),
    ({}, ACCEPT + "at_least = 0.9\nwhere = {distance_m = 2.0}\n", ["not swept"]),
    ({}, ACCEPT, ["accept.0", "exactly one of at_least, at_most"]),
    ({}, ACCEPT + "at_least = 0.9\nat_most = 1.0\n", ["accept.0", "exactly one of at_least, at_most"]),
    ({}, ACCEPT + "at_least = 90\n", ["accept.0", "between 0 and 1"]),
    ({}, ACCEPT + 'at_least = 0.9\nlabel = "glass_break"\n', ["accept.0", 'expect.labels = ["watermark"]']),
    ({}, '[[accept]]\nmetric = "latency_p95_s"\nat_least = 1\n', ["accept.0", "takes at_most"]),
    ({}, '[[accept]]\nmetric = "detectoin_rate"\nat_least = 1\n', ["did you mean 'detection_rate'"]),
    # what is played
    (
        {"snr_db = 20.0": 'snr_db = 20.0\nrelative_to = "radio"'},
        "",
        ["sources.background.relative_to", "one of tv"],
    ),
    ({'"speech", "music"': '"speach"'}, "", ["sources.tv", "no class 'speach'"]),
    ({'classes = ["s': 'corpus = "housheold"\nclasses = ["s'}, "", ["sources.tv", "housheold", "household"]),
    (
        {"snr_db = 20.0": 'snr_db = 20.0\ncolour = "babble"\ncorpus = "househld"'},
        "",
        ["sources.background", "househld"],
    ),
    ({'key = "reference"': 'key = "refrence"'}, "", ["sources.tv", "reference"]),
    ({"start_s = 2.5": "start_s = 4.5"}, "", ["sources.tv.watermark", "after the end of the trial"]),
    ({"start_s = 2.5": "start_s = 0.5"}, "", ["sources.tv.watermark.start_s = 0.5", "guard_s = 1"]),
    (
        {"duration_s = 2.05}": "duration_s = 2.05, expected = false}"},
        "",
        ["expect.labels", "no source bears"],
    ),
    # geometry
    ({"distance_m = 2.0": "distance_m = 20.0"}, "", ["sources.tv.distance_m = 20", "too small", "largest"]),
    ({"distance_m = 2.0": "distance_m = {uniform = [1.0, 20.0]}"}, "", ["distance_m = 20", "too small"]),
    (
        {"distance_m = 2.0": "position_m = [1.0, 7.0, 1.0]"},
        "",
        ["sources.tv.position_m", "not inside the room"],
    ),
    ({'rule = "table"': "position_m = [1.0, 7.0, 1.0]"}, "", ["placement.position_m", "not inside the room"]),
]


@pytest.mark.parametrize(("changes", "more", "said"), MISTAKES)
def test_a_mistake_is_one_message_with_file_key_and_what_is_allowed(
    load: Load, changes: dict[str, str], more: str, said: list[str]
) -> None:
    with pytest.raises(BadInput) as caught:
        load(changes, more)
    message = str(caught.value)
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert "base.toml" in message
    assert [part for part in said if part not in message] == [], message


def test_a_range_is_tried_at_both_ends_in_every_combination(load: Load) -> None:
    """Either end of either range fits; the room is too small only for both at once."""
    near = {"distance_m = 2.0": "distance_m = {uniform = [1.0, 6.0]}"}
    small = {"[8.0, 5.0, 2.7]": "[{uniform = [4.0, 8.0]}, 5.0, 2.7]"}
    load(near), load(small)
    with pytest.raises(BadInput, match="too small"):
        load(near | small)


def test_each_value_is_tried_even_where_there_are_too_many_combinations(load: Load) -> None:
    fine = {
        "level_db_spl = 70.0": "level_db_spl = {uniform = [60.0, 70.0]}",
        "snr_db = 20.0": "snr_db = {choice = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}",
        "rt60_s = 0.3": "rt60_s = 0.3\ntemperature_c = {uniform = [10, 30]}\nhumidity_percent = {uniform = [30, 60]}",
        "distance_m = 2.0": "distance_m = {choice = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]}",
    }
    load(fine)
    for value in ("8, 9]", "4, 5,"):
        with pytest.raises(BadInput, match="snr_db = 900"):
            load(
                fine | {"snr_db = 20.0": fine["snr_db = 20.0"].replace(value, value.replace(value[3], "900"))}
            )


def test_a_mistake_in_the_suite_names_the_suite(load: Load) -> None:
    with pytest.raises(BadInput, match=r"suite\.toml: room\.humidity_percent = 500"):
        load(suite="[defaults.room]\nhumidity_percent = 500\n")


def test_a_mistake_in_a_variant_names_the_scenario(load: Load) -> None:
    with pytest.raises(BadInput, match=r"base\.toml: room\.humidity_percent = 500"):
        load(more=VARIANT + "room.humidity_percent = 500\n", suite="[defaults.room]\nhumidity_percent = 50\n")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b'format = "\xff"')
    with pytest.raises(BadInput, match="byte 10 is not UTF-8"):
        load_scenario(path)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"no such file|a folder"):
        load_scenario(tmp_path / name)


def test_toml_that_ends_too_early_is_placed_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('a = 1\nb = """x\n')
    with pytest.raises(BadInput, match=r"x\.toml:2:9: malformed TOML"):
        load_scenario(path)
