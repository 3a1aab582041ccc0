"""Finding scenarios in files and folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.scenario.load import find_scenarios, is_scenario


@pytest.fixture
def folder(tmp_path: Path, base: str) -> Path:
    for name in ("b", "a", "deep/c"):
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(base.replace('id = "base"', f'id = "{path.stem}"'))
    (tmp_path / "suite.toml").write_text('format = "earshot-suite/1"\n')
    (tmp_path / "other.toml").write_text('format = "earshot-device/1"\n')
    (tmp_path / "broken.toml").write_text("not = = toml\n")
    return tmp_path


def test_a_folder_is_searched_deeply_in_order(folder: Path) -> None:
    assert [scenario.id for scenario in find_scenarios([folder])] == ["a", "b", "c"]


def test_a_file_named_twice_is_one_scenario(folder: Path) -> None:
    assert [scenario.id for scenario in find_scenarios([folder / "b.toml", folder])] == ["b", "a", "c"]


def test_a_file_that_is_named_must_be_a_scenario(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"other\.toml: format must be"):
        find_scenarios([folder / "other.toml"])


def test_a_scenario_of_another_version_is_an_error_even_in_a_folder(folder: Path) -> None:
    (folder / "new.toml").write_text('format = "earshot-scenario/2"\n')
    with pytest.raises(BadInput, match=r"new\.toml: format must be"):
        find_scenarios([folder])


def test_a_mistyped_format_is_an_error_even_in_a_folder(folder: Path, base: str) -> None:
    (folder / "new.toml").write_text(base.replace("earshot-scenario/", "earshot-scenaro/"))
    with pytest.raises(BadInput) as refused:
        find_scenarios([folder])
    assert str(refused.value) == (
        f'{folder / "new.toml"}: format must be "earshot-scenario/1", not "earshot-scenaro/1" '
        "(did you mean 'scenario'?); kinds of file: scenario, suite, device, corpus, key, build, rig, evidence"
    )


def test_other_files_of_the_lab_are_no_scenarios() -> None:
    root = Path(__file__).parents[2]
    found = [path for name in ("scenarios", "detectors", "rigs") for path in (root / name).rglob("*.toml")]
    for path in found:
        assert is_scenario(path) == ("earshot-scenario/" in path.read_text()), path


def test_a_byte_order_mark_is_no_error(folder: Path, base: str) -> None:
    (folder / "b.toml").write_text(base.replace('id = "base"', 'id = "b"'), encoding="utf-8-sig")
    assert [scenario.id for scenario in find_scenarios([folder])] == ["a", "b", "c"]


def test_a_scenario_that_is_malformed_is_an_error_even_in_a_folder(folder: Path) -> None:
    (folder / "new.toml").write_text('format = "earshot-scenario/1"\nid = \n')
    assert is_scenario(folder / "new.toml")
    with pytest.raises(BadInput, match=r"new\.toml:2:6: malformed TOML"):
        find_scenarios([folder])


def test_two_scenarios_of_one_id_are_refused(folder: Path, base: str) -> None:
    (folder / "twin.toml").write_text(base.replace('id = "base"', 'id = "b"'))
    with pytest.raises(BadInput, match=r'twin\.toml: id = "b" is taken by .*b\.toml'):
        find_scenarios([folder])


def test_nothing_to_find_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no scenario in this folder"):
        find_scenarios([tmp_path])
    with pytest.raises(BadInput, match="name files or folders"):
        find_scenarios([])
