"""Sources that move and walkers that step, in trials of the simulated bench."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.interface import AUDIBLE, SILENT, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.bench.simulated.scene import Scene
from lab.errors import BadInput
from lab.scenario.load import load_scenario

RATE = 16_000
TALKER = """
kind = "media"
name = "talker"
classes = ["speech"]
height = "standing"
level_db_spl = 64.0
[sources.moves]
path_m = [[0.6, 0.6], [0.6, 2.9], [3.4, 2.9]]
speed_m_s = 1.2
there_and_back = true
"""
WALKER = """
kind = "footsteps"
name = "walker"
shoe = "leather"
surface = "wood"
speed_m_s = 1.2
height_of_walker_m = 1.7
path_m = [[0.6, 0.6], [0.6, 2.9], [3.4, 2.9]]
start_s = 0.5
"""
SCENE = """
format = "earshot-scenario/1"
id = "moving"
title = "Something moves"
device = "four_mic_speaker"
trials = 2
duration_s = {duration_s}
[room]
size_m = [4.0, 3.5, 2.6]
rt60_s = 0.25
bank = 1
placements = 1
[placement]
position_m = [2.4, 1.2, 0.75]
{doorways}
[[sources]]
{source}
"""
DOOR = """
[[doorways]]
name = "hall"
wall = "east"
along_m = 2.9
open = {open}
"""


@pytest.fixture
def draw(tmp_path):
    def _draw(source, duration_s=5.0, doorways=""):
        path = tmp_path / "moving.toml"
        path.write_text(SCENE.format(source=source, duration_s=duration_s, doorways=doorways))
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], 0, 1)

    return _draw


def capture(cache, trial, block_s=1.0, channels=None):
    session = SimulatedBench(cache, block_s=block_s).open(trial, {AUDIBLE: StreamNeed((RATE,), channels)})
    blocks = []
    while (block := session.next(SILENT)) is not None:
        blocks.append(block.streams[AUDIBLE])
    return np.concatenate(blocks, axis=1), session.facts()


def pressure(cache, trial, channels=1):
    """Pa at the microphones, without their noise."""
    scene = Scene(trial, cache, None)
    playing = scene.start(channels)
    (component,) = scene.field(playing, channels)
    audio = component.read(round(trial.spec.duration_s * RATE))
    return audio, scene.facts(playing), playing


def test_someone_who_talks_walks_by(cache, draw):
    """From 2.7 m to 1.1 m from the device, and away: against the same talk from where the path begins."""
    passing = TALKER.replace("[[0.6, 0.6], [0.6, 2.9], [3.4, 2.9]]", "[[0.4, 3.1], [2.4, 1.8], [3.6, 3.1]]")
    moving, _, _ = pressure(cache, draw(passing, 4.0))
    rest = TALKER.split("[sources.moves]")[0] + "position_m = [0.4, 3.1, 1.6]\n"
    still, _, _ = pressure(cache, draw(rest, 4.0))
    first, near = [
        10.0 * np.log10((moving[0, span] ** 2).sum() / (still[0, span] ** 2).sum())
        for span in (slice(0, 8000), slice(32_000, 44_000))
    ]
    assert first == pytest.approx(0.0, abs=2.5)
    assert 2.0 < near - first < 9.0


def test_a_trial_with_a_mover_is_the_same_however_it_is_read(cache, draw):
    trial = draw(TALKER, 2.0)
    whole, _ = capture(cache, trial)
    blocks, _ = capture(cache, trial, block_s=0.05)
    one, _ = capture(cache, trial, channels=1)
    np.testing.assert_array_equal(whole, blocks)
    assert np.abs(whole[:1] - one).max() <= 2.0**-15 + 1e-9  # a step of the converter
    assert np.std(whole) > 1e-5


def test_each_step_is_heard_from_its_place(cache, draw):
    """The first arrival of each step: its onset and the way from where the foot falls, to half a sample."""
    trial = draw(WALKER)
    audio, facts, playing = pressure(cache, trial)
    scene = Scene(trial, cache, None)
    steps = list(playing["walker"].each())
    assert len(steps) >= 5
    found, ways = [], []
    for step in steps:
        way = np.linalg.norm(np.array([*step.place_m, 0.05]) - scene.microphones[0]) / 343.2
        sound = step.pressure("air")
        at = round(step.onset_s * RATE)
        heard = audio[0, at : at + 4000]
        spectrum = np.fft.rfft(heard, 16_384) * np.conj(np.fft.rfft(sound, 16_384))
        loud = np.abs(np.fft.rfft(sound, 16_384)) ** 2
        response = np.fft.irfft(spectrum / (loud + 0.01 * loud.max()), 16_384)[:400]
        found.append(int(np.argmax(response)) / RATE)
        ways.append(way)
    assert np.median(np.abs(np.array(found) - ways)) < 1.5e-4
    assert np.ptp(ways) > 0.0015
    (event,) = facts.truth
    assert event.label == "footsteps"
    assert event.onset_s == pytest.approx(0.5 + ways[0], abs=1e-4)
    stream = playing["walker"]
    assert event.offset_s == pytest.approx(stream.truth[0].offset_s + ways[-1], abs=1e-4)


def test_steps_next_door_come_through_the_door(cache, draw):
    """Behind the east wall: 1 m behind the door, and 3 m. Truth stays; a closed door keeps some 10 dB more."""
    walker = WALKER.replace("[[0.6, 0.6], [0.6, 2.9], [3.4, 2.9]]", "[[5.0, 2.9], [7.0, 2.9]]")
    levels, truths = [], []
    for state, through in (("true", "open_door"), ("false", "closed_door")):
        audio, facts, playing = pressure(cache, draw(walker, doorways=DOOR.format(open=state)))
        steps = list(playing["walker"].each())
        heard = [(audio[0, round(one.onset_s * RATE) :][:6000] ** 2).sum() for one in (steps[0], steps[-1])]
        made = [(one.pressure(through) ** 2).sum() for one in (steps[0], steps[-1])]
        levels.append(10.0 * np.log10([heard[0], heard[0] / made[0], heard[1] / made[1]]))
        truths.append(facts.truth)
    assert 6.0 < levels[0][0] - levels[1][0] < 16.0
    for _, near, far in levels:
        assert near - far == pytest.approx(
            20.0 * np.log10(np.hypot(*(steps[-1].place_m - [4.0, 2.9]))), abs=3.5
        )
    assert truths[0][0].label == "footsteps" and len(truths[0]) == 1
    opening = np.array([3.9, 2.9, 1.0])
    scene = Scene(draw(walker, doorways=DOOR.format(open="true")), cache, None)
    way_s = (1.0 + np.linalg.norm(opening - scene.microphones[0])) / 343.2
    assert truths[0][0].onset_s == pytest.approx(0.5 + way_s, abs=1e-3)


def test_someone_walks_out_through_the_open_door(cache, draw):
    walker = WALKER.replace("[3.4, 2.9]]", "[7.0, 2.9]]")
    audio, facts, playing = pressure(cache, draw(walker, 9.0, DOOR.format(open="true")))
    steps = list(playing["walker"].each())
    energy = [(audio[0, round(s.onset_s * RATE) :][:4000] ** 2).sum() for s in steps]
    inside = [e for e, s in zip(energy, steps, strict=True) if s.place_m[0] < 3.9]
    outside = [e for e, s in zip(energy, steps, strict=True) if s.place_m[0] > 4.6]
    assert len(inside) >= 5 and len(outside) >= 3
    assert 10.0 * np.log10(np.median(inside) / np.median(outside)) > 6.0
    assert len(facts.truth) == 1
    again, _, _ = pressure(cache, draw(walker, 9.0, DOOR.format(open="true")))
    np.testing.assert_array_equal(audio, again)


@pytest.mark.parametrize(
    ("source", "doorways", "words"),
    [
        (TALKER.replace("[3.4, 2.9]", "[4.4, 2.9]"), "", r"sources\.talker\.moves\.path_m: .*through a wall"),
        (TALKER.replace("[0.6, 2.9], ", "[2.4, 1.25], "), "", r"sources\.talker\.moves\.path_m: .*from the device"),
        (TALKER.replace("[3.4, 2.9]", "[5.4, 2.9]"), DOOR.format(open="true"), r"talker\.moves\.path_m: it leaves the room"),
        (TALKER + 'rule = "table"\n', "", "rule"),
        (TALKER.replace("speed_m_s = 1.2", "speed_m_s = 5.0"), "", r"moves\.speed_m_s = 5.0"),
        (TALKER + "\n[[sources]]\n" + WALKER.replace("path_m", "distance_m = 1.0\npath_m"), "", "exactly one of"),
        (WALKER.replace("[3.4, 2.9]", "[5.4, 2.9]"), DOOR.format(open="false"), r"through the closed door 'hall'"),
        (WALKER.replace("[0.6, 0.6], [0.6, 2.9], [3.4, 2.9]", "[6.0, 1.0], [6.0, 2.0]"), "", "no doorways"),
        (WALKER.replace("[3.4, 2.9]", "[5.4, 2.9]") + 'through = "open_door"\n', DOOR.format(open="true"), r"walker\.through = 'open_door'"),
    ],
)  # fmt: skip
def test_a_way_that_cannot_be_is_told_with_its_key(draw, source, doorways, words):
    with pytest.raises(BadInput, match=words):
        draw(source, doorways=doorways)
