import pytest

from detectors.build import load_build
from lab.errors import BadInput
from lab.runs.environment import environment_of
from lab.runs.options import RunOptions
from lab.runs.resumed import check_same
from lab.runs.rig_identity import FILE_NAME, add_identity, identities, wires
from lab.runs.run import _run_record
from lab.store.results import RigIdentity
from lab.store.store import Store
from rigs.rig_file import load_rig


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


def test_loudspeakers_and_microphones_are_named_with_their_serial_numbers():
    rig = load_rig("example_hardware")
    found = wires(rig.model_copy(update=inputs(rig, serial_number="M-12")))
    assert [(one.name, one.does, one.serial_number) for one in found] == [
        ("loudspeaker", "media", ""),
        ("noise loudspeakers", "noise", ""),
        ("reference microphone", "microphone 1", "M-12"),
    ]


def test_a_bench_that_was_changed_in_between_is_told_beside_the_first(tmp_path):
    add_identity(tmp_path, bench())
    assert add_identity(tmp_path, bench("b" * 64)) is True
    assert [one.hash[0] for one in identities(tmp_path)] == ["a", "b"]


def test_results_hold_the_benches_of_a_run(tmp_path, build):
    add_identity(tmp_path, bench())
    assert environment_of(load_build(build), [], identities(tmp_path)).rigs == [bench()]
    assert environment_of(load_build(build), []).rigs == []


@pytest.fixture
def resumed(tmp_path, build):
    """`resumed(before, now)`: go on with a run that was begun on another rig file of the bench."""

    def _resumed(before, now):
        built = load_build(build)
        first, second = (RunOptions(tmp_path / "run", rig=rig, resume=True) for rig in (before, now))
        with Store.open(tmp_path / "run") as store:
            store.begin_run(_run_record([], built, 1, first))
            check_same(store, _run_record([], built, 1, second), second)

    return _resumed


def stage(rig, **changes):
    return {"stage": rig.stage.model_copy(update=changes)}


def inputs(rig, **changes):
    first, *others = rig.audio.inputs
    audio = rig.audio.model_copy(update={"inputs": (first.model_copy(update=changes), *others)})
    return {"audio": audio}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda rig: {"room": "lab_2"}, 'room of the rig file: it was "lab_1", now "lab_2"'),
        (lambda rig: stage(rig, distance_at_zero_m=0.7), "stage of the rig file: it was .*0.6.* now .*0.7"),
        (lambda rig: {"stage": None}, "stage of the rig file: .* now null"),
        (lambda rig: inputs(rig, microphone=2), "inputs of the rig file: .* now "),
    ],
)
def test_a_run_does_not_go_on_in_another_room_or_at_other_places(resumed, changed, said):
    rig = load_rig("example_hardware")
    with pytest.raises(BadInput, match=f"--resume: the run there differs in {said}.*; name another folder"):
        resumed(rig, rig.model_copy(update=changed(rig)))


def test_a_run_goes_on_after_a_calibration(resumed):
    rig = load_rig("example_hardware")
    resumed(rig, rig.model_copy(update={"calibrations": (), **inputs(rig, full_scale_db_spl=118.4)}))
    resumed(rig, rig.model_copy(update=stage(rig, feed_mm_min=3000.0)))


def test_a_run_goes_on_with_another_microphone_at_the_same_place(resumed):
    rig = load_rig("example_hardware")
    resumed(rig, rig.model_copy(update=inputs(rig, serial_number="M-13", full_scale_db_spl=118.4)))


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FILE_NAME).write_text("[{]")
    with pytest.raises(BadInput, match=r"rig.json: not the benches of a run"):
        identities(tmp_path)
