import pytest

from detectors.interface import AUDIBLE, ULTRASONIC, StreamNeed
from lab.bench.physical.plan import Refused, plan_trial
from lab.bench.physical.playback import Playback
from rigs.rig_tables import Mark, Safety

NEEDS = {AUDIBLE: StreamNeed((16000,), 1)}


@pytest.fixture
def at_a_table(rig_of):
    """A physical bench without a motor: marks on the floor, an output for noise."""
    loop = rig_of("loopback")
    marks = (Mark(name="A", distance_m=1.0), Mark(name="C", distance_m=3.0))
    return loop.model_copy(update={"kind": "physical", "room": "lab_2", "marks": marks})


def problems(trial, rig, needs=NEEDS, **more):
    with pytest.raises(Refused) as caught:
        plan_trial(trial, rig, needs, **more)
    return caught.value.problems


def test_a_loopback_plays_levels_and_says_that_it_has_no_room(trial_of, rig_of):
    plan = plan_trial(trial_of(), rig_of("loopback"), NEEDS)
    assert plan.steps() == (
        "play tv on television, 68.0 dB SPL",
        "play background on noise, 48.0 dB SPL",
        "record 3.3 s",
    )
    assert plan.notes == (
        "no room, no distance: every source is heard at its level at 1 m, by every microphone alike",
    )


def test_labels_that_the_device_under_test_does_not_report_are_told_before_the_run(trial_of, rig_of):
    rig = rig_of("emulated")
    assert not any("is not judged" in note for note in plan_trial(trial_of(), rig, NEEDS).notes)
    limit = (
        "[expect]\n",
        '[[accept]]\nmetric = "false_alarms_per_day"\nlabel = "glass_break"\nat_most = 1\n[expect]\n',
    )
    alarms = rig.model_copy(update={"device": rig.device.model_copy(update={"labels": ("smoke_alarm",)})})
    (note,) = plan_trial(trial_of(*limit), alarms, NEEDS).notes
    assert note.startswith("short: virtual device is not judged on watermark, glass_break: device.labels of ")
    assert note.endswith(" has smoke_alarm only")
    of_the_stack = limit[0], limit[1].replace("at_most", 'stage = "device"\nat_most')
    assert plan_trial(trial_of(*of_the_stack), rig, NEEDS).notes == ()


def test_a_stage_moves_to_the_distance_and_the_room_twin_makes_the_noise(trial_of, rig_of):
    plan = plan_trial(trial_of("distance_m = 1.0", "distance_m = 1.6"), rig_of("emulated"), NEEDS)
    assert plan.steps() == (
        "move the stage to 1100 mm (1.60 m)",
        "switch on amplifier",
        "play tv on television, 68.0 dB SPL",
        "record 3.3 s",
    )


def test_a_person_is_asked_where_there_is_no_motor(trial_of, at_a_table):
    plan = plan_trial(trial_of(), at_a_table, NEEDS)
    assert plan.placing.words == "place the tv at 1.00 m, mark A"
    assert "not the scenario's" in plan.notes[0]


def test_a_distance_that_nothing_reaches_is_refused(trial_of, rig_of, at_a_table):
    far = trial_of("distance_m = 1.0", "distance_m = 2.0")
    assert problems(far, at_a_table) == ("sources.tv.distance_m = 2 is on no mark: A at 1 m, C at 3 m",)
    rail = rig_of("emulated")
    short = rail.model_copy(update={"stage": rail.stage.model_copy(update={"travel_mm": (0.0, 400.0)})})
    assert problems(trial_of(), short) == (
        "sources.tv.distance_m = 1 is out of the stage's travel, 0.5 to 0.9 m",
    )


def test_cells_that_would_sound_alike_are_refused(trial_of, rig_of, at_a_table):
    swept = trial_of(
        "distance_m = 1.0", "distance_m = {sweep = [1.0, 3.0]}", "rt60_s = 0.3", "rt60_s = {sweep = [0.3]}"
    )
    said = problems(swept, rig_of("loopback"))
    assert any(
        "it sweeps distance_m, which this bench cannot change: there is no room" in one for one in said
    )
    assert problems(swept, at_a_table) == (
        "it sweeps rt60_s, which this bench cannot change: the room is what it is",
    )
    plan_trial(swept, rig_of("emulated"), NEEDS)  # the twin has any room


def test_levels_are_limited_by_the_rig_file_and_lifted_only_by_name(trial_of, rig_of):
    loud = trial_of("level_db_spl = 68.0", "level_db_spl = 90.0")
    (said,) = problems(loud, rig_of("loopback"))
    assert "is above safety.max_playback_db_spl = 85; only a person at the bench may lift that" in said
    plan_trial(loud, rig_of("loopback"), NEEDS, lifted=frozenset({"playback"}))


def test_a_noise_stated_by_snr_is_as_loud_as_it_will_be_played(trial_of, rig_of, at_a_table):
    buried = trial_of("snr_db = 20.0", "snr_db = -20.0")
    (said,) = problems(buried, rig_of("loopback"))
    assert said.startswith("sources.background: 88.0 dB SPL is above safety.max_playback_db_spl = 85")
    plan = plan_trial(buried, rig_of("loopback"), NEEDS, lifted=frozenset({"playback"}))
    assert "play background on noise, 88.0 dB SPL" in plan.steps()
    assert Playback(plan, rig_of("loopback")).noises_db_spl == {"background": 88.0}
    far = trial_of("snr_db = 20.0", "snr_db = -20.0", "distance_m = 1.0", "distance_m = 3.0")
    assert plan_trial(far, at_a_table, NEEDS).sounds[1].level_db_spl == pytest.approx(78.46, abs=0.01)
    (said,) = problems(
        buried, rig_of("loopback", safety=Safety(max_playback_db_spl=120.0), audio=quiet_noise(rig_of))
    )
    assert said == "sources.background: 88.0 dB SPL would clip: noise reaches 90 dB SPL"


def quiet_noise(rig_of):
    audio = rig_of("loopback").audio
    tv, noise = audio.outputs
    return audio.model_copy(update={"outputs": (tv, noise.model_copy(update={"full_scale_db_spl": 90.0}))})


def test_a_level_that_would_clip_is_refused(trial_of, rig_of):
    loud = trial_of("level_db_spl = 68.0", "level_db_spl = 99.0")
    (said,) = problems(loud, rig_of("loopback", safety=Safety(max_playback_db_spl=120.0)))
    assert "would clip: television reaches 110 dB SPL" in said


def test_streams_and_microphones_that_the_bench_lacks_are_refused(trial_of, at_a_table):
    needs = {AUDIBLE: StreamNeed((16000,), 4), ULTRASONIC: StreamNeed((96000,), 1)}
    assert problems(trial_of(), at_a_table, needs) == (
        "the build wants ultrasonic at 96 kHz, the bench records audible only",
        "the build listens to 4 microphones, the bench records 2 of device four_mic_speaker",
    )


def test_a_build_that_takes_all_microphones_takes_those_that_are_recorded(trial_of, at_a_table, rig_of):
    needs = {AUDIBLE: StreamNeed((16000,), None)}
    plan = plan_trial(trial_of(), at_a_table, needs)
    assert plan.channels == 2
    assert "the reference stack hears 2 of 4 microphones: the bench records no more" in plan.notes
    assert plan_trial(trial_of(), rig_of("loopback"), needs).channels == 4
    assert plan_trial(trial_of(), rig_of("emulated"), needs).channels == 4


def test_all_problems_are_told_at_once(trial_of, rig_of):
    loud = trial_of("level_db_spl = 68.0", "level_db_spl = 90.0")
    needs = {ULTRASONIC: StreamNeed((96000,), 1)}
    assert len(problems(loud, rig_of("loopback"), needs)) == 2


def test_more_sources_than_loudspeakers_are_refused(trial_of, rig_of):
    second = '[[sources]]\nkind = "media"\nname = "radio"\nclasses = ["music"]\ndistance_m = 1.0\nlevel_db_spl = 60.0\n[expect]'
    (said,) = problems(trial_of("[expect]", second), rig_of("emulated"))
    assert said == "it has 2 sources of media (tv, radio), the bench has 1 outputs"


ALARM = (
    '[[sources]]\nkind = "noise"',
    '[[sources]]\nkind = "alarm"\nname = "alarm"\nstart_s = 1.0\nlasts_s = {lasts_s}\ndistance_m = 1.5\n[[sources]]\nkind = "noise"',
)


@pytest.mark.parametrize(("lasts_s", "off_s"), [(1.0, 2.0), (60.0, 2.8)])
def test_an_alarm_sounds_while_a_relay_is_closed_and_no_longer_than_the_trial(
    trial_of, rig_of, lasts_s, off_s
):
    rig = rig_of("emulated")
    bell = rig.switches[0].model_copy(update={"name": "bell", "channel": 3, "role": "alarm"})
    rig = rig.model_copy(update={"switches": (*rig.switches, bell)})
    plan = plan_trial(trial_of(ALARM[0], ALARM[1].format(lasts_s=lasts_s)), rig, NEEDS)
    (sounding,) = plan.soundings
    assert (sounding.switch.channel, sounding.on_s, sounding.off_s) == (3, 1.0, pytest.approx(off_s))
    assert [switch.role for switch in plan.switches] == ["amplifier"]


def test_a_bench_without_a_relay_for_it_refuses_an_alarm(trial_of, rig_of):
    with pytest.raises(Refused, match="sources.alarm: nothing here plays kind = 'alarm'"):
        plan_trial(trial_of(ALARM[0], ALARM[1].format(lasts_s=1.0)), rig_of("emulated"), NEEDS)
