import dataclasses
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from lab.errors import BadInput, LabFailure
from lab.store.records import RunState, TrialStatus
from lab.store.store import Store
from tests.store.samples import BATCH, RUN, SCENARIO, make_trial


def stored(store, run=RUN, scenario=SCENARIO):
    return list(store.trials(run.id, scenario.id))


def assert_same_tracks(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.detector, a.label, a.stage, a.start_s, a.hop_s) == (
            b.detector,
            b.label,
            b.stage,
            b.start_s,
            b.hop_s,
        )
        assert a.scores.dtype == np.float32
        np.testing.assert_array_equal(a.scores, b.scores)


def test_a_trial_comes_back_as_it_was_stored(store):
    trial = make_trial(0)
    store.add_trials(RUN.id, [trial])
    (found,) = stored(store)
    skipped = {"tracks", "track_place", "truth"}  # truth holds nan scores, compared below
    for field in dataclasses.fields(trial):
        if field.name not in skipped:
            assert getattr(found, field.name) == getattr(trial, field.name), field.name
    assert [(e.onset_s, e.offset_s, e.label) for e in found.truth] == [(2.5, 4.55, "watermark")]
    assert np.isnan(found.truth[0].score)
    assert_same_tracks(store.tracks(found), trial.tracks)


def test_score_tracks_keep_every_bit_including_nan_and_inf(store):
    scores = np.array([np.nan, np.inf, -np.inf, np.float32(1e-45), -0.0], dtype=np.float32)
    trial = make_trial(0)
    trial = dataclasses.replace(trial, tracks=(dataclasses.replace(trial.tracks[0], scores=scores),))
    store.add_trials(RUN.id, [trial])
    (found,) = stored(store)
    assert store.tracks(found)[0].scores.tobytes() == scores.tobytes()


def test_trials_with_and_without_tracks_share_a_batch(store):
    bare = dataclasses.replace(make_trial(1), tracks=())
    empty = dataclasses.replace(
        make_trial(2), tracks=(dataclasses.replace(make_trial(2).tracks[0], scores=np.empty(0, np.float32)),)
    )
    batch = [make_trial(0), bare, empty, make_trial(3, hops=10)]
    store.add_trials(RUN.id, batch)
    for trial, found in zip(batch, stored(store), strict=True):
        assert_same_tracks(store.tracks(found), trial.tracks)


def test_a_batch_is_one_parquet_file(store):
    store.add_trials(RUN.id, [make_trial(index) for index in range(5)])
    store.add_trials(RUN.id, [make_trial(index) for index in range(5, 7)])
    assert len(list((store.directory / "tracks").iterdir())) == 2


def test_a_batch_tells_when_and_with_what_its_trials_were_made(store):
    later = dataclasses.replace(BATCH, commit="d" * 40 + "+changes", began="2026-11-21T00:00:00+00:00")
    store.add_trials(RUN.id, [make_trial(0)])
    store.add_trials(RUN.id, [make_trial(index) for index in range(3)], BATCH)
    store.add_trials(RUN.id, [make_trial(index) for index in range(3)], later)  # nothing new: nothing to tell
    store.add_trials(RUN.id, [make_trial(0, distance_m=6.0)], later)
    assert store.batches(RUN.id, SCENARIO.id, SCENARIO.hash) == [(None, 1), (BATCH, 2), (later, 1)]
    assert store.batches(RUN.id, SCENARIO.id, "0" * 64) == []


def test_an_hour_of_scores_reads_back_alone(store):
    hour = make_trial(0, hops=3600 * 125)
    store.add_trials(RUN.id, [hour, make_trial(1)])
    long, short = stored(store)
    assert_same_tracks(store.tracks(long), hour.tracks)
    assert_same_tracks(store.tracks(short), make_trial(1).tracks)


def test_invalid_trials_keep_their_reason_and_count_as_finished(store):
    store.add_trials(RUN.id, [make_trial(0, invalid="lost block 17"), make_trial(1)])
    first, second = stored(store)
    assert (first.status, first.invalid) == (TrialStatus.INVALID, "lost block 17")
    assert (second.status, second.invalid) == (TrialStatus.OK, None)
    assert store.finished(RUN.id, SCENARIO.id, SCENARIO.hash) == {
        ("distance_m=3.0", 0),
        ("distance_m=3.0", 1),
    }


def test_order_of_reading_does_not_depend_on_order_of_writing(store):
    for index in (2, 0, 1):
        store.add_trials(RUN.id, [make_trial(index, distance_m=3.0), make_trial(index, distance_m=1.0)])
    assert [(t.cell_key, t.index) for t in stored(store)] == [
        (cell, index) for cell in ("distance_m=1.0", "distance_m=3.0") for index in range(3)
    ]


def test_a_trial_stored_before_is_left_as_it_is(store):
    store.add_trials(RUN.id, [make_trial(0), make_trial(1)])
    later = dataclasses.replace(make_trial(1), wall_s=99.0)
    assert store.add_trials(RUN.id, [later, make_trial(2), make_trial(2)]) == 1
    assert [t.index for t in stored(store)] == [0, 1, 2]
    assert stored(store)[1].wall_s == 0.05
    assert store.add_trials(RUN.id, [later]) == 0


def test_a_trial_that_changed_refuses_the_whole_batch(store):
    store.add_trials(RUN.id, [make_trial(0)])
    changed = dataclasses.replace(make_trial(0), capture_sha256="0" * 64)
    with pytest.raises(LabFailure, match=r"trial 0 of distance \[distance_m=3.0\].*not reproducible"):
        store.add_trials(RUN.id, [make_trial(1), changed])
    assert [t.index for t in stored(store)] == [0]


def test_a_trial_of_an_unknown_scenario_is_refused(store):
    with pytest.raises(LabFailure, match="was not added"):
        store.add_trials(RUN.id, [dataclasses.replace(make_trial(0), scenario_hash="6" * 64)])


def test_a_changed_scenario_starts_from_nothing(store):
    store.add_trials(RUN.id, [make_trial(0)])
    changed = dataclasses.replace(SCENARIO, hash="6" * 64)
    store.add_scenario(RUN.id, changed)
    store.add_scenario(RUN.id, SCENARIO)  # again: nothing happens
    assert store.finished(RUN.id, SCENARIO.id, changed.hash) == set()
    with pytest.raises(BadInput, match="changed during the run"):
        stored(store)
    assert len(list(store.trials(RUN.id, SCENARIO.id, SCENARIO.hash))) == 1
    assert [s.hash for s in store.scenarios(RUN.id)] == [SCENARIO.hash, changed.hash]
    assert store.scenarios(RUN.id)[0] == SCENARIO


def test_a_run_resumes_only_with_its_seed_and_build(store):
    store.set_state(RUN.id, RunState.INTERRUPTED)
    store.begin_run(dataclasses.replace(RUN, started="2026-11-21T00:00:00+00:00"))
    assert store.runs() == [RUN]
    for key, value in (("seed", 8), ("build_hash", "c" * 64)):
        with pytest.raises(BadInput, match=f"{key} is .* there and .* now"):
            store.begin_run(dataclasses.replace(RUN, **{key: value}))


def test_a_second_writer_is_refused_and_a_reader_is_not(store):
    with pytest.raises(LabFailure, match="open for writing"):
        Store.open(store.directory)
    store.add_trials(RUN.id, [make_trial(0)])
    with Store.read(store.directory) as reader:
        (found,) = stored(reader)
        store.add_trials(RUN.id, [make_trial(1)])
        assert_same_tracks(reader.tracks(found), make_trial(0).tracks)
        assert len(stored(reader)) == 2


def test_opening_removes_only_track_files_that_no_trial_names(store):
    store.add_trials(RUN.id, [make_trial(0)])
    folder = store.directory / "tracks"
    (named,) = folder.iterdir()
    (folder / "0123.parquet").write_bytes(b"orphan")
    (folder / "4567.parquet.partial").write_bytes(b"half")
    (folder / "notes.txt").write_text("not ours")
    store.close()
    with Store.read(store.directory):  # a reader may meet a writer half-way, so it removes nothing
        assert len(list(folder.iterdir())) == 4
    with Store.open(store.directory):
        assert sorted(p.name for p in folder.iterdir()) == sorted([named.name, "notes.txt"])


def test_missing_and_broken_track_files_are_named(store):
    store.add_trials(RUN.id, [make_trial(0)])
    (found,) = stored(store)
    (path,) = (store.directory / "tracks").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(LabFailure, match=str(path)):
        store.tracks(found)
    path.unlink()
    with pytest.raises(LabFailure, match=f"{path}.*missing"):
        store.tracks(found)


def test_folders_that_share_a_database_keep_their_runs_apart(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    for name, trials in (("a", 1), ("b", 2)):
        with Store.open(tmp_path / name, url) as store:
            assert store.runs() == []
            store.begin_run(RUN)
            store.add_scenario(RUN.id, SCENARIO)
            store.add_trials(RUN.id, [make_trial(index) for index in range(trials)])
    for name, trials in (("a", 1), ("b", 2)):
        with Store.open(tmp_path / name, url) as store:
            assert store.runs() == [RUN]
            assert store.scenarios(RUN.id) == [SCENARIO]
            assert len(store.finished(RUN.id, SCENARIO.id, SCENARIO.hash)) == trials
            for trial in stored(store):
                assert_same_tracks(store.tracks(trial), make_trial(trial.index).tracks)


def test_a_store_may_be_moved(store, tmp_path):
    store.add_trials(RUN.id, [make_trial(0)])
    store.close()
    moved = store.directory.rename(tmp_path / "elsewhere")
    with Store.read(moved) as reader:
        assert reader.runs() == [RUN]
        assert_same_tracks(reader.tracks(stored(reader)[0]), make_trial(0).tracks)


def test_a_closed_store_is_whole_without_its_log_even_while_someone_looks(store, tmp_path):
    with closing(sqlite3.connect(f"file:{store.directory}/lab.sqlite?mode=ro", uri=True)) as idle:
        idle.execute("SELECT count(*) FROM trials").fetchall()
        store.add_trials(RUN.id, [make_trial(0)])
        store.close()
        copy = tmp_path / "copy.sqlite"
        copy.write_bytes((store.directory / "lab.sqlite").read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (1,)


def test_a_scenario_of_a_run_that_was_not_begun_is_refused(store):
    with pytest.raises(LabFailure, match="run other was not begun"):
        store.add_scenario("other", SCENARIO)


def test_a_trial_that_is_withdrawn_leaves_what_it_had_found(store):
    store.add_trials(RUN.id, [make_trial(0), make_trial(1, invalid="lost block")])
    store.withdraw_trial(RUN.id, make_trial(0), "cable was loose", "2026-11-20T09:00:00+00:00")
    store.withdraw_trial(RUN.id, make_trial(1, invalid="lost block"), "again", "2026-11-20T09:01:00+00:00")
    assert list(store.trials(RUN.id, SCENARIO.id)) == []
    first, second = store.withdrawn(RUN.id, SCENARIO.id, SCENARIO.hash)
    assert (first.cell_key, first.index, first.why, first.invalid) == (
        "distance_m=3.0", 0, "cable was loose", None
    )  # fmt: skip
    assert first.outcomes == make_trial(0).outcomes
    assert (second.index, second.invalid) == (1, "lost block")
    assert store.add_trials(RUN.id, [make_trial(0)]) == 1


def test_what_is_known_of_a_run_can_be_brought_up_to_date(store):
    store.set_environment(RUN.id, {"looks": {"distance": [6, 12]}})
    assert [run.environment for run in store.runs()] == [{"looks": {"distance": [6, 12]}}]
