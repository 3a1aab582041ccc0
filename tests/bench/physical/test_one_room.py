"""What the verdicts of a bench speak of: a physical one is one room, an emulated one draws rooms as a simulation does."""

from types import SimpleNamespace

import pytest

from lab.bench.physical.execute import HearingClock, Take
from lab.bench.physical.findings import facts_of
from lab.runs.options import RunOptions
from rigs.audio import Alignment


@pytest.fixture
def clusters_on(trial_of, rig_of, tmp_path):
    def _clusters(bench, **changes):
        plan = SimpleNamespace(trial=trial_of())
        stream = SimpleNamespace(truth=(), segments=(), measured={}, cluster="clip-7")
        playback = SimpleNamespace(media={"tv": stream}, noises_db_spl={})
        take = Take(tmp_path, 48_000, Alignment(1024.0, 0.0, 20.0), HearingClock(48_000), 0, 1, None)
        return facts_of(plan, rig_of(bench, **changes), playback, take, {}, [], None).clusters

    return _clusters


def test_trials_on_a_physical_bench_differ_in_what_is_played(clusters_on):
    assert clusters_on("loopback", kind="physical", room="lab_1") == {"recording": "clip-7"}


def test_trials_on_the_emulated_bench_share_the_rooms_of_its_twin(clusters_on):
    assert clusters_on("emulated") == {"recording": "clip-7", "room": "twin-0"}


def test_only_a_physical_bench_narrows_what_its_verdicts_speak_of(rig_of, tmp_path):
    table = rig_of("loopback", kind="physical", room="lab_1")
    assert RunOptions(out=tmp_path, rig=table).scope == "room lab_1 only"
    assert RunOptions(out=tmp_path, rig=rig_of("emulated")).scope is None
    assert RunOptions(out=tmp_path).scope is None
