"""What sounds below hearing's upper end and above it at once, on one device."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.interface import AUDIBLE, BASEBAND, SILENT, Emission, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import BadInput
from lab.scenario.load import load_scenario

SCENE = """
format = "earshot-scenario/1"
id = "home"
title = "Something above hearing and below"
device = "ultrasonic_speaker"
trials = 2
duration_s = {duration_s}
[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3
bank = 1
placements = 1
[placement]
position_m = [2.5, 0.3, 1.2]
{more}
"""
PERSON = """
[[movers]]
kind = "walker"
name = "person"
route = "waypoints"
waypoints_m = [[0.7, 1.4], [4.3, 1.4]]
stops_m = [1.8]
stop_s = 2.0
start_s = 0.5
[[sources]]
kind = "footsteps"
name = "steps"
of = "person"
surface = "tile"
shoe = "heel"
"""


@pytest.fixture
def draw(tmp_path):
    def _draw(more, duration_s=2.0):
        path = tmp_path / "home.toml"
        path.write_text(SCENE.format(more=more, duration_s=duration_s))
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], 0, 1)

    return _draw


def capture(cache, trial, emission=SILENT, block_s=0.05):
    """All that is heard, audible and baseband, of one microphone, and the facts."""
    needs = {AUDIBLE: StreamNeed((16_000,), 1), BASEBAND: StreamNeed((4000,), 1)}
    session = SimulatedBench(cache, block_s=block_s).open(trial, needs)
    blocks = []
    while (block := session.next(emission)) is not None:
        blocks.append(block.streams)
    heard = {name: np.concatenate([one[name] for one in blocks], axis=1)[0] for name in needs}
    return heard, session.facts()


def test_a_person_is_heard_while_walking_and_not_while_standing(cache, draw):
    _, facts = capture(cache, draw(PERSON, 8.0), block_s=1.0)
    truth = {label: [e for e in facts.truth if e.label == label] for label in ("major_motion", "footsteps")}
    assert len(truth["major_motion"]) == len(truth["footsteps"]) == 2
    for moved, heard in zip(truth["major_motion"], truth["footsteps"], strict=True):
        assert moved.onset_s < heard.onset_s < moved.onset_s + 1.2
        assert heard.offset_s == pytest.approx(moved.offset_s, abs=1.0)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('of = "person"', 'of = "cat"', r"sources\.steps\.of = 'cat': .*there are: person"),
        ('of = "person"', 'of = "person"\nsteps = 4', "steps: the walker that `of` names has its own"),
        ('of = "person"', 'of = "person"\ndistance_m = 1.0', "exactly one of"),
    ],
)
def test_steps_of_nobody_are_told_with_their_key(draw, old, new, words):
    with pytest.raises(BadInput, match=words):
        draw(PERSON.replace(old, new))


KEYS = """
[[sources]]
kind = "impact"
name = "keys"
object = "keys"
level_db_spl = {level_db_spl}
start_s = 1.0
distance_m = 1.0
"""
ALARM = """
[[sources]]
kind = "alarm"
name = "alarm"
carrier_hz = 3100.0
sounder = "piezo"
drift = 0.0
start_s = 0.2
distance_m = 1.5
"""


def level_db(signal):
    return 10.0 * np.log10(np.mean(np.abs(signal) ** 2))


def test_keys_are_heard_above_hearing_when_they_jingle(cache, draw):
    """As much louder as they are below it; the microphones' noise is what is there before."""
    quiet, loud = (
        capture(cache, draw(KEYS.format(level_db_spl=level)))[0][BASEBAND] for level in (62.0, 82.0)
    )
    before, jingle = slice(1000, 3900), slice(4050, 4800)
    assert level_db(loud[before]) == pytest.approx(level_db(quiet[before]), abs=0.1)
    assert level_db(loud[jingle]) - level_db(loud[before]) > 20.0
    assert level_db(loud[jingle]) - level_db(quiet[jingle]) == pytest.approx(20.0, abs=3.0)


def test_what_is_heard_above_hearing_is_the_same_however_it_is_read(cache, draw):
    trial = draw(KEYS.format(level_db_spl=70.0) + ALARM)
    (short, _), (long, _) = (capture(cache, trial, block_s=block_s) for block_s in (0.05, 0.4))
    for name in short:
        np.testing.assert_array_equal(short[name], long[name])


def test_the_eleventh_harmonic_of_a_piezo_lies_next_to_the_carrier(cache, draw):
    heard, _ = capture(cache, draw(ALARM))
    on, off = (
        np.abs(np.fft.fft(heard[BASEBAND][span] * np.hanning(1600)))
        for span in (slice(1000, 2600), slice(3000, 4600))
    )
    hz = np.fft.fftfreq(1600, 1 / 4000)
    peak = np.argmax(on)
    assert hz[peak] == pytest.approx(100.0, abs=110.0)  # 34.1 kHz, and three times what a pulse is off pitch
    assert 20.0 * np.log10(on[peak] / np.median(on)) > 15.0
    assert np.argmax(off) != peak


def test_the_tone_folds_into_the_audible_stream_as_far_down_as_decimation_keeps_it(cache, draw):
    """34 kHz lies at 2 kHz of 16 kHz."""
    found = {}
    for keeps_db in (20.0, 40.0):
        trial = draw(f"[ultrasound.unit]\ndecimation_db = {keeps_db}\n")
        heard, _ = capture(cache, trial, Emission((34_000.0,), 85.0))
        spectrum = np.abs(np.fft.rfft(heard[AUDIBLE][16_000:] * np.hanning(16_000)))
        assert np.argmax(spectrum) == 2000
        found[keeps_db] = 20.0 * np.log10(spectrum[2000])
    assert found[20.0] - found[40.0] == pytest.approx(20.0, abs=0.2)
