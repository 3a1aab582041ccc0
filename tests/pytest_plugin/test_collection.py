"""Which files become tests, how they are called, and what a bad one says."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import WriteScenario


def test_a_scenario_file_is_one_item_named_by_its_id(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near")
    write_scenario("far")
    pytester.makefile(".toml", suite='format = "earshot-suite/1"', notes='title = "no scenario"')
    found = pytester.runpytest("--collect-only", "-q")
    assert found.ret == 0
    assert sorted(line for line in found.outlines if "::" in line) == ["far.toml::far", "near.toml::near"]


def test_a_toml_file_that_only_speaks_of_the_format_is_no_scenario(pytester: pytest.Pytester):
    pytester.makefile(".toml", notes='title = "files start with earshot-scenario/1"')
    assert pytester.runpytest("--collect-only").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_tags_select_without_warnings_about_unknown_marks(
    pytester: pytest.Pytester, write_scenario: WriteScenario, instant_core: None
):
    write_scenario("near", tags=("quick",))
    write_scenario("far", tags=("slow",))
    result = pytester.runpytest("-m", "quick", "--strict-markers", "-W", "error")
    result.assert_outcomes(passed=1, deselected=1)


def test_a_scenario_can_be_named_by_its_node_id(
    pytester: pytest.Pytester, write_scenario: WriteScenario, instant_core: None
):
    write_scenario("near")
    write_scenario("far")
    pytester.runpytest("near.toml::near").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("[[accept]]\nmetric = 3\n", "metric"),
        ("[accept\n", "malformed TOML"),
        ("[colour]\nof = 'sky'\n", "colour"),
    ],
)
def test_a_bad_scenario_is_one_message_without_traceback(
    pytester: pytest.Pytester, write_scenario: WriteScenario, broken: str, complaint: str
):
    write_scenario("near", extra=broken)
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert "near.toml" in text and complaint in text
    assert "Traceback" not in text and "lab/scenario" not in text and "def " not in text


def test_a_scenario_of_another_format_version_is_refused_not_ignored(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    path = write_scenario("near")
    path.write_text(path.read_text().replace("earshot-scenario/1", "earshot-scenario/9"))
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*format must be "earshot-scenario/1"*'])


def test_a_mistyped_format_is_refused_not_ignored(pytester: pytest.Pytester, write_scenario: WriteScenario):
    path = write_scenario("near")
    path.write_text(path.read_text().replace("earshot-scenario/1", "earshot-scenaro/1"))
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['near.toml: format must be *"earshot-scenaro/1" (did you mean *scenario*'])


def test_two_files_with_one_id_are_refused(pytester: pytest.Pytester, write_scenario: WriteScenario):
    path = write_scenario("near")
    (pytester.path / "copy.toml").write_text(path.read_text())
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*id = "near" is taken by*copy.toml'])
