"""Scenarios run from Python tests."""

from __future__ import annotations

import pytest

from lab.store import results as results_file
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
    out = pytester.path / "out"
    name = "test_a_python_test_judges_the_result_itself.py-test_more_trials"
    assert [results_file.read(out / f"{name}-{n}").scenarios[0].trials for n in (1, 2)] == [4, 30]
    merged = results_file.read(out)
    assert [one.trials for one in merged.scenarios] == [4, 30] and merged.verdict == "fail"
    assert all((out / one.examples[0].clip).is_file() for one in merged.scenarios)
    assert (out / "report.html").is_file()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_tests_of_one_name_in_two_files_have_folders_of_their_own(
    pytester: pytest.Pytester, write_scenario: WriteScenario, workers: tuple[str, ...]
):
    write_scenario("near")
    code = """
        import pytest

        @pytest.mark.parametrize("trials", [5, 6])
        def test_heard(lab_run, trials):
            assert lab_run("near.toml", trials=trials + {more}).verdict == "pass"
    """
    pytester.makepyfile(test_a=code.format(more=0), test_b=code.format(more=2))
    result = pytester.runpytest("test_a.py", "test_b.py", "--lab-out", "out", *workers)
    result.assert_outcomes(passed=4)
    assert sorted(one.trials for one in results_file.read(pytester.path / "out").scenarios) == [5, 6, 7, 8]


def test_a_run_that_breaks_in_a_test_is_no_pass(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near")
    write_scenario("far", title="full disk")
    pytester.makepyfile(
        """
        import pytest
        from lab.errors import LabFailure

        def test_both(lab_run):
            lab_run("near.toml")
            lab_run("far.toml")

        def test_it_breaks(lab_run):
            with pytest.raises(LabFailure):
                lab_run("far.toml")
        """
    )
    pytester.runpytest("test_a_run_that_breaks_in_a_test_is_no_pass.py", "--lab-out", "out")
    merged = results_file.read(pytester.path / "out")
    assert merged.verdict == "inconclusive" and len(merged.scenarios) == 1
    assert [one.test.split("::")[1] for one in merged.unjudged] == ["test_both"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("trials=0", "trials = 0: 1 or more"),
        ("seed=-1", "seed = -1: 0 or more"),
        ("hours=0.0", "hours = 0.0: a number above 0"),
        ("hours=float('inf')", "hours = inf: a number above 0"),
    ],
)
def test_a_call_that_asks_for_nothing_is_refused(
    pytester: pytest.Pytester, write_scenario: WriteScenario, asked: str, said: str
):
    write_scenario("near")
    pytester.makepyfile(f"def test_none(lab_run): lab_run('near.toml', {asked})")
    result = pytester.runpytest("test_a_call_that_asks_for_nothing_is_refused.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*BadInput: lab_run: {said}"])


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
