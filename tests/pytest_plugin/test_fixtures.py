"""Scenarios run from Python tests."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import WriteScenario

pytestmark = pytest.mark.usefixtures("instant_core")


def test_a_python_test_judges_the_result_itself(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near", title="will fail")
    pytester.makepyfile(
        """
        def test_more_trials(lab_run):
            few, many = lab_run("near.toml"), lab_run("near.toml", trials=30)
            assert few.verdict == "fail"
            assert (few.trials, many.trials) == (4, 30)
        """
    )
    result = pytester.runpytest("test_a_python_test_judges_the_result_itself.py", "--lab-out", "out")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["near * 2/4 *fail*", "near * 15/30 *fail*"])
    assert not (pytester.path / "out").exists()


def test_the_command_line_speaks_where_the_test_does_not(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near")
    pytester.makepyfile(
        """
        def test_options(lab_run):
            assert lab_run("near.toml").trials == 9
            assert lab_run("near.toml", trials=3).trials == 3
            assert lab_run("near.toml", seed=0).seed == 0
            assert lab_run("near.toml").seed == 5
        """
    )
    result = pytester.runpytest(
        "test_the_command_line_speaks_where_the_test_does_not.py", "--lab-trials", "9", "--lab-seed", "5"
    )
    result.assert_outcomes(passed=1)
