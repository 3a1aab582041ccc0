"""What the store keeps when the writer is killed or the disk fills."""

import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lab.errors import LabFailure
from lab.store.results import write
from lab.store.store import Store
from tests.store.endless_writer import BATCH
from tests.store.samples import BATCH as MADE
from tests.store.samples import RUN, SCENARIO, make_trial

ROOT = Path(__file__).parents[2]


def start_writer(directory, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("EARSHOT_STORE", None)
    command = [sys.executable, "-m", "tests.store.endless_writer", str(directory)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def assert_whole(directory, at_least):
    """All reported batches are there, whole, every track readable, no file left over."""
    with Store.open(directory) as store:
        trials = list(store.trials(RUN.id, SCENARIO.id))
        assert [trial.index for trial in trials] == list(range(len(trials)))
        assert len(trials) >= at_least
        assert len(trials) % BATCH == 0
        for trial in trials:
            for found, expected in zip(store.tracks(trial), make_trial(trial.index).tracks, strict=True):
                np.testing.assert_array_equal(found.scores, expected.scores)
        batches = store.batches(RUN.id, SCENARIO.id, SCENARIO.hash)
        assert batches == [(MADE, BATCH)] * (len(trials) // BATCH)
        named = {trial.track_place.file for trial in trials}
        assert {path.name for path in (store.directory / "tracks").iterdir()} == named
        return len(trials)


def test_a_writer_killed_at_any_instant_loses_no_stored_trial(tmp_path):
    rng = random.Random(20261120)
    stored = 0
    for _ in range(5):
        writer = start_writer(tmp_path / "out")
        assert writer.stdout.readline() == "ready\n"
        writer.stdout.readline()  # the first batch is in: from here on batches follow every few milliseconds
        time.sleep(rng.uniform(0.0, 0.2))
        writer.kill()
        reported = [int(line) for line in writer.stdout.read().split()]
        writer.communicate()
        stored = assert_whole(tmp_path / "out", max([stored, *reported]))
    assert stored > 5 * BATCH


@pytest.mark.parametrize("instant", ["before the file is named", "before the rows are committed"])
def test_a_crash_between_file_and_rows_leaves_no_orphan(store, monkeypatch, instant):
    """Random kills rarely hit these two."""
    store.add_trials(RUN.id, [make_trial(0)])
    with monkeypatch.context() as patch:
        if instant == "before the file is named":
            patch.setattr("pathlib.Path.replace", lambda *_: os._exit(9))
        else:
            patch.setattr("lab.store.store.trial_row", lambda *_: os._exit(9))
        child = os.fork()
        if child == 0:
            store.add_trials(RUN.id, [make_trial(1)])
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = list((store.directory / "tracks").iterdir())
    assert len(left) == 2
    store.close()
    with Store.open(store.directory) as opened:
        (trial,) = opened.trials(RUN.id, SCENARIO.id)
        assert [path.name for path in (store.directory / "tracks").iterdir()] == [trial.track_place.file]


def test_a_second_process_may_not_write_until_the_first_is_dead(tmp_path):
    first = start_writer(tmp_path / "out")
    assert first.stdout.readline() == "ready\n"
    try:
        second = start_writer(tmp_path / "out")
        _, message = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "another process writes to this store" in message
        with pytest.raises(LabFailure, match="another process"):
            Store.open(tmp_path / "out")
    finally:
        first.kill()
        first.communicate()
    Store.open(tmp_path / "out").close()


def fill_until_refused(directory, **options):
    writer = start_writer(directory, **options)
    output, message = writer.communicate(timeout=60)
    assert writer.returncode == 1
    assert message.startswith("LabFailure: ")
    assert len(message.splitlines()) == 1
    return max([0, *(int(line) for line in output.split()[1:])]), message


def test_a_file_that_may_not_grow_ends_in_one_message_and_keeps_what_was_stored(tmp_path):
    limit = 150_000  # bytes a file: the database hits it after some batches

    def forbid_growth():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    stored, message = fill_until_refused(tmp_path / "out", preexec_fn=forbid_growth)
    assert stored > 0
    assert "disk I/O error" in message or "no space left" in message
    assert "everything stored before is kept" in message
    assert assert_whole(tmp_path / "out", stored) == stored


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB, which only root may make."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_in_one_message_and_the_run_goes_on_when_there_is_space(small_disk, tmp_path):
    stored, message = fill_until_refused(small_disk / "out")
    assert stored > 0
    assert "no space left" in message
    assert "--resume" in message
    # A second attempt harms nothing either.
    with pytest.raises(LabFailure, match="no space left"), Store.open(small_disk / "out") as store:
        store.add_trials(RUN.id, [make_trial(index, hops=200_000) for index in range(stored, stored + 2)])
    shutil.copytree(small_disk / "out", tmp_path / "roomy")
    assert assert_whole(tmp_path / "roomy", stored) >= stored
    with Store.open(tmp_path / "roomy") as store:
        assert store.add_trials(RUN.id, [make_trial(9999)]) == 1


def test_results_that_do_not_fit_leave_the_old_ones(small_disk, example_results):
    path = small_disk / "results.json"
    write(example_results, path)
    old = path.read_text()
    (small_disk / "ballast").write_bytes(b"x" * (900_000))
    big = example_results.model_copy(update={"scenarios": example_results.scenarios * 2000})
    with pytest.raises(LabFailure, match=r"results.json: cannot write: No space left"):
        write(big, path)
    assert path.read_text() == old
    assert {p.name for p in small_disk.iterdir()} == {"results.json", "ballast"}
