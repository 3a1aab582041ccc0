"""Scenarios above hearing: movers and doorways as named lists, and one message for each thing that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.scenario.load import ScenarioFile, load_scenario

BASE = """
format = "earshot-scenario/1"
id = "base"
title = "A person in a room"
device = "ultrasonic_speaker"
trials = 4
duration_s = 20.0

[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3

[placement]
position_m = [0.3, 2.0, 1.2]

[[doorways]]
name = "door"
wall = "east"
along_m = 2.0

[[movers]]
kind = "walker"
name = "person"
route = "waypoints"
waypoints_m = [[4.0, 1.0], [1.5, 1.0]]
start_s = 2.0

[[movers]]
kind = "pedestal_fan"
name = "fan"
position_m = [2.0, 3.0]

[expect]
labels = ["major_motion"]
"""
PLAY = '[[sources]]\nkind = "playback"\nname = "{}"\nlevel_db_spl = 60.0\n'


@pytest.fixture
def load(tmp_path: Path):
    def load_changed(changes: dict[str, str] | None = None, more: str = "") -> ScenarioFile:
        text = BASE
        for old, new in (changes or {}).items():
            assert old in text, f"the base scenario does not say {old!r}"
            text = text.replace(old, new)
        path = tmp_path / "base.toml"
        path.write_text(text + more)
        return load_scenario(path)

    return load_changed


ENTER = {'"waypoints"\nwaypoints_m = [[4.0, 1.0], [1.5, 1.0]]': '"enter"'}
MISTAKES = [
    # paths
    (
        {"[4.0, 1.0], [1.5": "[4.0, 5.5], [1.5"},
        "",
        ["movers.person.waypoints_m", "through a wall", "door (east"],
    ),
    ({"[4.0, 1.0], [1.5": "[4.0, 0.1], [1.5"}, "", ["movers.person.waypoints_m", "0.2 m off"]),
    (
        {"[4.0, 1.0], [1.5, 1.0]": "[4.0, 2.0], [0.4, 2.0]"},
        "",
        ["movers.person.waypoints_m", "device", "stay 0.25 m away"],
    ),
    (
        ENTER | {'[[doorways]]\nname = "door"\nwall = "east"\nalong_m = 2.0\n': ""},
        "",
        ["movers.person.door", "no door for an entry", "the room has no doors"],
    ),
    (
        ENTER | {"along_m = 2.0": "along_m = 2.0\nopen = false"},
        "",
        ["movers.person.door", "'door' is closed"],
    ),
    (ENTER | {"start_s": 'door = "gate"\nstart_s'}, "", ["no door 'gate'", "door (east wall at 2 m, open)"]),
    # places
    ({"[2.0, 3.0]": "[0.35, 2.05]"}, "", ["movers.fan.position_m", "m from the device", "at least"]),
    ({"[2.0, 3.0]": "[7.0, 3.0]"}, "", ["movers.fan.position_m", "5 x 4 x 2.7"]),
    ({"position_m = [2.0, 3.0]": "distance_m = 9.0"}, "", ["movers.fan.distance_m = 9", "largest possible"]),
    ({"position_m = [2.0, 3.0]": ""}, "", ["movers.fan", "distance_m, position_m"]),
    # doorways
    ({"along_m = 2.0": "along_m = 3.9"}, "", ["doorways.door.along_m = 3.9", "from 0.45 to 3.55 m"]),
    ({"along_m = 2.0": "along_m = 2.0\nheight_m = 3.0"}, "", ["doorways.door.height_m = 3", "2.7 m high"]),
    ({'wall = "east"': 'wall = "east side"'}, "", ['"west", "east", "south", "north"']),
    # speeds
    (
        {"start_s = 2.0": "start_s = 2.0\nspeed_m_s = 2.4\nheight_m = 0.9"},
        "",
        ["speed_m_s = 2.4", "at most 1.33"],
    ),
    (
        {"position_m = [2.0, 3.0]": "position_m = [2.0, 3.0]\nrpm = 2500.0\ndiameter_m = 0.6"},
        "",
        ["movers.fan", "m/s", "16000 Hz"],
    ),
    # names and kinds
    ({'kind = "pedestal_fan"': 'kind = "pedestal_fun"'}, "", ["movers.fan", "did you mean 'pedestal_fan'"]),
    ({'name = "fan"': 'name = "person"'}, "", ["two are named 'person'"]),
    ({'name = "door"\n': ""}, "", ["[[doorways]] number 1 needs a name"]),
    ({'name = "fan"': 'name = "fan"\nrmp = 900.0'}, "", ["movers.fan.rmp", "unknown key"]),
    (
        {'kind = "walker"': 'kind = {choice = ["walker"]}'},
        "",
        ["movers.person.kind", "not drawn or swept"],
    ),
    (
        {},
        '[[variant]]\nname = "v"\nmovers.fun.rpm = 900.0\n',
        ['variant "v"', "no such mover", "did you mean 'fan'"],
    ),
    (
        {},
        '[[variant]]\nname = "v"\ndoorways.gate.along_m = 1.0\n',
        ['variant "v"', "no such doorway", "there are door"],
    ),
    # what plays and what hears
    ({}, PLAY.format("one") + PLAY.format("two"), ['kind "playback" at most', "one loudspeaker"]),
    (
        {'"ultrasonic_speaker"': '"four_mic_speaker"'},
        "",
        ["movers", "four_mic_speaker", "no [ultrasonic] converter"],
    ),
    ({}, '[ultrasound]\nfurnishing = "plush"\n', ["ultrasound.furnishing", '"hard", "mixed", "soft"']),
    ({}, "[ultrasound]\nimage_order = 9\n", ["ultrasound.image_order = 9", "at least 3 and at most 6"]),
    ({}, '[ultrasound.air]\nair = "stormy"\n', ["ultrasound.air.air", '"quiet", "hvac", "fan_jet"']),
    (
        {'labels = ["major_motion"]': 'labels = ["major"]'},
        "",
        ["expect.labels.0", '"presence", "major_motion"'],
    ),
]


@pytest.mark.parametrize(("changes", "more", "said"), MISTAKES)
def test_a_mistake_is_one_message_with_file_key_and_what_is_allowed(
    load, changes: dict[str, str], more: str, said: list[str]
) -> None:
    with pytest.raises(BadInput) as caught:
        load(changes, more)
    message = str(caught.value)
    assert "base.toml" in message and "\n" not in message
    assert [part for part in said if part not in message] == [], message


def test_motion_cannot_be_expected_where_nothing_moves(load) -> None:
    start, end = BASE.index("[[movers]]"), BASE.index("[expect]")
    with pytest.raises(BadInput, match="expect.labels has 'major_motion', but there are no movers"):
        load({BASE[start:end]: ""})


def test_movers_and_doorways_are_swept_and_overridden_by_name(load) -> None:
    scenario = load(
        {
            "along_m = 2.0": "along_m = {sweep = [1.0, 2.0]}",
            "start_s": "speed_m_s = {sweep = [0.5, 1.0]}\nstart_s",
        },
        '[[variant]]\nname = "calm"\nmovers.fan.rpm = 400.0\n'
        '[[variant]]\nname = "cat"\nmovers.cat = {kind = "pet"}\n',
    )
    cells = scenario.cells()
    assert len(cells) == 8
    assert cells[0].values == {"variant": "calm", "along_m": 1.0, "speed_m_s": 0.5}
    calm, cat = (scenario.draw(cell, 0, 0).spec for cell in (cells[0], cells[-1]))
    assert {mover.name: mover.kind for mover in calm.movers} == {"person": "walker", "fan": "pedestal_fan"}
    assert {mover.name for mover in cat.movers} == {"person", "fan", "cat"}
    assert (calm.movers[1].rpm, cat.movers[1].rpm) == (400.0, 1000.0)
    assert (calm.doorways[0].along_m, cat.doorways[0].along_m) == (1.0, 2.0)


def test_a_mover_more_changes_no_other_draw(load) -> None:
    drawn = {"start_s = 2.0": "start_s = 2.0\nclothing_loss_db = {uniform = [1.0, 7.0]}"}
    cat = '[[movers]]\nkind = "pet"\nname = "cat"\nspeed_m_s = {uniform = [0.5, 2.0]}\n'
    alone, together = load(drawn), load(drawn, cat)
    for trial in range(4):
        before = alone.draw(alone.cells()[0], trial, 0)
        after = together.draw(together.cells()[0], trial, 0)
        assert before.spec.movers == after.spec.movers[:2]
        walks = [one.rng("movers", "person").random() for one in (before, after)]
        assert walks[0] == walks[1]
