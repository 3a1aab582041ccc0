"""`lab history` over real run folders."""

import pytest

from lab.commands.main import call
from lab.store.records import RunState
from lab.store.results import read, write
from lab.store.store import Store
from tests.store.samples import RUN, SCENARIO, make_results, make_trial


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EARSHOT_STORE", raising=False)


def make_run(folder, *, trials=3, state=RunState.FINISHED, results=None, url=None):
    with Store.open(folder, url) as store:
        store.begin_run(RUN)
        store.add_scenario(RUN.id, SCENARIO)
        store.add_trials(RUN.id, [make_trial(index) for index in range(trials)])
        store.set_state(RUN.id, state)
    if results:
        write(results, folder / "results.json")


def history(capsys, *arguments):
    code = call(["history", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_with_nothing_there_it_says_so(capsys):
    code, out, _ = history(capsys)
    assert code == 0
    assert "no runs and no published evidence" in out


def test_a_finished_run_shows_build_rate_bounds_and_verdict(capsys, tmp_path):
    make_run(tmp_path / "runs" / "a", results=make_results(false_alarms=1, hours=2.0))
    code, out, _ = history(capsys)
    (line,) = [line for line in out.splitlines() if "distance_m=3.0" in line]
    assert code == 0
    for text in (
        "2026-11-20 08:00",
        "reference bbbbbbbb",
        "38/40",
        "0.950 [0.850, 0.990]",
        "1 in 2.00 h",
        "71.90",
        "pass",
    ):
        assert text in line


def test_an_unfinished_run_shows_its_state_and_trials(capsys, tmp_path):
    make_run(tmp_path / "a", trials=5, state=RunState.INTERRUPTED)
    _, out, _ = history(capsys, tmp_path / "a")
    (line,) = [line for line in out.splitlines() if "distance" in line]
    assert line.split()[-2:] == ["5", "interrupted"]


def test_results_older_than_a_run_that_goes_on_are_not_shown(capsys, tmp_path):
    make_run(tmp_path / "a", state=RunState.RUNNING, results=make_results())
    _, out, _ = history(capsys, tmp_path / "a")
    assert "running" in out
    assert "38/40" not in out


def test_a_run_in_a_shared_database_is_found_by_its_folder(capsys, tmp_path):
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    make_run(tmp_path / "a", trials=5, state=RunState.FAILED, url=url)
    _, out, _ = history(capsys, tmp_path / "a", "--store", url)
    assert "failed" in out


def test_only_the_worst_cell_is_shown_unless_all_are_asked_for(capsys, tmp_path):
    results = make_results()
    row = results.scenarios[0].results[0]
    far = row.model_copy(
        update={
            "cell": {"distance_m": 9.1},
            "detection": row.detection.model_copy(update={"low": 0.2, "rate": 0.3}),
            "false_alarms": None,
        }
    )
    near = row.model_copy(update={"false_alarms": None})
    scenario = results.scenarios[0].model_copy(update={"results": [near, far]})
    make_run(tmp_path / "a", results=results.model_copy(update={"scenarios": [scenario]}))
    _, worst, _ = history(capsys, tmp_path / "a")
    _, every, _ = history(capsys, tmp_path / "a", "--cells")
    assert "rate [low, high]" in worst
    assert "distance_m=9.1" in worst
    assert "distance_m=3.0" not in worst
    assert "distance_m=9.1" in every
    assert "distance_m=3.0" in every


def test_published_runs_add_up_in_the_ledger_of_their_suite(capsys, tmp_path):
    for seed in (1, 2):
        make_run(tmp_path / "runs" / str(seed), results=make_results(run=f"run-{seed}", seed=seed))
    code, out, _ = history(capsys, tmp_path / "runs", "--publish")
    assert code == 0
    assert (tmp_path / "docs" / "results" / "second_screen.json").is_file()
    assert "Evidence: second_screen" in out
    (line,) = [line for line in out.splitlines() if "76/80" in line]
    assert line.rstrip().endswith("1-2")
    code, _, err = history(capsys, tmp_path / "runs", "--publish")
    assert code == 3
    assert err.count("\n") == 1
    assert "already counted" in err


def test_a_run_that_fits_one_of_its_suites_only_is_not_published_at_all(capsys, tmp_path):
    results = make_results()
    make_run(tmp_path / "a", results=results)
    history(capsys, tmp_path / "a", "--publish")
    other = results.scenarios[0].model_copy(update={"id": "doors", "path": "scenarios/household/doors.toml"})
    both = results.model_copy(update={"scenarios": [other, *results.scenarios]})
    make_run(tmp_path / "b", results=both)
    code, _, _ = history(capsys, tmp_path / "b", "--publish")
    assert code == 3
    assert [path.name for path in (tmp_path / "docs" / "results").iterdir()] == ["second_screen.json"]


def test_an_unfinished_run_is_not_published(capsys, tmp_path):
    make_run(tmp_path / "a", state=RunState.INTERRUPTED)
    code, _, err = history(capsys, tmp_path / "a", "--publish")
    assert (code, "not finished" in err) == (3, True)


@pytest.mark.parametrize("arguments", [["nowhere"], ["--publish"]])
def test_what_cannot_be_listed_is_one_message(capsys, arguments):
    code, _, err = history(capsys, *arguments)
    assert code == 3
    assert err.count("\n") == 1


def test_results_alone_are_enough(capsys, tmp_path):
    write(make_results(), tmp_path / "results.json")
    _, out, _ = history(capsys, tmp_path)
    assert "38/40" in out
    assert read(tmp_path) == make_results()
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_runs_are_listed_oldest_first(capsys, tmp_path):
    for name, day in (("a", 20), ("b", 18), ("c", 19)):
        write_at = tmp_path / name
        write_at.mkdir()
        write(make_results(started=f"2026-11-{day}T00:00:00Z"), write_at / "results.json")
    _, out, _ = history(capsys, tmp_path)
    days = [line[:10] for line in out.splitlines() if line.startswith("2026")]
    assert days == ["2026-11-18", "2026-11-19", "2026-11-20"]
