"""What a run was asked for: planned trials that are missing, second looks, who ran it and what was otherwise than planned."""

import sqlite3
from contextlib import closing

import pytest

from detectors.build import load_build
from lab.bench.protocol import Origin
from lab.errors import BadInput
from lab.runs import on_rig
from lab.runs.environment import environment_of, here
from lab.runs.plan import NotRun, Planned
from lab.runs.run import run_scenarios
from lab.runs.summary import summarise
from lab.scenario.load import load_scenario
from lab.store.records import RunState
from lab.store.results import read
from lab.store.store import Store

LIMIT = '\n[[accept]]\nmetric = "false_alarms_per_day"\nat_most = {at_most}\nwhere = {{distance_m = {at}}}\n'


@pytest.fixture
def limited(scenario):
    """`limited(at_most)`: limits on false alarms at both distances of the small scenario, whose detector alarms again and again."""

    def _limited(at_most):
        scenario.write_text(
            scenario.read_text() + "".join(LIMIT.format(at_most=at_most, at=at) for at in (0.8, 1.1))
        )
        return scenario

    return _limited


def accepts(results):
    (scenario,) = results.scenarios
    return [limit for row in scenario.results for limit in row.accept]


def test_a_run_that_goes_on_after_a_look_is_judged_by_the_stricter_bound_and_tells_both_looks(
    limited, options
):
    scenario = limited(1.0)
    first = run_scenarios([scenario], options("grow", trials=2))
    assert [one.confidence for one in accepts(first)] == [0.95, 0.95]
    second = run_scenarios([scenario], options("grow", trials=4, resume=True))
    assert [one.confidence for one in accepts(second)] == [0.999, 0.999]
    assert (first.scenarios[0].looks, second.scenarios[0].looks) == ([2], [2, 4])
    again = run_scenarios([scenario], options("grow", resume=True))
    assert (again.scenarios[0].looks, again.scenarios[0].planned) == ([2, 4], 8)
    whole = run_scenarios([scenario], options("whole", trials=4))
    assert [one.bound for one in accepts(whole)] != [one.bound for one in accepts(second)]


def test_fewer_trials_than_were_judged_are_refused(scenario, options):
    run_scenarios([scenario], options("less", trials=3))
    with pytest.raises(BadInput) as refused:
        run_scenarios([scenario], options("less", trials=2, resume=True))
    out = options("less").out
    assert str(refused.value) == (
        f"--trials 2 --resume: small in {out} was judged at 3 trials a cell; allowed: --trials 3 or more"
    )
    assert read(out).scenarios[0].looks == [3]


def test_fewer_hours_than_were_judged_are_refused_in_hours(scenario, options):
    scenario.write_text(scenario.read_text().replace("trials = 6", "hours = 0.002"))
    run_scenarios([scenario], options("hours"))
    with pytest.raises(
        BadInput, match=r"--hours 0.001 --resume: .*at 4 trials a cell; allowed: --hours 0.002"
    ):
        run_scenarios([scenario], options("hours", hours=0.001, resume=True))
    assert run_scenarios([scenario], options("hours", hours=0.0025, resume=True)).scenarios[0].looks == [4, 5]


def test_an_interrupted_run_that_goes_on_with_the_same_number_is_no_second_look(
    limited, options, monkeypatch
):
    monkeypatch.setattr("lab.runs.plan._CHUNK_TRIALS", 2)
    scenario = limited(1.0)

    def interrupt(progress):
        if progress.trials:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenarios([scenario], options("cut"), interrupt)
    results = run_scenarios([scenario], options("cut", resume=True))
    assert results.scenarios[0].looks == [6]
    assert {one.confidence for one in accepts(results)} == {0.95}


def test_a_second_look_that_is_interrupted_stays_one(limited, options, monkeypatch):
    monkeypatch.setattr("lab.runs.plan._CHUNK_TRIALS", 2)
    scenario = limited(1.0)
    run_scenarios([scenario], options("cut", trials=1))

    def interrupt(progress):
        if progress.trials > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scenarios([scenario], options("cut", trials=4, resume=True), interrupt)
    results = run_scenarios([scenario], options("cut", resume=True))
    assert (results.scenarios[0].looks, results.scenarios[0].trials) == ([1, 4], 8)


def test_a_run_that_was_finished_before_looks_were_kept_was_judged_at_what_it_holds(scenario, options):
    run_scenarios([scenario], options("old", trials=2))
    with Store.open(options("old").out) as store:
        (run,) = store.runs()
        store.set_environment(run.id, {"trials": 2, "hours": None})
    results = run_scenarios([scenario], options("old", trials=3, resume=True))
    assert results.scenarios[0].looks == [2, 3]


def test_whoever_ran_it_is_told_with_the_time_of_its_trials_and_the_air(scenario, options):
    run_scenarios([scenario], options("people", trials=1, operator="A. Vogel"))
    results = run_scenarios([scenario], options("people", trials=2, resume=True, operator="M. Ruiz"))
    assert results.operators == ["A. Vogel", "M. Ruiz"]
    with Store.read(options("people").out) as store:
        (run,) = store.runs()
        (small,) = store.scenarios(run.id)
        batches = store.batches(run.id, small.id, small.hash)
    assert sum(trials for _, trials in batches) == 4
    assert all(len(batch.commit) >= 7 for batch, _ in batches)
    assert results.first == min(batch.began for batch, _ in batches) >= run.started
    assert results.last == max(batch.ended for batch, _ in batches)
    assert results.scenarios[0].surroundings["temperature_c"] == (20.0, 20.0)


def test_another_number_of_trials_than_the_scenario_asks_for_is_a_deviation(scenario, options):
    results = run_scenarios([scenario], options("few", trials=1))
    assert [(one.kind, one.scenario, one.what) for one in results.deviations] == [
        ("trials", "small", "1 trials a cell, where the scenario asks for 6")
    ]


def test_a_run_of_draws_that_were_judged_before_in_another_folder_says_so(scenario, options):
    """More trials of the same seed are no second look of this folder, but of whoever has seen the other."""
    run_scenarios([scenario], options("a_few", trials=2))
    run_scenarios([scenario], options("a_few", trials=3, resume=True))
    run_scenarios([scenario], options("other_seed", trials=2, seed=7))
    (options("torn").out).mkdir()
    (options("torn").out / "results.json").write_bytes(b'{"run": "\xff')
    (told,) = run_scenarios([scenario], options("all")).deviations
    assert told.what == "draws of seed 1 were judged before, at 2 and 3 trials a cell, in a_few"
    assert run_scenarios([scenario], options("anew", seed=8)).deviations == []
    same = run_scenarios([scenario], options("same", trials=6)).deviations
    assert [one.what for one in same] == [told.what]


def test_who_only_has_a_run_judged_again_did_not_run_it(scenario, options):
    run_scenarios([scenario], options("done", trials=1, operator="A. Vogel"))
    again = run_scenarios([scenario], options("done", resume=True, operator="Auditor", lifted=("playback",)))
    assert again.operators == ["A. Vogel"]
    assert not any(one.kind == "lifted" for one in again.deviations)


def test_what_the_results_of_an_older_run_say_of_how_it_was_made_is_not_lost(scenario, options):
    """Its trials were stored when no batches were; with new ones beside them nobody knows when the first began."""
    first = run_scenarios([scenario], options("old", trials=1))
    database = options("old").out / "lab.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE trials SET batch_row = NULL")
        connection.commit()
    again = run_scenarios([scenario], options("old", resume=True))
    assert (again.environment, again.first) == (first.environment, None)
    more = run_scenarios([scenario], options("old", trials=2, resume=True))
    assert (more.environment.commit, more.environment.packages) == (
        first.environment.commit,
        first.environment.packages,
    )
    assert more.first is None and more.last is not None


def test_a_run_that_has_heard_nothing_names_what_it_would_have_heard_it_with(build):
    made = environment_of(load_build(build), [])
    assert (made.commit, made.packages, made.machine) == tuple(
        here()[key] for key in ("commit", "packages", "machine")
    )


@pytest.fixture
def summed(limited, options, build):
    """`summed(planned, not_run)`: a run of two trials a cell, judged as if so many had been asked for, one cell's left out where `silent`."""
    path = limited(1e9)
    run_scenarios([path], options("part", trials=2))
    scenario = load_scenario(path)

    def _summed(trials, silent=False, not_run=()):
        with Store.open(options("part").out) as store:
            (run,) = store.runs()
            assert run.state is RunState.FINISHED
            if silent:
                for record in list(store.trials(run.id, "small")):
                    if record.cell == {"distance_m": 1.1}:
                        store.withdraw_trial(run.id, record, "moved away", run.started)
            planned = [Planned(scenario, trials)]
            return summarise(store, run, planned, environment_of(load_build(build), []), not_run=not_run)

    return _summed


def test_results_tell_what_of_the_plan_was_not_run_and_why(summed):
    results = summed(3, not_run=[NotRun("small", "a", "nobody"), NotRun("other", "b", "rail")])
    (found,) = results.scenarios
    assert (found.planned, found.trials, found.not_run) == (6, 4, 2)
    assert found.not_run_reasons == {"nobody": 1}
    assert [(one.cell, one.planned, one.not_run) for one in found.cells] == [
        ({"distance_m": 0.8}, 3, 1),
        ({"distance_m": 1.1}, 3, 1),
    ]
    assert results.verdict == "inconclusive"
    assert on_rig.told(results, "out").startswith("2 trials were not run: 1 x nobody")


def test_a_limit_of_a_cell_that_was_not_heard_is_listed_as_not_judged(summed):
    (found,) = summed(2, silent=True).scenarios
    assert [(one.where, one.cells) for one in found.unjudged] == [
        ({"distance_m": 1.1}, [{"distance_m": 1.1}])
    ]
    assert len(accepts(summed(2))) == 1
    assert found.verdict == "inconclusive"


def test_a_limit_of_a_device_is_told_in_simulation_and_bars_a_bench_that_has_none(scenario, options, build):
    limit = '\n[[accept]]\nmetric = "false_alarms_per_day"\nat_most = 1\nstage = "dut"\n'
    scenario.write_text(scenario.read_text() + limit)
    (found,) = run_scenarios([scenario], options("device", trials=1)).scenarios
    (left,) = found.unjudged
    assert (left.limit, left.reason) == ("at most 1", "a device under test reports on a bench only")
    assert left.cells == [{"distance_m": 0.8}, {"distance_m": 1.1}]
    assert found.verdict == "reported"
    with Store.open(options("device").out) as store:
        (run,) = store.runs()
        planned = [Planned(load_scenario(scenario), 1)]
        made_with = environment_of(load_build(build), [])
        (found,) = summarise(store, run, planned, made_with, Origin.MEASURED).scenarios
    assert [one.reason for one in found.unjudged] == ["no device under test reports it here"]
    assert found.verdict == "inconclusive"


def test_a_scenario_of_which_nothing_was_run_keeps_the_run_from_passing(scenario, options, build):
    run_scenarios([scenario], options("one", trials=1))
    other = scenario.with_name("other.toml")
    other.write_text(scenario.read_text().replace('id = "small"', 'id = "other"'))
    with Store.open(options("one").out) as store:
        (run,) = store.runs()
        planned = [Planned(load_scenario(path), 1) for path in (scenario, other)]
        results = summarise(store, run, planned, environment_of(load_build(build), []))
    assert [one.verdict for one in results.scenarios] == ["reported", "inconclusive"]
    assert (results.scenarios[1].planned, results.scenarios[1].not_run) == (2, 2)
    assert results.verdict == "inconclusive"
