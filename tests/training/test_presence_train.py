"""Training from end to end, tiny: what is published, what is told of it, and that mining is of the network at hand."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.presence.network import Classifier
from lab.commands.mine import HOURS, ROUNDS, THRESHOLD
from lab.errors import BadInput
from lab.training.presence import examples, train
from lab.training.presence.learn import Recipe
from lab.training.presence.train import CARD, INT8, MODEL, MODELS, UNMINED, Job

pytest.importorskip("torch", reason="training is an extra: requirements/install.sh train")
pytest.importorskip("onnx", reason="training is an extra: requirements/install.sh train")

SCENARIO = """
format = "earshot-scenario/1"
id = "{id}"
title = "A short one"
device = "ultrasonic_speaker"
split = "{split}"
trials = 1
duration_s = 5.0
room = {{size_m = [4.0, 3.0, 2.5], rt60_s = 0.3}}
placement = {{position_m = [0.3, 1.5, 0.9]}}
"""
ARM = """
movers = [{kind = "arm", name = "arm", distance_m = 1.2, start_s = 3.8, stroke_deg = 60.0}]
[expect]
labels = ["minor_motion"]
"""
TRIAL_H = 5.0 / 3600.0
EVERYTHING = -40.0  # a threshold that any score exceeds: every trial of clutter fools the network


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Renders in this process: a pool takes longer to start than these trials."""
    monkeypatch.setattr(examples, "run_chunks", lambda chunks, work, *_: [work(chunk) for chunk in chunks])
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for split in ("train", "tune"):
        for name, more in (("quiet", ""), ("arm", ARM)):
            text = SCENARIO.format(id=f"{split}_{name}", split=split) + more
            (folder / f"{split}_{name}.toml").write_text(text)
    return Job(
        work=tmp_path / "work",
        out=tmp_path / "out",
        folder=folder,
        jobs=1,
        recipe=Recipe(steps=6, batch=2, sequence=40, burn_in=4, width=8, memory=8),
        say=lambda _: None,
    )


def test_training_and_mining_publish_a_network_its_variants_and_how_to_make_them(
    job: Job, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(BadInput, match="run lab train presence first"):
        train.mine(job, TRIAL_H, 1, EVERYTHING)

    def published() -> dict[str, bytes]:
        return {name: (job.out / name).read_bytes() for name in (MODEL, INT8, UNMINED)}

    def facts() -> dict:
        return json.loads(job.kept.facts_file.read_text())

    told = train.train(job)
    trained, card = published(), (job.out / CARD).read_text()
    assert trained[MODEL] == trained[UNMINED] and len(trained[INT8]) < len(trained[MODEL])
    assert Classifier(job.out / MODEL).parameters == facts()["parameters"]
    assert told in card and "    lab train presence --seed 5 --steps 6\n" in card and "lab mine" not in card
    assert facts()["rendering"]["trials"] == 4 and facts()["rendering"]["untold"] == 0

    train.mine(job, 2 * TRIAL_H, 2, EVERYTHING)
    mined, card = published(), (job.out / CARD).read_text()
    assert mined[UNMINED] == trained[UNMINED] and mined[MODEL] != trained[MODEL]
    assert (
        f"lab mine presence --seed 5 --steps 6 --rounds 2 --hours {2 * TRIAL_H:g} --threshold -40\n" in card
    )
    assert [row["kept"] for row in facts()["rounds"]] == [2, 2]

    # Another training, in the same folder: what fooled the first network is none of its business.
    learnt: list[str] = []
    learn = train.learn

    def listening(examples, *rest, **options):
        learnt.extend(one.name for one in examples if one.mined)
        return learn(examples, *rest, **options)

    monkeypatch.setattr(train, "learn", listening)
    longer = replace(job, recipe=replace(job.recipe, steps=9))
    train.train(longer)
    assert facts()["rounds"] == [] and facts()["rendering"]["untold"] == 0
    train.mine(longer, TRIAL_H, 1, EVERYTHING)
    assert [row["kept"] for row in facts()["rounds"]] == [1]
    assert len(learnt) == 1 and learnt[0].startswith("train_quiet [] 1000 at ")

    # A card says which part of the rendering nobody timed.
    old = next((job.work / "cache" / "train_quiet").glob("*.npz"))
    with np.load(old) as content:
        np.savez(old, **{name: content[name] for name in content.files if name != "core_s"})
    train.train(longer)
    assert "Train and tune splits: 3 of 4 trials rendered in" in (job.out / CARD).read_text()


def test_only_the_scenarios_that_are_named_are_heard(job: Job):
    text = SCENARIO.format(id="train_silence", split="train")
    (job.folder / "train_silence.toml").write_text(text)
    train.train(job)
    train.mine(job, 2 * TRIAL_H, 1, EVERYTHING, ["train_silence"])
    heard = sorted(path.parent.name for path in (job.work / "mining").rglob("*.npz"))
    assert heard == ["train_silence", "train_silence"]
    card = (job.out / CARD).read_text()
    assert (
        " --threshold -40 --only train_silence\n" in card
        and " h heard of `train_silence`, 2 stretches" in card
    )

    several = train.gather(job, "tune", ["tune_quiet"], 3.0)
    assert [one.name for one in several] == [f"tune_quiet [] {index}" for index in range(3)]
    assert [one.name for one in train.gather(job, "tune", ["tune_arm []"])] == ["tune_arm [] 0"]
    known = r"tune_arm, tune_arm \[\], tune_quiet, tune_quiet \[\]$"
    for name in ("train_quiet", "none"):
        with pytest.raises(BadInput, match=f"no scenario '{name}' to choose; there are {known}"):
            train.gather(job, "tune", [name])
    with pytest.raises(BadInput, match="no scenario 'train_arm' to choose; there are train_quiet, "):
        train.mine(job, TRIAL_H, 1, EVERYTHING, ["train_arm"])


def test_the_published_network_was_made_by_the_commands_without_options_before_other_rounds():
    card = (MODELS / CARD).read_text()
    assert f"    lab train presence --seed {Recipe().seed}\n" in card
    usual = (
        f"--rounds {ROUNDS['presence']} --hours {HOURS['presence']:g} --threshold {THRESHOLD['presence']:g}\n"
    )
    assert f"    lab mine presence --seed {Recipe().seed} {usual}" in card


def test_the_tune_split_is_rendered_beside_learning(job: Job, monkeypatch: pytest.MonkeyPatch):
    """Learning waits for it here; with one process there is none beside, and it is rendered after."""
    beside = []
    real = train.learn

    def learn(*arguments):
        places = train._trials(several, "tune")
        ends = time.monotonic() + 60.0
        while not all(place.file.exists() for place in places) and time.monotonic() < ends:
            time.sleep(0.05)
        beside.append(all(place.file.exists() for place in places))
        return real(*arguments)

    monkeypatch.setattr(train, "learn", learn)
    several = replace(job, jobs=2)
    train.train(several)
    assert beside == [True]
