import pytest

from lab.errors import BadInput
from lab.runs.environment import environment
from lab.runs.rig_identity import FILE_NAME, add_identity, identities
from lab.store.results import RigIdentity


def bench(hash="a" * 64):
    return RigIdentity(
        id="bench",
        title="A bench",
        kind="physical",
        room="lab_1",
        hash=hash,
        sound="USB Audio (ALSA, 2 out, 2 in)",
        instruments=[],
        device=None,
        calibrations=[],
    )


def test_a_run_keeps_the_bench_it_was_made_on(tmp_path):
    assert list(identities(tmp_path)) == []
    assert add_identity(tmp_path, bench()) is False
    assert add_identity(tmp_path, bench()) is False  # resumed on the same bench
    assert list(identities(tmp_path)) == [bench()]


def test_a_bench_that_was_changed_in_between_is_told_beside_the_first(tmp_path):
    add_identity(tmp_path, bench())
    assert add_identity(tmp_path, bench("b" * 64)) is True
    assert [one.hash[0] for one in identities(tmp_path)] == ["a", "b"]


def test_results_hold_the_benches_of_a_run(tmp_path, build):
    from detectors.build import load_build

    add_identity(tmp_path, bench())
    assert environment(load_build(build), identities(tmp_path)).rigs == [bench()]
    assert environment(load_build(build)).rigs == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FILE_NAME).write_text("[{]")
    with pytest.raises(BadInput, match=r"rig.json: not the benches of a run"):
        identities(tmp_path)
