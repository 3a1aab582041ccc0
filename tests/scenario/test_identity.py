"""The hash of a scenario: what changes it and what does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.scenario.load import load_scenario
from tests.scenario.conftest import Load


@pytest.mark.parametrize(
    "changes",
    [
        {"One marked programme": "A title of another kind"},
        {'id = "base"': '# a remark\nid = "base"\ntags = ["quick"]\ndescription = "at length"'},
        {"[8.0, 5.0, 2.7]": "[8.0,5.0,   2.7]"},
        {"rt60_s = 0.3\nbank = 4": "bank = 4\nrt60_s = 0.3"},
    ],
)
def test_prose_and_layout_leave_the_hash(load: Load, changes: dict[str, str]) -> None:
    assert load(changes).hash == load().hash


@pytest.mark.parametrize(
    "changes",
    [
        {"rt60_s = 0.3": "rt60_s = 0.31"},
        {"rt60_s = 0.3": "rt60_s = {sweep = [0.3]}"},
        {"trials = 20": "trials = 21"},
        {'id = "base"': 'id = "other"'},
        {'key = "reference"': 'key = "stranger"'},
        {'"speech", "music"': '"speech"'},
        {'"four_mic_speaker"': '"two_mic_display"'},
    ],
)
def test_whatever_may_change_a_result_changes_the_hash(load: Load, changes: dict[str, str]) -> None:
    assert load(changes).hash != load().hash


def test_the_twin_on_another_split_has_the_same_cells_and_another_hash(load: Load) -> None:
    own = load()
    assert load_scenario(own.path, "test").hash == own.hash
    twin = load_scenario(own.path, "tune")
    assert (twin.cells(), twin.first.split) == (own.cells(), "tune")
    assert twin.hash != own.hash
    with pytest.raises(BadInput, match='split = "holdout": must be one of'):
        load_scenario(own.path, "holdout")


def test_limits_and_variants_change_the_hash(load: Load) -> None:
    accept = '[[accept]]\nmetric = "detection_rate"\nat_least = 0.9\n'
    variant = '[[variant]]\nname = "a"\n'
    assert len({load(more=more).hash for more in ("", accept, variant)}) == 3


def test_defaults_of_the_suite_count_as_if_the_scenario_said_them(load: Load) -> None:
    said = load({"rt60_s = 0.3": "rt60_s = 0.3\nhumidity_percent = 30.0"}).hash
    assert load(suite="[defaults.room]\nhumidity_percent = 30.0\n").hash == said != load().hash


def test_the_content_of_a_device_file_counts_and_its_place_does_not(load: Load, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "scenarios/devices/four_mic_speaker.toml").read_text()
    load()
    scenario = (tmp_path / "base.toml").read_text().replace('"four_mic_speaker"', '"mine.toml"')
    hashes = []
    for folder, content in (("a", text), ("b", text), ("c", re.sub(r"bits = \d+", "bits = 12", text))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.toml").write_text(content)
        (tmp_path / folder / "base.toml").write_text(scenario)
        hashes.append(load_scenario(tmp_path / folder / "base.toml").hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_only_recordings_that_can_be_heard_count(load: Load, tmp_path: Path) -> None:
    rows = "path,label,origin,title,author,licence,seconds,rate_hz,channels,split,source,sha256\n"
    rows += row("a", "talk", "test", "0")
    head = 'format = "earshot-corpus/1"\nid = "mine"\ntitle = "t"\nrecordings = "mine.csv"\n'
    head += 'url_template = ""\n[classes]\ntalk = ["talk"]\n[events]\n'

    def hashed(more: str) -> str:
        (tmp_path / "mine.toml").write_text(head)
        (tmp_path / "mine.csv").write_text(rows + more)
        return load({'classes = ["speech", "music"]': 'corpus = "mine.toml"\nclasses = ["talk"]'}).hash

    alone = hashed("")
    assert hashed(row("b", "hum", "test", "1")) == hashed(row("b", "talk", "train", "1")) == alone
    assert hashed(row("b", "talk", "test", "1")) != alone


def row(name: str, label: str, split: str, digit: str) -> str:
    return f"{name}.wav,{label},{name},{name},me,CC0 1.0,2.0,16000,1,{split},r@c:p,{digit * 64}\n"
