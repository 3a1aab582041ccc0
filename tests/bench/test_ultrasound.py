"""Scenes above hearing: what a tone brings back, in both forms of one capture."""

import numpy as np
import pytest

from detectors.interface import AUDIBLE, BASEBAND, PLAYBACK, SILENT, ULTRASONIC, Emission, StreamNeed
from lab.acoustics.ultrasonic.baseband import FrontEnd
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import BadInput
from lab.scenario.load import load_scenario

PASSBAND = {ULTRASONIC: StreamNeed((96_000,))}
ENVELOPE = {BASEBAND: StreamNeed((4_000,))}
TONE = Emission((34_000.0,), 85.0)
SCENE = """
format = "earshot-scenario/1"
id = "room"
title = "One thing that moves"
device = "ultrasonic_speaker"
trials = 4
duration_s = 1.0
[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3
[placement]
position_m = [0.4, 2.0, 0.8]
"""
POINT = """
[[movers]]
kind = "point"
name = "thing"
target_strength_db = -10.0
path = {shape = "line", start_m = [3.0, 2.0, 1.2], velocity_m_s = [-1.0, 0.2, 0.0]}
"""
OUTSIDE = """
[[movers]]
kind = "walker"
name = "neighbour"
route = "outside"
wall = "east"
"""
DOOR = """
[[doorways]]
name = "door"
wall = "east"
along_m = 2.0
"""
MUSIC = """
[[sources]]
kind = "playback"
name = "music"
level_db_spl = 80.0
"""


@pytest.fixture
def trial(tmp_path):
    def _trial(*parts, index=0, **changes):
        text = SCENE
        for key, value in changes.items():
            assert f"{key} = " in text
            text = "\n".join(
                f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in text.split("\n")
            )
        path = tmp_path / "room.toml"
        path.write_text(text + "".join(parts))
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], index, 1)

    return _trial


def capture(trial, needs, emission=TONE, block_s=None):
    """All samples of the one stream (M, n), and the facts."""
    session = SimulatedBench(block_s=block_s).open(trial, needs)
    (name,) = needs
    parts = []
    while (block := session.next(emission)) is not None:
        parts.append(block.streams[name])
    return np.concatenate(parts, axis=1), session.facts()


def moving_part(trial, needs, *parts, skip=0.2):
    """What the movers add to a capture: the same trial with them and without, noise and air alike."""
    with_them, _ = capture(trial(*parts), needs)
    without, _ = capture(trial(), needs)
    return (with_them.astype(np.complex128) - without)[:, round(skip * with_them.shape[1]) :]


def power(samples):
    return float(np.mean(np.abs(samples) ** 2))


@pytest.mark.parametrize(
    ("needs", "rate", "kind"), [(PASSBAND, 96_000, np.float32), (ENVELOPE, 4_000, np.complex64)]
)
def test_a_capture_is_the_same_whatever_its_blocks(trial, needs, rate, kind):
    usual, _ = capture(trial(POINT), needs)
    long, _ = capture(trial(POINT), needs, block_s=0.2)
    # The emission starts with the first block either way.
    assert usual.shape == (4, rate) and usual.dtype == kind
    np.testing.assert_array_equal(usual, long)


def test_blocks_grow_while_the_emission_stays_and_shrink_as_it_changes(trial):
    session = SimulatedBench().open(trial(duration_s=13.0), ENVELOPE)
    # The tone changes with the first block that starts at 11 s or later.
    lengths, before, quieter = [], 0.0, Emission((34_000.0,), 80.0)
    while (block := session.next(TONE if before < 10.9 else quieter)) is not None:
        lengths.append(block.length / block.clock_hz)
        before += lengths[-1]
    assert before == pytest.approx(13.0)
    assert lengths[:200] == pytest.approx([0.05] * 200)
    assert lengths[200:205] == pytest.approx([0.2] * 5)
    assert lengths[205:] == pytest.approx([0.05] * 40)


def test_both_forms_hold_the_same_moving_echo(trial):
    """At most -40 dB of the moving part lies between what the front end makes of the samples and the direct envelope."""
    direct = moving_part(trial, ENVELOPE, POINT)
    device = trial().spec.device.ultrasonic
    samples = [capture(trial(*parts), PASSBAND)[0] for parts in ((POINT,), ())]
    ends = [FrontEnd(device, 4).process(one) for one in samples]
    through = (ends[0].astype(np.complex128) - ends[1])[:, 800:]
    session = SimulatedBench().open(trial(), PASSBAND)
    late = session.streams[ULTRASONIC].passband.latency_s * 4_000
    best = _residual(direct, through, late)
    assert 10 * np.log10(best / power(direct)) < -40.0


def _residual(reference, other, lag):
    """Power of what differs once `other` is brought forward by `lag` samples, the best phase taken."""
    spectrum = np.fft.fft(other, axis=1) * np.exp(2j * np.pi * np.fft.fftfreq(other.shape[1]) * lag)
    moved = np.fft.ifft(spectrum, axis=1)[:, 200:-200]
    kept = reference[:, 200:-200]
    turn = np.vdot(moved, kept)
    return power(moved * turn / abs(turn) - kept)


def test_nothing_comes_back_of_what_is_not_emitted(trial):
    quiet, facts = capture(trial(POINT), ENVELOPE, SILENT)
    loud, told = capture(trial(POINT), ENVELOPE)
    assert power(quiet) < 1e-7 * power(loud)
    assert facts.measured["emission_duty"] == 0.0
    assert told.measured["emission_db_spl_at_1_m"] == 85.0


def test_a_tone_that_starts_late_finds_things_where_they_are_by_then(trial):
    """The echo of a late tone is the echo of an early one, once the ramp is over."""
    early = moving_part(trial, ENVELOPE, POINT, skip=0.75)
    session = {}
    for name, parts in (("with", (POINT,)), ("without", ())):
        opened = SimulatedBench().open(trial(*parts), ENVELOPE)
        blocks, emission, count = [], SILENT, 0
        while (block := opened.next(emission)) is not None:
            blocks.append(block.streams[BASEBAND])
            count += 1
            emission = TONE if count >= 10 else SILENT
        session[name] = np.concatenate(blocks, axis=1).astype(np.complex128)
    late = (session["with"] - session["without"])[:, 3000:]
    # Poses are interpolated between other knots; the rest is the same.
    assert power(late - early) < 1e-5 * power(early)


def test_other_trials_have_other_rooms_and_units(trial):
    first, _ = capture(trial(), ENVELOPE)
    second, _ = capture(trial(index=1), ENVELOPE)
    assert abs(power(first) / power(second) - 1.0) > 0.01


def test_a_wall_hides_a_person_and_an_open_door_lets_some_through(trial):
    inside = moving_part(trial, ENVELOPE, POINT)
    behind = moving_part(trial, ENVELOPE, OUTSIDE)
    opened = moving_part(trial, ENVELOPE, OUTSIDE, DOOR)
    assert power(behind) < 1e-6 * power(inside)
    assert power(opened) > 100.0 * power(behind)


def test_truth_is_what_the_movers_say(trial):
    _, facts = capture(
        trial('\n[[movers]]\nkind = "walker"\nname = "person"\nroute = "radial"\ndistance_m = 2.0\n'),
        ENVELOPE,
    )
    assert {event.label for event in facts.truth} == {"presence", "major_motion"}


def test_a_second_device_is_a_line_beside_the_carrier(trial):
    extra = '\n[[interferers]]\nkind = "second_device"\nname = "other"\noffset_hz = 200.0\ndistance_m = 2.0\n'
    alone, _ = capture(trial(extra), ENVELOPE, SILENT)
    spectrum = np.abs(np.fft.fft(alone[0, 1000:])) ** 2
    frequency = np.fft.fftfreq(len(spectrum), 1 / 4_000)
    assert frequency[np.argmax(spectrum)] == pytest.approx(200.0, abs=1.4)


def test_a_bump_of_the_device_moves_every_echo_but_not_the_direct_path(trial):
    extra = '\n[[movers]]\nkind = "vibration"\nname = "table"\nmotion = "hum"\nrate_hz = 40.0\namplitude_mm = 0.5\n'
    shaken = moving_part(trial, ENVELOPE, extra)[0]
    whole, _ = capture(trial(), ENVELOPE)
    spectrum = np.abs(np.fft.fft(shaken * np.blackman(len(shaken)))) ** 2
    frequency = np.abs(np.fft.fftfreq(len(spectrum), 1 / 4_000))
    assert frequency[np.argmax(np.where(frequency > 20.0, spectrum, 0.0))] == pytest.approx(40.0, abs=2.6)
    assert power(shaken) < 0.1 * power(whole)


def sidebands(samples, shift_hz):
    """Power at +-shift about the carrier over that of the carrier, dB, first microphone."""
    window = np.blackman(samples.shape[1])
    spectrum = np.abs(np.fft.fft(samples[0] * window)) ** 2
    frequency = np.fft.fftfreq(samples.shape[1], 1 / 4_000)
    near = (np.abs(frequency) > shift_hz[0]) & (np.abs(frequency) < shift_hz[1])
    return 10 * np.log10(spectrum[near].sum() / spectrum[np.abs(frequency) < 10].sum())


def test_music_from_the_own_loudspeaker_spreads_the_carrier(trial):
    silent, _ = capture(trial(), ENVELOPE)
    playing, _ = capture(trial(MUSIC), ENVELOPE)
    band = (40.0, 1000.0)
    assert sidebands(silent[:, 1000:], band) < -50.0
    assert sidebands(playing[:, 1000:], band) > -35.0


def test_the_stack_is_given_what_the_device_plays(trial):
    session = SimulatedBench().open(
        trial(MUSIC), PASSBAND | {PLAYBACK: StreamNeed((16_000,)), AUDIBLE: StreamNeed((16_000,))}
    )
    blocks = []
    while (block := session.next(TONE)) is not None:
        blocks.append(block)
    played = np.concatenate([block.streams[PLAYBACK] for block in blocks], axis=1)[0]
    heard = np.concatenate([block.streams[AUDIBLE] for block in blocks], axis=1)[0]
    assert len(played) == len(heard) == 16_000
    assert 0.0 < np.abs(played).max() <= 1.0
    # The microphones hear it centimetres from the cone: the strongest correlation of both comes within 2 ms.
    lags = np.correlate(heard[4000:12000], played[4000:12000], "full")[7999 - 4 : 7999 + 400]
    assert np.argmax(np.abs(lags)) <= 4 + 32


@pytest.mark.parametrize(
    ("emission", "needs", "complaint"),
    [
        (
            Emission((45_000.0,), 85.0),
            ENVELOPE,
            r"the build emits 45000 Hz; device ultrasonic_speaker has carrier_band_hz",
        ),
        (Emission((34_000.0,), 95.0), ENVELOPE, r"emission.level_db_spl = 95.*at most 89\.5"),
        (TONE, PASSBAND | ENVELOPE, "a capture holds one of them"),
        (TONE, {BASEBAND: StreamNeed((8_000,))}, r"has baseband.rate_hz = 4000, the build wants 8000"),
    ],
)
def test_what_cannot_be_is_said(trial, emission, needs, complaint):
    with pytest.raises(BadInput, match=complaint):
        session = SimulatedBench().open(trial(), needs)
        session.next(emission)


def test_a_person_may_lift_the_limit_of_emission(trial):
    session = SimulatedBench().open(trial("\n[ultrasound]\nlift_emission_limit = true\n"), ENVELOPE)
    assert session.next(Emission((34_000.0,), 95.0)) is not None
