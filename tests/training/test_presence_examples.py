"""What the network learns from: the truth of each hop, and never the test split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.interface import Event
from detectors.presence.features import BANDS, CHANNELS
from lab.errors import BadInput
from lab.scenario.load import load_scenario
from lab.training.presence import examples
from lab.training.presence.train import SCENARIOS

ROOT = Path(__file__).parents[2]


def test_hops_are_labelled_by_what_moved_when_they_were_heard():
    truth = [Event(5.0, 7.0, "minor_motion"), Event(6.0, 6.5, "major_motion"), Event(0.0, 12.0, "presence")]
    found = examples.labels(truth, 200)

    def at(time_s: float) -> int:
        return int(found[round(time_s / examples.HOP_S) - 1])

    assert (at(4.5), at(5.5), at(6.3), at(6.9), at(9.0)) == (0, 1, 2, 1, 0)
    assert at(0.5) == at(2.9) == at(5.1) == at(7.3) == examples.IGNORED


def test_scenarios_of_the_test_split_are_refused():
    with pytest.raises(BadInput, match='split = "test"'):
        examples.scenarios(SCENARIOS, "test")
    with pytest.raises(BadInput, match="a training folder holds train and tune"):
        examples.scenarios(ROOT / "scenarios" / "second_screen", "train")
    judged = load_scenario(ROOT / "scenarios" / "presence" / "walking.toml")
    with pytest.raises(BadInput, match="training never hears it"):
        examples.example(judged.draw(judged.cells()[0], 0, 1))


def test_train_and_tune_are_other_scenarios_with_other_rooms():
    train, tune = (examples.scenarios(SCENARIOS, split) for split in ("train", "tune"))
    assert not {one.id for one in train} & {one.id for one in tune}
    assert any(one.first.expect.labels for one in tune) and any(not one.first.expect.labels for one in tune)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one scenario of 6 s: a lamp sways, then a person of the arm's kind moves."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "swinging.toml").write_text(
        """
format = "earshot-scenario/1"
id = "short_arm"
title = "A bar swings"
device = "ultrasonic_speaker"
split = "train"
trials = 2
duration_s = 6.0
room = {size_m = [4.0, 3.0, 2.5], rt60_s = 0.3}
placement = {position_m = [0.3, 1.5, 0.9]}
movers = [{kind = "arm", name = "arm", distance_m = 1.2, start_s = 4.2, stroke_deg = 60.0}]
[expect]
labels = ["minor_motion"]
"""
    )
    return folder


def test_an_example_holds_maps_of_two_microphone_sets_and_sees_the_motion(short: Path):
    scenario = load_scenario(short / "swinging.toml")
    maps, labels, onsets = examples.example(scenario.draw(scenario.cells()[0], 0, 1))
    assert maps.shape == (2, 120, CHANNELS, BANDS) and maps.dtype == np.float16
    assert onsets.shape == (1, 3) and onsets[0, 0] == pytest.approx(4.2, abs=0.01)
    moving, still = (maps[0, labels == label, 0].astype(np.float32).mean() for label in (1, 0))
    assert moving > still + 0.1  # 1 dB over all bands


def test_rendering_goes_on_where_it_stopped(short: Path, tmp_path: Path):
    wanted = examples.places(examples.chosen([load_scenario(short / "swinging.toml")], ()), tmp_path, 1)
    assert len(wanted) == 2
    wanted[0].file.parent.mkdir(parents=True)
    np.savez(
        wanted[0].file,
        maps=np.ones((1, 1, CHANNELS, BANDS)),
        labels=np.zeros(1, np.int8),
        onsets=np.zeros((0, 3)),
    )
    told: list[tuple[int, int]] = []
    examples.render(wanted, 1, lambda done, total: told.append((done, total)))
    assert told[0] == (1, 2) and told[-1] == (2, 2)
    first, second = examples.load(wanted)
    assert len(first.labels) == 1 and len(second.labels) == 120
