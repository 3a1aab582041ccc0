import dataclasses
import json

import pytest

from lab.errors import BadInput
from lab.store import ledger
from lab.store.counts import Counts
from lab.store.provenance import Provenance, at_most, of_batches
from lab.verdicts.intervals import proportion, rate
from tests.store.samples import BATCH, make_results

BUILD, SCENARIO = "b" * 64, "5" * 64
MADE = Provenance(
    commit="c" * 40,
    python="3.12.3",
    packages={"numpy": "2.0"},
    machine="Linux x86_64",
    first="2026-11-20",
    last="2026-11-20",
    trials=40,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "second_screen.json"


def only_entry(path):
    (entry,) = ledger.read(path).entries
    return entry


def only_total(path) -> Counts:
    (counts,) = only_entry(path).totals()
    return counts


def test_a_ledger_that_does_not_exist_yet_is_empty(path):
    assert ledger.read(path).entries == []


def test_one_run_is_published_as_it_is(path):
    ledger.merge(make_results(effective_trials=25.0, false_alarms=2, hours=3.0), path)
    entry, total = only_entry(path), only_total(path)
    assert (entry.scenario, entry.build, entry.origin, entry.current) == (
        "distance",
        "reference",
        "simulated",
        True,
    )
    assert (entry.first, entry.last, entry.seeds) == ("2026-11-20", "2026-11-20", "7")
    assert (total.detected, total.trials, total.clusters) == (38, 40, 10)
    assert total.effective_trials == pytest.approx(25.0)
    assert (total.false_alarms, total.hours, total.distinct_hours) == (2, 3.0, 3.0)


def test_seeds_add_up(path):
    for seed, detected in ((7, 38), (8, 40), (10, 36)):
        ledger.merge(
            make_results(
                seed=seed, run=f"run-{seed}", started=f"2026-11-{seed + 10}T00:00:00Z", detected=detected
            ),
            path,
        )
    entry, total = only_entry(path), only_total(path)
    assert (entry.first, entry.last, entry.seeds) == ("2026-11-17", "2026-11-20", "7-8, 10")
    assert (total.detected, total.trials, total.hours, total.distinct_hours) == (114, 120, 3.0, 3.0)


def test_a_seed_never_counts_twice(path):
    ledger.merge(make_results(), path)
    before = path.read_bytes()
    for trials in (40, 20):
        with pytest.raises(BadInput, match="distance: seed 7 is already counted with 40 trials"):
            ledger.merge(make_results(run="again", trials=trials, detected=20), path)
    assert path.read_bytes() == before


def test_a_longer_run_of_a_seed_replaces_the_shorter(path):
    ledger.merge(make_results(), path)
    ledger.merge(make_results(run="longer", trials=100, detected=95, hours=2.5), path)
    assert [share.run for share in only_entry(path).shares] == ["longer"]
    assert (only_total(path).trials, only_total(path).hours) == (100, 2.5)


def test_a_refused_scenario_leaves_the_whole_run_out(path):
    ledger.merge(make_results(), path)
    before = path.read_bytes()
    fresh = make_results(scenario_hash="6" * 64).scenarios[0].model_copy(update={"id": "snr"})
    both = make_results().model_copy(update={"scenarios": [fresh, *make_results().scenarios]})
    with pytest.raises(BadInput, match="already counted"):
        ledger.merge(both, path)
    assert path.read_bytes() == before


def test_only_the_test_split_is_evidence(path):
    with pytest.raises(BadInput, match='"tune"; only "test" is evidence'):
        ledger.merge(make_results(split="tune"), path)
    assert not path.exists()


def test_one_build_has_one_threshold(path):
    ledger.merge(make_results(), path)
    with pytest.raises(BadInput, match="threshold"):
        ledger.merge(make_results(seed=8, threshold=5.0), path)


def test_origins_are_never_added_up(path):
    ledger.merge(make_results(), path)
    ledger.merge(make_results(origin="emulated"), path)
    assert [(e.origin, e.totals()[0].trials, e.current) for e in ledger.read(path).entries] == [
        ("emulated", 40, True),
        ("simulated", 40, True),
    ]


def test_a_new_build_makes_the_figures_of_the_old_one_history(path):
    ledger.merge(make_results(), path)
    ledger.merge(make_results(build_hash="c" * 64, detected=30), path)
    assert [(e.build_hash[0], e.current) for e in ledger.read(path).entries] == [("c", True), ("b", False)]


def test_bounds_of_the_sum_are_those_of_the_verdicts(path):
    for seed in (1, 2):
        ledger.merge(make_results(seed=seed, trials=40, detected=38, false_alarms=1, hours=36.0), path)
    total = only_total(path)
    # Nothing within the seeds speaks of correlation (40 effective of 40), so 80 count; ten clusters cap the bound.
    assert total.effective_trials == pytest.approx(80)
    assert total.detection_bounds.low == pytest.approx(min(proportion(76, 80).low, proportion(10, 10).low))
    assert total.false_alarms_per_day.high == pytest.approx(rate(2, 3.0).high)


def test_seeds_that_share_clusters_add_less_than_their_trials(path):
    # Each seed: 40 trials in 10 clusters worth 20, so deff 2 at 4 a cluster: rho = 1/3. Together 8 a cluster:
    # deff = 1 + 7/3.
    for seed in (1, 2):
        ledger.merge(make_results(seed=seed, effective_trials=20.0), path)
    assert only_total(path).effective_trials == pytest.approx(80 / (1 + 7 / 3))


def test_trials_all_alike_count_as_their_clusters_however_many_seeds(path):
    for seed in (1, 2, 3):
        ledger.merge(make_results(seed=seed, detected=40, effective_trials=10.0), path)
    total = only_total(path)
    assert total.effective_trials == 10
    assert total.detection_bounds.low == pytest.approx(proportion(10, 10).low)


@pytest.mark.parametrize(
    ("audio_hours", "expected"),
    [
        (None, 4.0),
        (2.0, 2.0),
        (4.0, 3.0),
        (1e9, 4.0),
    ],  # 4 h of audio, half of it heard twice: 4 (1 - 1/2 1/2) = 3
)
def test_distinct_hours_never_exceed_the_audio_there_is(path, audio_hours, expected):
    for seed in (1, 2):
        results = make_results(seed=seed, hours=2.0)
        scenario = results.scenarios[0].model_copy(update={"audio_hours": audio_hours})
        ledger.merge(results.model_copy(update={"scenarios": [scenario]}), path)
    assert only_total(path).hours == 4.0
    assert only_total(path).distinct_hours == pytest.approx(expected)


def test_audio_heard_twice_in_one_run_is_not_multiplied_by_more_runs(path):
    for seed in (1, 2):
        results = make_results(seed=seed, hours=10.0)
        row = results.scenarios[0].results[0]
        heard = row.false_alarms.model_copy(
            update={"distinct_hours": 3.0, "count": 4, "count_squared": 4.0, "most": 1}
        )
        row = row.model_copy(update={"false_alarms": heard})
        scenario = results.scenarios[0].model_copy(update={"results": [row]})
        ledger.merge(results.model_copy(update={"scenarios": [scenario]}), path)
    total = only_total(path)
    assert (total.hours, total.distinct_hours) == (20.0, 3.0)
    # 8 alarms in 20 h heard are 1.2 in 3 h of different audio.
    assert total.false_alarms_per_day.high == pytest.approx(rate(1.2, 3 / 24).high)


@pytest.mark.parametrize("kept", [{"count_squared": 16.0, "most": 4}, {"count_squared": None, "most": None}])
def test_alarms_of_one_trial_are_one_event_and_so_are_those_of_which_it_was_not_kept(path, kept):
    results = make_results(false_alarms=4, hours=48.0)
    (row,) = results.scenarios[0].results
    row = row.model_copy(update={"false_alarms": row.false_alarms.model_copy(update=kept)})
    scenario = results.scenarios[0].model_copy(update={"results": [row]})
    ledger.merge(results.model_copy(update={"scenarios": [scenario]}), path)
    found = only_total(path).false_alarms_per_day
    # One event of weight 4 in two days: four times the bounds of one event.
    assert (found.low, found.high) == pytest.approx(
        tuple(4 * getattr(rate(1, 2.0), s) for s in ("low", "high"))
    )


def test_a_run_that_is_counted_already_may_say_more_of_what_it_heard(path):
    less = make_results(false_alarms=4, hours=48.0)
    (row,) = less.scenarios[0].results
    row = row.model_copy(
        update={"false_alarms": row.false_alarms.model_copy(update={"count_squared": None, "most": None})}
    )
    scenario = less.scenarios[0].model_copy(update={"results": [row]})
    ledger.merge(less.model_copy(update={"scenarios": [scenario]}), path)
    ledger.merge(make_results(false_alarms=4, hours=48.0), path)
    assert only_total(path).false_alarms_per_day == rate(4, 2.0)
    with pytest.raises(ledger.AlreadyCounted):
        ledger.merge(less, path)


def test_a_build_that_is_again_what_it_was_is_current_again(path):
    ledger.merge(make_results(), path)
    ledger.merge(make_results(build_hash="c" * 64), path)
    ledger.merge(make_results(), path)
    assert {e.build_hash[0]: e.current for e in ledger.read(path).entries} == {"b": True, "c": False}
    assert ledger.check(path.parent, {"reference": BUILD}, {"distance": SCENARIO}) == []
    with pytest.raises(ledger.AlreadyCounted):
        ledger.merge(make_results(), path)


def of_cell(distance_m: float, trials: int):
    results = make_results(trials=trials, detected=trials - 2)
    (row,) = results.scenarios[0].results
    row = row.model_copy(update={"cell": {"distance_m": distance_m}})
    scenario = results.scenarios[0].model_copy(update={"results": [row]})
    return results.model_copy(update={"scenarios": [scenario]})


def test_cells_of_one_seed_that_came_in_several_runs_count_each_once(path):
    for distance_m, trials in ((3.0, 40), (9.0, 41), (3.0, 50)):
        ledger.merge(of_cell(distance_m, trials), path)
    assert {c.cell["distance_m"]: c.trials for c in only_entry(path).totals()} == {3.0: 50, 9.0: 41}
    (share,) = only_entry(path).shares
    assert share.trials == 81  # what is known of it: 40 and 41, ten of the 50 being new
    for fewer in ((3.0, 49), (9.0, 41)):
        with pytest.raises(ledger.AlreadyCounted):
            ledger.merge(of_cell(*fewer), path)


def test_published_figures_that_agree_are_accepted(path):
    ledger.merge(make_results(), path)
    assert ledger.check(path.parent, {"reference": BUILD}, {"distance": SCENARIO}) == []


@pytest.mark.parametrize(
    ("builds", "scenarios", "message"),
    [
        (
            {"reference": "c" * 64},
            {"distance": SCENARIO},
            "published for build reference bbbbbbbbbbbb, which is ccccc",
        ),
        (
            {"reference": BUILD},
            {"distance": "6" * 64},
            "published for scenario distance 555555555555, which is 66666",
        ),
        ({}, {"distance": SCENARIO}, "build reference is gone"),
        ({"reference": BUILD}, {}, "scenario distance is gone"),
    ],
)
def test_published_figures_of_something_else_are_named(path, builds, scenarios, message):
    ledger.merge(make_results(), path)
    (wrong,) = ledger.check(path.parent, builds, scenarios)
    assert wrong.startswith("second_screen.json: distance: ")
    assert message in wrong


def test_figures_that_are_history_need_not_agree(path):
    ledger.merge(make_results(), path)
    ledger.merge(make_results(build_hash="c" * 64), path)
    assert ledger.check(path.parent, {"reference": "c" * 64}, {"distance": SCENARIO}) == []


def test_a_newer_or_broken_ledger_is_refused_and_kept(path):
    ledger.merge(make_results(), path)
    document = json.loads(path.read_text())
    for text, message in (
        (json.dumps({**document, "format": "earshot-ledger/2"}), "newer than this release"),
        (path.read_text()[:500], "truncated or malformed"),
        (json.dumps({**document, "format": "earshot-results/1"}), "earshot-ledger/1"),
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match=message):
            ledger.merge(make_results(seed=8), path)
        assert path.read_text() == text


def test_verdicts_of_two_rooms_are_never_pooled(path):
    for room in ("lab_1", "lab_2"):
        results = make_results(origin="measured")
        (scenario,) = results.scenarios
        scoped = scenario.model_copy(update={"scope": f"room {room} only"})
        ledger.merge(results.model_copy(update={"scenarios": [scoped]}), path)
    entries = ledger.read(path).entries
    assert sorted(entry.scope for entry in entries) == ["room lab_1 only", "room lab_2 only"]
    assert all(entry.current for entry in entries)


def test_detectors_of_one_build_are_counted_apart_and_stay_when_another_joins(path):
    ledger.merge(make_results(build_hash=BUILD), path)
    ledger.merge(_of_two({"watermark": BUILD, "presence": "d" * 64}, seed=8), path)
    entries = {entry.build_hash: entry for entry in ledger.read(path).entries}
    assert {digest: (set(e.detectors), e.current) for digest, e in entries.items()} == {
        BUILD: ({"watermark"}, True),
        "d" * 64: ({"presence"}, True),
    }
    assert entries[BUILD].seeds == "7-8"
    parts = {"reference": {"watermark": BUILD, "presence": "d" * 64}}
    assert ledger.check(path.parent, parts, {"distance": entries[BUILD].scenario_hash}) == []
    parts["reference"]["presence"] = "e" * 64
    (wrong,) = ledger.check(path.parent, parts, {"distance": entries[BUILD].scenario_hash})
    assert "dddddddddddd" in wrong


def test_a_detector_that_changed_is_counted_anew_beside_one_that_did_not(path):
    first, second = {"watermark": BUILD, "presence": "d" * 64}, {"watermark": BUILD, "presence": "e" * 64}
    ledger.merge(_of_two(first), path)
    ledger.merge(_of_two(second), path)
    entries = {entry.build_hash: (entry.current, entry.seeds) for entry in ledger.read(path).entries}
    assert entries == {BUILD: (True, "7"), "d" * 64: (False, "7"), "e" * 64: (True, "7")}
    with pytest.raises(ledger.AlreadyCounted):
        ledger.merge(_of_two(second), path)


def _of_two(detectors, seed=7):
    """Results of a build of two detectors, with the hash of each."""
    results = make_results(build_hash="9" * 64, seed=seed)
    (scenario,) = results.scenarios
    other = scenario.results[0].model_copy(update={"detector": "presence"})
    build = results.environment.build.model_copy(update={"detectors": detectors})
    return results.model_copy(
        update={
            "scenarios": [scenario.model_copy(update={"results": [*scenario.results, other]})],
            "environment": results.environment.model_copy(update={"build": build}),
        }
    )


def test_a_share_says_when_and_by_which_code_its_trials_were_made(path):
    ledger.merge(make_results(), path, {"distance": [MADE], "another": [MADE]})
    (share,) = only_entry(path).shares
    assert share.provenance == [MADE] and share.last == "2026-11-20"
    later = MADE.model_copy(update={"commit": "d" * 40, "last": "2026-11-23", "trials": 60})
    ledger.merge(make_results(run="longer", trials=100, detected=95), path, {"distance": [MADE, later]})
    (share,) = only_entry(path).shares
    assert [one.trials for one in share.provenance] == [40, 60]
    assert (only_entry(path).first, only_entry(path).last) == ("2026-11-20", "2026-11-23")


def test_a_share_of_which_it_was_not_kept_is_written_as_before(path):
    ledger.merge(make_results(), path)
    (share,) = json.loads(path.read_text())["entries"][0]["shares"]
    assert "provenance" not in share
    assert only_entry(path).shares[0].provenance == []


@pytest.mark.parametrize(("distance_m", "trials"), [(6.0, 80), (3.0, 40)])
def test_of_rows_of_two_runs_both_tell_how_they_were_made(path, distance_m, trials):
    """Other cells add up; of the same cells each made at least so many."""
    ledger.merge(make_results(hours=2.0), path, {"distance": [MADE]})
    results = make_results(hours=3.0)
    (scenario,) = results.scenarios
    more = scenario.results[0].model_copy(update={"cell": {"distance_m": distance_m}})
    other = more.model_copy(update={"label": "another"})
    fewer = more.model_copy(update={"detection": more.detection.model_copy(update={"trials": 30})})
    rows = [more] if distance_m == 6.0 else [fewer, other]
    results = results.model_copy(update={"scenarios": [scenario.model_copy(update={"results": rows})]})
    ledger.merge(results, path, {"distance": [MADE]})
    (share,) = only_entry(path).shares
    assert len(share.rows) == 2
    assert [one.trials for one in share.provenance] == [trials]


def test_trials_that_came_between_two_looks_at_a_store_are_left_out(path):
    later = MADE.model_copy(update={"commit": "d" * 40, "last": "2026-11-23", "trials": 3})
    assert [(one.commit[0], one.trials) for one in at_most([MADE, later], 41)] == [("c", 40), ("d", 1)]
    ledger.merge(make_results(), path, {"distance": [later, MADE]})
    assert only_entry(path).shares[0].provenance == [MADE]
    assert at_most([MADE, later], 50) == [MADE, later]


def test_batches_of_the_same_code_and_machine_add_up():
    changed = dataclasses.replace(BATCH, commit="c" * 40 + "+changes")
    late = dataclasses.replace(BATCH, ended="2026-11-22T00:10:00+00:00")
    found = of_batches([(None, 5), (BATCH, 2), (changed, 1), (late, 3)])
    assert [(one.commit, one.trials, one.first, one.last) for one in found] == [
        ("c" * 40 + "+changes", 1, "2026-11-20", "2026-11-20"),
        ("c" * 40, 5, "2026-11-20", "2026-11-22"),
    ]
