import numpy as np
import pytest

from detectors.interface import AUDIBLE, PLAYBACK, SILENT, ULTRASONIC, Emission, StreamNeed
from lab.acoustics.levels import band_rms, db_spl_from_pa
from lab.bench.simulated import scene
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import BadInput

ALL = {AUDIBLE: StreamNeed((16_000,))}
ONE = {AUDIBLE: StreamNeed((16_000,), 1)}


def capture(bench, trial, needs=ALL, emission=SILENT):
    """All samples of a trial (channels, n), and its facts."""
    session = bench.open(trial, needs)
    blocks = []
    while (block := session.next(emission)) is not None:
        blocks.append(block.streams[AUDIBLE])
    return np.concatenate(blocks, axis=1), session.facts()


def test_a_trial_is_the_same_every_time_and_lasts_as_long_as_asked(bench, draw):
    first, _ = capture(bench, draw())
    again, _ = capture(bench, draw())
    assert first.shape == (4, 4 * 16_000) and first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert np.std(first) > 1e-4


def test_trials_and_seeds_differ(bench, draw):
    first, _ = capture(bench, draw())
    for other in (draw(index=1), draw(seed=2)):
        samples, _ = capture(bench, other)
        assert not np.array_equal(samples, first)


def test_block_length_changes_no_bit(cache, draw):
    long, _ = capture(SimulatedBench(cache, block_s=1.0), draw())
    short, _ = capture(SimulatedBench(cache, block_s=0.05), draw())
    np.testing.assert_array_equal(short, long)


def test_rendering_one_microphone_gives_the_first_of_all(bench, draw):
    every, _ = capture(bench, draw())
    first, _ = capture(bench, draw(), ONE)
    np.testing.assert_array_equal(first, every[:1])


def test_emission_takes_effect_at_the_next_block_boundary(cache, draw):
    session = SimulatedBench(cache, block_s=0.05).open(draw(), ONE)
    tone = Emission((32_000.0,), 60.0)
    session.next(SILENT)
    session.next(SILENT)
    session.next(tone)
    session.next(tone)
    session.next(SILENT)
    assert session.emissions == ((0.0, SILENT), (0.1, tone), (0.2, SILENT))


def test_noise_stands_as_far_below_the_event_as_asked(bench, draw):
    """Two captures differ by the noise alone: 10 dB below the marked programme at the reference microphone."""
    noisy, facts = capture(bench, draw({"snr_db = 20.0": "snr_db = 10.0"}))
    quiet, _ = capture(bench, draw({"snr_db = 20.0": "snr_db = 80.0"}))
    full_scale_pa = np.sqrt(2.0) * 20e-6 * 10 ** (draw().spec.device.audible.full_scale_db_spl / 20)
    noise_db = db_spl_from_pa(band_rms((noisy - quiet)[0] * full_scale_pa, 16_000))
    assert noise_db == pytest.approx(
        facts.measured["background_db_spl"], abs=1.0
    )  # sensitivity spread, band edges
    assert facts.measured["tv_db_spl"] - facts.measured["background_db_spl"] == pytest.approx(10.0)


def test_truth_reaches_the_reference_microphone_with_the_direct_sound(bench, draw):
    _, facts = capture(bench, draw())
    (event,) = facts.truth
    assert event.label == "watermark"
    assert event.onset_s - 1.5 == pytest.approx(1.5 / 343.2, abs=0.07 / 343)  # microphones sit off the centre
    assert event.offset_s - event.onset_s == pytest.approx(2.05, abs=0.01)


def test_facts_name_room_recording_and_what_was_heard(bench, draw):
    _, facts = capture(bench, draw())
    assert set(facts.clusters) == {"room", "recording"}
    assert facts.clusters["recording"] in {segment.origin for segment in facts.segments}
    assert all(segment.licence and segment.author for segment in facts.segments)
    assert capture(bench, draw(index=2))[1].clusters["room"] == facts.clusters["room"]  # a bank of two rooms
    assert capture(bench, draw(index=1))[1].clusters["room"] != facts.clusters["room"]


def test_a_mark_that_would_be_heard_makes_the_trial_invalid(bench, draw, monkeypatch):
    assert capture(bench, draw())[1].invalid is None
    monkeypatch.setattr(scene, "MOST_NOISE_TO_MASK_DB", -60.0)
    assert "watermark is audible" in capture(bench, draw())[1].invalid


def test_the_device_plays_nothing_of_its_own_yet(bench, draw):
    session = bench.open(draw(), {AUDIBLE: StreamNeed((16_000,), 1), PLAYBACK: StreamNeed((16_000,))})
    block = session.next(SILENT)
    assert block.streams[PLAYBACK].shape == (1, block.length)
    assert not block.streams[PLAYBACK].any()


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (
            {ULTRASONIC: StreamNeed((96_000,))},
            "the build wants ultrasonic; device .* has no .ultrasonic. converter",
        ),
        ({AUDIBLE: StreamNeed((48_000,))}, "audible.rate_hz = 16000, the build wants 48000"),
        ({AUDIBLE: StreamNeed((16_000,), 6)}, "has 4 microphones, the build listens to 6"),
    ],
)
def test_what_the_device_cannot_give_is_refused(bench, draw, needs, said):
    with pytest.raises(BadInput, match=said):
        bench.open(draw(), needs)


ALARM = {
    'kind = "media"\nname = "tv"\nclasses = ["music"]\ndistance_m = 1.5\nlevel_db_spl = 70.0\nwatermark = {key = "reference", start_s = 1.5, duration_s = 2.05}': (
        'kind = "alarm"\nname = "alarm"\ndistance_m = 2.0\nstart_s = 1.0'
    ),
    'labels = ["watermark"]': 'labels = ["smoke_alarm"]',
}


def test_an_alarm_is_heard_from_its_place_at_its_time(bench, draw):
    samples, facts = capture(bench, draw(ALARM))
    (event,) = facts.truth
    assert event.label == "smoke_alarm"
    assert event.onset_s == pytest.approx(1.0 + 2.0 / 343.0, abs=1e-3)
    before, after = samples[:, : int(0.95 * 16_000)], samples[:, int(1.05 * 16_000) : int(1.4 * 16_000)]
    assert db_spl_from_pa(np.std(after)) - db_spl_from_pa(np.std(before)) > 15.0


def test_noise_is_set_against_an_alarm_whose_first_pulse_comes_late(bench, draw):
    """A CO alarm joined in its pause of a minute: the first seconds are silent, and it is no less loud for that."""
    text = next(iter(ALARM.values()))
    late = {
        next(iter(ALARM)): text + '\npattern = "t4"\nlate_pause_s = 60.0\nsounding_for_s = 303.0',
        'labels = ["watermark"]': 'labels = ["co_alarm"]',
        "duration_s = 4.0": "duration_s = 80.0",
    }
    for index in range(4):
        _, facts = capture(bench, draw(late, index), ONE)
        (event,) = facts.truth
        if event.onset_s > 1.0 + scene.LEVELLING_S:
            break
    else:
        pytest.fail("no trial is joined in a pause")
    assert facts.measured["alarm_db_spl"] > 60.0
    assert facts.measured["alarm_db_spl"] - facts.measured["background_db_spl"] == pytest.approx(20.0)


def test_noise_cannot_be_set_against_silence(bench, draw):
    """All of the trial lies within a pause of the alarm."""
    text = next(iter(ALARM.values()))
    silent = {
        next(iter(ALARM)): text + '\npattern = "t4"\nlate_pause_s = 60.0\nsounding_for_s = 303.0',
        'labels = ["watermark"]': 'labels = ["co_alarm"]',
    }
    with pytest.raises(BadInput, match="alarm is silent"):
        for index in range(4):
            capture(bench, draw(silent, index), ONE)
