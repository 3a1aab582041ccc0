"""Which build a run is of when nobody names one."""

from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.runs.run import suite_build
from lab.scenario.load import load_scenario

SUITE = Path("scenarios/second_screen")


def scenario(folder, build):
    folder.mkdir()
    text = (SUITE / "suite.toml").read_text()
    (folder / "suite.toml").write_text(
        text.replace("title =", f'build = "{build}"\ntitle =') if build else text
    )
    (folder / "near.toml").write_text((SUITE / "near.toml").read_text())
    return load_scenario(folder / "near.toml")


@pytest.mark.parametrize(
    ("build", "found"),
    [("", None), ("one_microphone", "one_microphone"), ("../b.toml", "{folder}/../b.toml")],
)
def test_the_suite_may_name_it(tmp_path, build, found):
    folder = tmp_path / "suite"
    wanted = found and Path(found.format(folder=folder))
    assert suite_build([scenario(folder, build)] * 2) == wanted


def test_suites_with_different_ones_run_apart(tmp_path):
    two = [scenario(tmp_path / "a", ""), scenario(tmp_path / "b", "one_microphone")]
    with pytest.raises(BadInput, match=r"a: reference; .*b: one_microphone; run them apart, or name one"):
        suite_build(two)


def test_a_build_is_no_part_of_what_a_scenario_is(tmp_path):
    assert scenario(tmp_path / "a", "").hash == scenario(tmp_path / "b", "one_microphone").hash
