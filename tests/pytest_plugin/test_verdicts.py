"""What a verdict means for the test, and what a person and a machine see of it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from detectors.build import BUILDS
from lab.pytest_plugin.execution import counts
from lab.store import results as results_file
from rigs.rig_file import BENCHES
from tests.pytest_plugin.conftest import WriteScenario

pytestmark = pytest.mark.usefixtures("instant_core")


@pytest.mark.parametrize(
    ("title", "options", "outcome"),
    [
        ("will pass", (), "passed"),
        ("only reported", (), "passed"),
        ("will fail", (), "failed"),
        ("inconclusive", (), "failed"),
        ("inconclusive", ("--lab-inconclusive", "skip"), "skipped"),
        ("will fail", ("--lab-inconclusive", "skip"), "failed"),
    ],
)
def test_verdict_decides_the_outcome(
    pytester: pytest.Pytester,
    write_scenario: WriteScenario,
    title: str,
    options: tuple[str, ...],
    outcome: str,
):
    write_scenario("near", title=title)
    pytester.runpytest(*options).assert_outcomes(**{outcome: 1})


def test_a_skip_says_what_is_still_needed(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near", title="inconclusive")
    result = pytester.runpytest("-rs", "--lab-inconclusive", "skip")
    result.stdout.fnmatch_lines(["SKIPPED*inconclusive: 12 more trials"])


def test_a_failure_shows_limit_bound_trials_and_how_to_hear_the_worst_trial(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near", title="will fail")
    result = pytester.runpytest("--lab-trials", "40", "--lab-seed", "7")
    result.stdout.fnmatch_lines(
        [
            "near: FAIL - will fail",
            "*seed 7, test split",
            "40 trials, 0 invalid",
            "FAIL: detection_rate at least 0.2 of watermark, *",
            "*bound 0.15, 20 of 40",
            "*miss of watermark at 2.5 s*score 1.25, threshold 5.5",
            "*lab render near.toml --trial 3 --seed 7",
        ]
    )
    assert "def runtest" not in result.stdout.str()


@pytest.mark.parametrize(
    ("title", "options", "message"),
    [
        ("full disk", (), "*No space left on device"),
        ("will pass", ("--lab-build", "gone.toml"), "*gone.toml: no such build file*"),
    ],
)
def test_an_error_of_the_lab_is_one_message(
    pytester: pytest.Pytester,
    write_scenario: WriteScenario,
    title: str,
    options: tuple[str, ...],
    message: str,
):
    write_scenario("near", title=title)
    result = pytester.runpytest(*options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])
    assert "def runtest" not in result.stdout.str() and "execution.py" not in result.stdout.str()


def test_a_detector_that_raises_is_told_before_its_trace_and_in_the_summary(
    pytester: pytest.Pytester, write_scenario: WriteScenario, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "200")
    write_scenario("near", title="broken detector")
    result = pytester.runpytest()
    said = "mine.toml: detector 'level': KeyError: 'left'"
    result.stdout.fnmatch_lines([said, 'File "level.py", line 3', f"FAILED near.toml::near - {said}"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_figures_reach_junit_the_table_and_one_results_file(
    pytester: pytest.Pytester, write_scenario: WriteScenario, workers: tuple[str, ...]
):
    write_scenario("near")
    write_scenario("far", title="will fail")
    result = pytester.runpytest(*workers, "--junitxml", "junit.xml", "--lab-out", "out")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- scenarios -*",
            "far *2/4 *0.500*fail detection_rate at least 0.2 (bound 0.15)",
            "near *2/4 *0.500*pass detection_rate at least 0.2 (bound 0.4)*",
            "build reference*FAIL",
            "report: *out/report.html",
        ]
    )
    cases = ElementTree.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    properties = {p.get("name"): p.get("value") for case in cases for p in case.iter("property")}
    assert properties["near.verdict"] == "pass"
    assert float(properties["far.detection_rate[watermark,watermark].high"]) == 0.15

    merged = results_file.read(pytester.path / "out")
    assert [(one.id, one.verdict) for one in merged.scenarios] == [("far", "fail"), ("near", "pass")]
    assert merged.verdict == "fail"
    for scenario in merged.scenarios:
        assert (pytester.path / "out" / scenario.examples[0].clip).is_file()
    assert (pytester.path / "out" / "report.html").stat().st_size > 1000


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_session_in_which_a_scenario_broke_is_no_pass_and_says_which(
    pytester: pytest.Pytester, write_scenario: WriteScenario, workers: tuple[str, ...]
):
    write_scenario("near")
    write_scenario("far", title="full disk")
    result = pytester.runpytest(*workers, "--lab-out", "out")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["far.toml::far: no results: *No space left*", "build reference*INCONCLUSIVE"]
    )
    merged = results_file.read(pytester.path / "out")
    assert [one.id for one in merged.scenarios] == ["near"] and merged.verdict == "inconclusive"
    (broken,) = merged.unjudged
    assert broken.test == "far.toml::far" and broken.reason.endswith("No space left on device")
    html = (pytester.path / "out" / "report.html").read_text()
    assert "<title>INCONCLUSIVE" in html
    assert html.index("far.toml::far") < html.index("Verdicts and limits")


def test_a_limit_that_fails_is_told_before_a_scenario_that_broke(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near", title="will fail")
    write_scenario("far", title="full disk")
    pytester.runpytest("--lab-out", "out").assert_outcomes(failed=2)
    assert results_file.read(pytester.path / "out").verdict == "fail"


def test_what_an_interrupted_session_did_not_get_to_is_listed(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("a")
    write_scenario("b", title="interrupted")
    write_scenario("c")
    result = pytester.runpytest("--lab-out", "out", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    merged = results_file.read(pytester.path / "out")
    assert merged.verdict == "inconclusive"
    assert [(one.test, one.reason) for one in merged.unjudged] == [
        ("b.toml::b", "interrupted"),
        ("c.toml::c", "not run: the session ended before"),
    ]


def test_a_scenario_that_cannot_be_read_is_listed_where_the_others_ran(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near")
    write_scenario("far", extra="[colour]\nof = 'sky'\n")
    pytester.runpytest("--lab-out", "out", "--continue-on-collection-errors")
    merged = results_file.read(pytester.path / "out")
    assert merged.verdict == "inconclusive"
    assert [one.test for one in merged.unjudged] == ["far.toml"] and "colour" in merged.unjudged[0].reason


def test_a_folder_with_results_is_not_written_over(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near")
    assert pytester.runpytest("--lab-out", "out").ret == 0
    again = pytester.runpytest("--lab-out", "out")
    assert again.ret == pytest.ExitCode.USAGE_ERROR
    again.stderr.fnmatch_lines(["*--lab-out*holds results already*"])


@pytest.mark.parametrize("inside", ["", "/sub"])
def test_a_file_for_the_folder_of_results_is_refused_in_one_line(
    pytester: pytest.Pytester, write_scenario: WriteScenario, inside: str
):
    write_scenario("near")
    (pytester.path / "o.wav").write_bytes(b"")
    result = pytester.runpytest(f"--lab-out=o.wav{inside}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--lab-out *o.wav{inside}: *o.wav is a file, where a folder is wanted"])


def test_a_corpus_that_is_no_folder_is_refused(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near")
    result = pytester.runpytest("--lab-corpus", "gone")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--lab-corpus *gone: no such folder"])


def test_a_build_is_a_file_or_the_name_of_a_shipped_one(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near")
    mine = (BUILDS / "reference.toml").read_text().replace('id = "reference"', 'id = "mine"')
    (pytester.path / "mine.toml").write_text(mine.replace("../watermark", str(BUILDS.parent / "watermark")))
    for named, used in (("one_microphone", "one_microphone"), ("mine.toml", "mine")):
        result = pytester.runpytest("--lab-build", named)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([f"build {used} *"])


def test_a_path_that_cannot_be_used_is_one_message(pytester: pytest.Pytester, write_scenario: WriteScenario):
    write_scenario("near")
    (pytester.path / "runs").write_bytes(b"")  # where results go by default
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*runs/pytest/*: Not a directory"])
    assert "execution.py" not in result.stdout.str()


def test_a_count_for_all_scenarios_holds_where_it_is_counted(write_scenario: WriteScenario):
    by_trials = write_scenario("near")
    by_hours = write_scenario("day")
    by_hours.write_text(by_hours.read_text().replace("trials = 4", "hours = 1.0"))
    assert counts(by_trials, 5, 2.0) == (5, None)
    assert counts(by_hours, 5, 2.0) == (None, 2.0)


def test_a_session_without_scenarios_writes_nothing_and_says_nothing(pytester: pytest.Pytester):
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest("--lab-out", "out")
    result.assert_outcomes(passed=1)
    assert "- scenarios -" not in result.stdout.str()
    assert not (pytester.path / "out").exists()


@pytest.mark.parametrize(
    "option",
    [
        ("--lab-trials", "0"),
        ("--lab-hours", "-1"),
        ("--lab-hours", "inf"),
        ("--lab-jobs", "two"),
        ("--lab-seed", "-1"),
    ],
)
def test_a_meaningless_option_is_refused(pytester: pytest.Pytester, option: tuple[str, str]):
    result = pytester.runpytest(*option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{option[0]}: invalid *value*"])


@pytest.mark.parametrize(
    ("title", "options", "outcome"),
    [
        ("will fail", ("--rig", "emulated"), "passed"),
        ("inconclusive", ("--rig", "loopback"), "passed"),
        ("will pass, but is sick", ("--rig", "loopback"), "failed"),
        ("will fail", ("--rig", "loopback", "--lab-asserts", "limits"), "failed"),
        ("will fail", ("--lab-asserts", "health"), "passed"),
        ("inconclusive", ("--rig", "table.toml"), "failed"),
    ],
)
def test_a_bench_without_real_air_is_held_to_health_and_a_physical_one_to_limits(
    pytester: pytest.Pytester,
    write_scenario: WriteScenario,
    title: str,
    options: tuple[str, ...],
    outcome: str,
):
    rig = (
        (BENCHES / "loopback.toml")
        .read_text()
        .replace('kind = "loopback"', 'kind = "physical"\nroom = "lab_1"')
    )
    (pytester.path / "table.toml").write_text(rig)
    write_scenario("near", title=title)
    pytester.runpytest(*options, "near.toml").assert_outcomes(**{outcome: 1})


def test_invalid_trials_on_a_bench_are_told_with_their_reason_and_the_bench_log(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near", title="will pass, but is sick")
    result = pytester.runpytest("--rig", "emulated", "--lab-out", "out")
    result.stdout.fnmatch_lines(
        [
            "near: INVALID TRIALS - will pass, but is sick",
            "emulated, build reference, seed 1, test split",
            "4 trials, 1 invalid",
            "  invalid: 1 x lost block: 1 gap",
            "bench log: *out/near/bench.log",
        ]
    )


@pytest.mark.parametrize(
    "title", ["reported, unfinished", "will pass, unfinished", "inconclusive, unfinished"]
)
@pytest.mark.parametrize("asserts", ["health", "limits"])
def test_a_planned_trial_that_was_not_run_fails_the_test_whatever_it_holds(
    pytester: pytest.Pytester, write_scenario: WriteScenario, title: str, asserts: str
):
    write_scenario("near", title=title)
    result = pytester.runpytest(
        "--lab-out", "out", "--lab-asserts", asserts, "--lab-inconclusive", "skip", "--junitxml", "junit.xml"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "3 trials, 0 invalid, 1 of 4 planned were not run",
            "  not run: 1 x nobody to ask: place the tv",
            "near: 1 of 4 planned trials were not run",
        ]
    )
    junit = (pytester.path / "junit.xml").read_text()
    assert 'name="near.planned" value="4"' in junit and 'name="near.not_run" value="1"' in junit


def test_a_test_in_python_fails_where_a_planned_trial_was_not_run(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near", title="will pass, unfinished")
    pytester.makepyfile("def test_near(lab_run): lab_run('near.toml')")
    result = pytester.runpytest(
        "--lab-out", "out", "test_a_test_in_python_fails_where_a_planned_trial_was_not_run.py"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 trials were not run: 1 x nobody to ask: place the tv*--resume"])


def test_an_unknown_bench_and_more_than_one_process_are_refused(
    pytester: pytest.Pytester, write_scenario: WriteScenario
):
    write_scenario("near")
    pytester.runpytest("--rig", "nowhere").stdout.fnmatch_lines(["nowhere: no such rig file*"])
    result = pytester.runpytest("--rig", "loopback", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rig loopback: a bench runs one trial at a time; leave out -n"])


def test_a_verdict_of_one_room_says_so(pytester: pytest.Pytester, write_scenario: WriteScenario):
    rig = (
        (BENCHES / "loopback.toml")
        .read_text()
        .replace('kind = "loopback"', 'kind = "physical"\nroom = "lab_1"')
    )
    (pytester.path / "table.toml").write_text(rig)
    write_scenario("near", title="will fail")
    result = pytester.runpytest("--rig", "table.toml", "near.toml")
    result.stdout.fnmatch_lines(["near: FAIL (room lab_1 only) - will fail", "*FAIL (room lab_1 only)"])
