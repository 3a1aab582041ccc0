import json
import os
import signal
import subprocess
import sys
import time

import pytest

from detectors.errors import DetectorFault
from lab.errors import BadInput
from lab.runs.run import run_scenarios
from lab.store import ledger
from lab.store.records import RunState
from lab.store.store import Store


def without_times(out):
    """results.json less what tells when it was made; clips and their commands stay."""
    content = json.loads((out / "results.json").read_text())
    del content["started"], content["wall_s"], content["first"], content["last"]
    del content["environment"]["commit"]  # somebody may commit while the tests run
    return content


def captures(out):
    with Store.read(out) as store:
        (run,) = store.runs()
        return {(t.cell_key, t.index): t.capture_sha256 for t in store.trials(run.id, "small")}


def tracks(out):
    with Store.read(out) as store:
        (run,) = store.runs()
        return {
            (t.cell_key, t.index): [track.scores.tobytes() for track in store.tracks(t)]
            for t in store.trials(run.id, "small")
        }


@pytest.fixture
def whole(scenario, options):
    """An uninterrupted run with one job."""
    run_scenarios([scenario], options("whole"))
    return options("whole").out


def test_a_run_stores_every_trial_and_writes_its_results(whole):
    content = without_times(whole)
    (found,) = content["scenarios"]
    assert (found["id"], found["trials"], found["invalid"], found["origin"]) == ("small", 12, 0, "simulated")
    assert [row["cell"] for row in found["results"]] == [{"distance_m": 0.8}, {"distance_m": 1.1}]
    assert content["verdict"] == "reported"  # a scenario without limits changes nothing
    with Store.read(whole) as store:
        assert [run.state for run in store.runs()] == [RunState.FINISHED]
    assert len(captures(whole)) == 12


def test_number_of_jobs_changes_no_sample_and_no_score(scenario, options, whole):
    run_scenarios([scenario], options("two", jobs=2))
    assert captures(options("two").out) == captures(whole)
    assert tracks(options("two").out) == tracks(whole)
    assert without_times(options("two").out) == without_times(whole)


def test_interrupt_keeps_finished_trials_and_resume_does_only_the_rest(scenario, options, whole, monkeypatch):
    monkeypatch.setattr("lab.runs.plan._CHUNK_TRIALS", 2)

    def interrupt(progress):
        if progress.trials:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenarios([scenario], options("cut"), interrupt)
    out = options("cut").out
    kept = captures(out)
    assert 0 < len(kept) < 12
    assert not (out / "results.json").exists()
    with Store.read(out) as store:
        assert [run.state for run in store.runs()] == [RunState.INTERRUPTED]

    counts = []
    run_scenarios([scenario], options("cut", resume=True), lambda p: counts.append(p.trials))
    assert counts[0] == len(kept)
    assert captures(out) == captures(whole)
    assert without_times(out) == without_times(whole)


def test_a_detector_that_raises_is_told_with_its_trial_and_how_to_hear_it(scenario, options, build):
    text = build.read_text().replace("level_detector:from_spec", "level_detector:faltering")
    build.write_text(text + "[detector.settings]\nsessions = 8\n")
    with pytest.raises(DetectorFault) as raised:
        run_scenarios([scenario], options("broken", seed=3, jobs=1))
    assert str(raised.value) == (
        f"{build}: detector 'level': RuntimeError: lost count; "
        "in scenario small, cell distance_m=0.8, trial 3, seed 3; "
        f"to hear it: lab render {scenario} --trial 3 --seed 3 --cell distance_m=0.8"
    )
    assert raised.value.trace.endswith("RuntimeError: lost count\n")


def test_kill_nine_loses_no_finished_trial(scenario, options, whole, build):
    out = options("killed").out
    script = (
        "import lab.runs.plan as plan; plan._CHUNK_TRIALS = 1\n"
        "from pathlib import Path\n"
        "from lab.runs.run import RunOptions, run_scenarios\n"
        f"run_scenarios([Path({str(scenario)!r})], RunOptions(out=Path({str(out)!r}), build=Path({str(build)!r}), trials=500))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (out / "tracks").is_dir() and len(list((out / "tracks").glob("*.parquet"))) >= 3:
                break
            assert child.poll() is None, "the run ended before it could be killed"
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    kept = captures(out)
    assert len(kept) >= 2
    run_scenarios([scenario], options("killed", resume=True, trials=6))
    assert without_times(out) == without_times(whole)
    expected = captures(whole)
    assert {place: capture for place, capture in captures(out).items() if place in expected} == expected


def test_resume_with_more_trials_adds_to_the_run(scenario, options):
    run_scenarios([scenario], options("grow", trials=1))
    results = run_scenarios([scenario], options("grow", trials=2, resume=True))
    assert results.scenarios[0].trials == 4
    assert run_scenarios([scenario], options("grow", resume=True)).scenarios[0].trials == 4


def test_resume_takes_seed_and_trials_of_the_run_it_goes_on_with(scenario, options):
    run_scenarios([scenario], options("seeded", trials=1, seed=7))
    results = run_scenarios([scenario], options("seeded", resume=True))
    assert (results.scenarios[0].seed, results.scenarios[0].trials) == (7, 2)


def test_a_folder_that_holds_a_run_is_not_overwritten(scenario, options, whole):
    with pytest.raises(BadInput, match="holds a run already; add --resume"):
        run_scenarios([scenario], options("whole"))


def test_the_twin_of_a_scenario_on_another_split_is_drawn_anew_and_is_no_evidence(
    scenario, options, whole, tmp_path
):
    results = run_scenarios([scenario], options("twin", split="tune", jobs=2))
    (twin,) = results.scenarios
    assert (twin.split, twin.scope, twin.trials) == ("tune", "tune split: no evidence", 12)
    heard = captures(options("twin").out)
    assert heard.keys() == captures(whole).keys()
    assert not set(heard.values()) & set(captures(whole).values())
    commands = [one.command for one in twin.examples]
    assert commands and all(one.endswith("--split tune") for one in commands)
    with pytest.raises(BadInput, match='only "test" is evidence'):
        ledger.merge(results, tmp_path / "ledger.json")
    with pytest.raises(BadInput, match="differs in --split: it was tune, now not given"):
        run_scenarios([scenario], options("twin", resume=True))


def test_resume_refuses_another_build_or_seed_or_scenario(scenario, options, whole, build):
    with pytest.raises(BadInput, match="differs in the seed: it was 1, now 5"):
        run_scenarios([scenario], options("whole", resume=True, seed=5))
    scenario.write_text(scenario.read_text().replace("70.0", "71.0"))
    with pytest.raises(BadInput, match="differs in the scenarios: it had small"):
        run_scenarios([scenario], options("whole", resume=True))
    build.write_text(build.read_text().replace("-55.0", "-54.0"))
    with pytest.raises(BadInput, match="differs in the build: it was level"):
        run_scenarios([scenario], options("whole", resume=True))


def test_hours_count_for_exposure_scenarios_only(scenario, options):
    scenario.write_text(scenario.read_text().replace("trials = 6", "hours = 0.001"))
    results = run_scenarios([scenario], options("hours", hours=0.002))
    assert results.scenarios[0].trials == 2 * 4  # 7.2 s in trials of 2 s, two cells
    row = results.scenarios[0].results[0]
    assert row.false_alarms.hours == pytest.approx(8.0 / 3600, rel=0.05)


def test_tags_select_and_an_unknown_tag_lists_what_there_is(scenario, options):
    with pytest.raises(BadInput, match="no scenario is tagged quick; tags there: small"):
        run_scenarios([scenario], options("none", tags=("quick",)))


def test_examples_can_be_heard_and_rendered_again(whole):
    content = without_times(whole)
    (found,) = content["scenarios"]
    assert found["examples"], "the level detector alarms on music"
    example = found["examples"][0]
    assert example["kind"] == "false_alarm"
    assert (whole / example["clip"]).stat().st_size > 1000
    assert example["credits"][0]["licence"]
    assert (
        example["command"].startswith("lab render ") and f"--trial {example['trial']}" in example["command"]
    )


def test_a_limit_nothing_can_answer_is_said_before_the_first_trial(scenario, options):
    limit = '[[accept]]\nmetric = "false_alarms_per_day"\nlabel = "watermark"\nat_most = 1.0\n'
    scenario.write_text(scenario.read_text() + limit)
    with pytest.raises(BadInput, match="small.toml: accept: no detector reports label 'watermark'"):
        run_scenarios([scenario], options("early"))


def test_missing_recordings_are_said_before_the_first_trial(scenario, options, tmp_path):
    scenario.write_text(
        scenario.read_text().replace('classes = ["music"]', 'corpus = "household"\nclasses = ["music"]')
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="small.toml: source 'tv': .*no such recording|fetch"):
        run_scenarios([scenario], options("early", corpus=tmp_path / "empty"))
