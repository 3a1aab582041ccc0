"""What a person at a bench decided, and what was otherwise than planned, as results tell it."""

import pytest

from lab.runs.deviations import deviations
from lab.runs.plan import Planned
from lab.runs.run import run_scenarios
from lab.scenario.load import load_scenario
from lab.store.store import Store

LIMIT = '\n[[accept]]\nmetric = "false_alarms_per_day"\nat_most = 1e9\n'
AT = "2026-11-20T09:00:00+00:00"


@pytest.fixture
def ran(scenario, options):
    """`ran(trials)`: a run of one cell; answers its scenario file and its options."""
    scenario.write_text(scenario.read_text().replace("{sweep = [0.8, 1.1]}", "0.8") + LIMIT)

    def _ran(trials):
        run_scenarios([scenario], options("run", trials=trials))
        return scenario, options("run", resume=True)

    return _ran


def test_a_trial_that_was_repeated_is_told_with_what_it_had_found_and_weighs_as_an_invalid_one(ran):
    scenario, options = ran(20)
    with Store.open(options.out) as store:
        (run,) = store.runs()
        first, second, *_ = store.trials(run.id, "small")
        for trial in (first, second):
            store.withdraw_trial(run.id, trial, "a door slammed", AT)
    results = run_scenarios([scenario], options)
    (found,) = results.scenarios
    (cell,) = found.cells
    assert (cell.planned, cell.not_run, cell.invalid, cell.repeated) == (20, 0, 0, 2)
    assert found.verdict == "inconclusive"
    needed = {limit.needed for row in found.results for limit in row.accept}
    assert needed == {"0 of 20 trials are invalid and 2 valid ones were repeated, at most 5 % may be"}
    alarms = len(first.outcomes[0]["false_alarms"])
    told = [one.what for one in results.deviations if one.kind == "repeated"]
    assert told[0] == (
        f"trial 0 was played again on {AT}: a door slammed; "
        f"it was valid and had found: glass_break by level (device) {alarms} false alarms"
    )
    assert len(told) == 2


def test_an_invalid_trial_that_was_repeated_is_told_and_weighs_nothing(ran):
    scenario, options = ran(20)
    with Store.open(options.out) as store:
        (run,) = store.runs()
        trial = next(store.trials(run.id, "small"))
        store.withdraw_trial(run.id, type(trial)(**{**vars(trial), "invalid": "lost block"}), "again", AT)
    results = run_scenarios([scenario], options)
    assert results.scenarios[0].cells[0].repeated == 0
    (told,) = [one.what for one in results.deviations if one.kind == "repeated"]
    assert told == f"trial 0 was played again on {AT}: again; it was invalid: lost block"


def test_lifted_limits_departures_and_a_changed_bench_are_told(ran):
    scenario, options = ran(1)
    planned = [Planned(load_scenario(scenario), 6)]
    with Store.open(options.out) as store:
        (run,) = store.runs()
        told = {"lifted": ["playback"], "departures": {"small": ["no room, no distance"]}}
        store.set_environment(run.id, {**run.environment, **told})
        (run,) = store.runs()
        found = deviations(store, run, planned, benches=2)
    assert [(one.kind, one.scenario, one.what) for one in found] == [
        ("lifted", None, "safety limit of the bench lifted for this run: playback"),
        ("bench", None, "the bench was changed between two parts of the run"),
        ("bench", "small", "no room, no distance"),
    ]
