"""What a bench that plays the device's own tone is asked to do, and what it cannot; strokes of its stage."""

from pathlib import Path

import pytest

from detectors.interface import AUDIBLE, PLAYBACK, ULTRASONIC, StreamNeed
from lab.bench.physical.plan import Refused, Stroke, plan_trial
from lab.bench.physical.strokes import Strokes
from lab.scenario.load import load_scenario
from tests.bench.physical.rail import plate

NEEDS = {ULTRASONIC: StreamNeed((96_000, 192_000)), PLAYBACK: StreamNeed((16_000,), 1)}
STAGES = [Path("scenarios/presence") / name for name in ("stage.toml", "stage_body.toml")]
RAIL = plate(duration_s=20.0, distance_m=1.5, end_m=1.0, more="strokes = 2\npause_s = 3.0\n")
WALKER = '[[movers]]\nkind = "walker"\nname = "person"\nroute = "radial"\ndistance_m = 1.5\n'
MUSIC = '[[sources]]\nkind = "playback"\nname = "music"\nlevel_db_spl = 60.0\n'


@pytest.fixture
def trial(tmp_path):
    def _trial(*changes, extra=""):
        text = RAIL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "rail.toml"
        path.write_text(text + extra)
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], 0, 1)

    return _trial


def problems(trial, rig, needs=NEEDS):
    with pytest.raises(Refused) as caught:
        plan_trial(trial, rig, needs)
    return caught.value.problems


def test_the_stage_waits_where_the_target_stands_and_starts_while_the_trial_runs(trial, rig_of):
    plan = plan_trial(trial(), rig_of("ultrasonic"), NEEDS)
    assert plan.steps() == (
        "move the stage to 550 mm (1.50 m)",
        "switch on amplifier",
        "play on device loudspeaker what the build commands",
        "at 12 s start for 1.00 m at 0.40 m/s",
        "at 16.65 s start for 1.50 m at 0.40 m/s",
        "record 20 s",
    )
    assert (plan.channels, plan.target.name, plan.notes) == (4, "plate", ())


@pytest.mark.parametrize("path", STAGES)
def test_the_shipped_scenarios_fit_the_shipped_bench_in_every_trial(rig_of, path):
    scenario = load_scenario(path)
    for index in range(20):
        trial = scenario.draw(scenario.cells()[0], index, 1)
        assert plan_trial(trial, rig_of("ultrasonic"), NEEDS).strokes[0].distance_m == 1.0


@pytest.mark.parametrize(
    ("changes", "extra", "said"),
    [
        (
            [("end_m = 1.0", "end_m = 0.8")],
            "",
            "movers.plate.end_m = 0.8 is out of the stage's travel, 0.95 to 1.55 m",
        ),
        (
            [("pause_s = 3.0", "pause_s = 0.2")],
            "",
            "movers.plate.pause_s = 0.2: a bench takes at least 0.5 s between strokes",
        ),
        ([], WALKER, "movers.person: nothing here moves like kind = 'walker'"),
        ([], MUSIC, "sources.music: this bench plays the device's own tone and nothing else"),
        (
            [("ultrasonic_speaker", "ultrasonic_speaker_two")],
            "",
            "the bench records microphone 4, device ultrasonic_speaker_two has 2",
        ),
    ],
)
def test_what_it_cannot_do_is_said(trial, rig_of, changes, extra, said):
    assert said in problems(trial(*changes, extra=extra), rig_of("ultrasonic"))


def test_a_stage_that_is_too_slow_or_carries_something_else_is_refused(trial, rig_of):
    rig = rig_of("ultrasonic")
    slow = rig.model_copy(
        update={
            "instruments": tuple(
                one.model_copy(update={"profile": "grbl_rail_3m"}) if one.name == "rail" else one
                for one in rig.instruments
            )
        }
    )
    assert problems(trial(), slow) == ("movers.plate.speed_m_s = 0.4: rail goes at 0.333333 m/s at most",)
    without = rig.model_copy(update={"stage": None})
    assert problems(trial(), without) == (
        'movers.plate: no stage here carries a target; [stage] with carries = "target" is needed',
    )


def test_builds_and_benches_that_do_not_fit_each_other_are_told(trial, rig_of):
    audible = {AUDIBLE: StreamNeed((16_000,), 1)}
    assert problems(trial(), rig_of("ultrasonic"), audible) == (
        "the build wants audible at 16 kHz, the bench records ultrasonic only",
        "the build does not listen above hearing, the bench records ultrasonic only",
    )
    assert "the build wants ultrasonic at 96 kHz or 192 kHz, the bench records audible only" in problems(
        trial(), rig_of("emulated")
    )


def test_strokes_are_made_when_they_are_due_and_timed(silent):
    """0.5 m at 0.33 m/s and 1 m/s^2 are 1.83 s; this stage moves ten times faster than life."""
    _, instruments = silent()
    instruments.go_to(100.0)
    said = []
    strokes = Strokes(
        instruments.stage,
        "x",
        (Stroke(2.0, 600.0, 1.0, 20_000.0), Stroke(3.0, 9000.0, 9.5, 20_000.0)),
        said.append,
    )
    strokes.due(1.9)
    assert said == []
    strokes.due(3.1)
    strokes.finish()
    ((begin_ns, end_ns),) = strokes.made
    assert end_ns - begin_ns > 0.15e9
    assert instruments.stage.position_mm["x"] == pytest.approx(600.0, abs=0.1)
    (fault,) = strokes.faults
    assert "9000" in fault
    assert len(said) == 2
