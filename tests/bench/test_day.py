"""A day in a trial: rendered as its sources would be one by one, with its truth, wherever blocks are cut."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve

from detectors.interface import AUDIBLE, SILENT, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.bench.simulated.scene import DAY, Scene
from lab.errors import BadInput
from lab.scenario.load import load_scenario
from lab.sources.catalogue import source_of

ONE = {AUDIBLE: StreamNeed((16_000,), 1)}
SCENE = """
format = "earshot-scenario/1"
id = "busy_day"
title = "A busy half minute"
device = "two_mic_display"
trials = 48
duration_s = 30.0
[room]
size_m = [4.0, 3.5, 2.6]
rt60_s = 0.25
bank = 2
placements = 1
[placement]
rule = "table"
[day]
begins_h = 12.0
busy = 20.0
"""


@pytest.fixture
def draw(tmp_path):
    def _draw(index=0, text=SCENE):
        path = tmp_path / "day.toml"
        path.write_text(text)
        scenario = load_scenario(path)
        return scenario.draw(scenario.cells()[0], index, 3)

    return _draw


def captured(trial, cache, block_s=None):
    session = SimulatedBench(cache, block_s=block_s).open(trial, ONE)
    blocks = []
    while (block := session.next(SILENT)) is not None:
        blocks.append(block.streams[AUDIBLE])
    return np.concatenate(blocks, axis=1), session.facts()


def test_a_day_is_heard_as_its_sources_are_one_by_one(draw, cache) -> None:
    """The oracle plays each occurrence from the start of the trial and convolves it whole. Residual below -90 dB."""
    trial = draw()
    scene = Scene(trial, cache, None)
    samples = 30 * 16_000
    day = scene.start(2)[DAY]
    got = np.concatenate([day.read(n) for n in (7, 30_000, samples - 30_007)], axis=1)
    want = np.zeros((2, samples))
    assert len(scene.occurrences) > 5
    for one in scene.occurrences:
        source = source_of(one.source)
        dry = scene.open(source, "day", 30.0).read(samples)
        responses, _ = scene.heard_from(np.asarray(source.position_m), "day")
        want += [fftconvolve(dry.astype(np.float64), response)[:samples] for response in responses]
    residual = np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2))
    assert 20 * np.log10(residual) < -90.0
    assert len(day.truth) >= 1


def test_blocks_change_no_bit_and_truth_is_late_by_the_way(draw, cache) -> None:
    long, facts = captured(draw(), cache)
    short, _ = captured(draw(), cache, 0.05)
    assert np.array_equal(long, short)
    assert {event.label for event in facts.truth} <= {
        "footsteps", "door_close", "door_knock", "appliance_beep", "tv_smoke_alarm"
    }  # fmt: skip
    assert all(0.0 < event.onset_s < event.offset_s < 32.0 for event in facts.truth)
    assert facts.clusters["recording"].startswith("day ")


def test_trials_of_one_room_share_places_and_nothing_else(draw, cache) -> None:
    first, other, third = (Scene(draw(index), cache, None).occurrences for index in (0, 1, 2))

    def places(occurrences):
        return {tuple(one.source["position_m"][:2]) for one in occurrences}

    assert places(first) & places(third) and len(places(first) | places(third)) <= 12
    assert not places(first) & places(other)
    assert [one.at_s for one in first] != [one.at_s for one in third]


def test_trials_without_an_hour_make_whole_days(draw) -> None:
    text = SCENE.replace("begins_h = 12.0\n", "").replace("duration_s = 30.0", "duration_s = 3600.0")
    spec = draw(0, text).spec
    assert [spec.day.begins_at_h(k, spec.duration_s) for k in (0, 5, 23, 24, 30)] == [0, 5, 23, 0, 6]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "busy = 20.0",
            'without = ["walks"]',
            "day.without.0 = \"walks\": must be one of .*did you mean 'walk'",
        ),
        ("begins_h = 12.0", "begins_h = 24.0", "day.begins_h = 24.0: must be at least 0 and below 24"),
        ("busy = 20.0", 'corpus = "nowhere"', "day.corpus: no corpus 'nowhere'"),
    ],
)
def test_a_wrong_key_is_named(draw, old, new, told) -> None:
    with pytest.raises(BadInput, match=told):
        draw(0, SCENE.replace(old, new))
