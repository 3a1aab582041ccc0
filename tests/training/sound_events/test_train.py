"""Rounds of mining build on each other, and the card is written from what a folder holds, of its own base alone."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is an extra: requirements/install.sh train")
pytest.importorskip("onnx", reason="training is an extra: requirements/install.sh train")

from lab.errors import BadInput
from lab.training.sound_events import export, learn, train, verifier
from lab.training.sound_events.job import SCENES
from tests.training.sound_events.bursts import RECIPE


@pytest.fixture
def job(tmp_path) -> train.Job:
    (tmp_path / "work").mkdir()
    return train.Job(work=tmp_path / "work", out=tmp_path / "out", recipe=RECIPE, say=lambda line: None)


@pytest.fixture
def rounds(job, examples, weights, monkeypatch):
    """Starts a round that hears the bursts and of which the given ones fool the network; returns what it learnt from."""
    facts = {"rounds": [], "base": "of before"}
    state = {"weights": weights, "heard": []}
    silent = [replace(one.scene, labels=np.zeros_like(one.labels)) for one in examples]

    def scenes(store, split, count, say, clutter, first):
        assert (split, clutter) == ("train", True)
        state["heard"].append(range(first, first + count))
        return silent

    def learnt(data, recipe, say, start, kept):
        state["data"] = data
        return {**start, "enter.bias": start["enter.bias"] + 1.0}

    monkeypatch.setattr(train, "scenes", scenes)
    monkeypatch.setattr(train, "learn", learnt)

    def start(*fooling: int) -> list:
        fooled = [replace(train.example(silent[one]), mined=True) for one in fooling]
        monkeypatch.setattr(train.mining, "fooled", lambda network, heard, threshold: fooled)
        state["data"] = []
        state["weights"] = train._round(job, state["weights"], facts, examples, 1.0, 0.0)
        return state["data"]

    return start, facts, state


def test_a_round_learns_from_what_fooled_the_rounds_before_it_too(rounds, examples, job):
    start, facts, _ = rounds
    first, second = start(3), start(5, 7)
    assert len(first) == len(examples) + 1
    assert [one.mined for one in second] == [False] * len(examples) + [True] * 3
    for one, index in zip(second[-3:], (3, 5, 7), strict=True):
        assert np.array_equal(one.scene.audio, examples[index].scene.audio)
    assert len({row["file"].split("/")[0] for row in facts["rounds"]}) == 2, "a folder for each base fooled"
    assert all((job.work / row["file"]).exists() for row in facts["rounds"])


def test_a_round_that_nothing_fooled_learns_nothing_and_is_no_file_to_the_next(rounds, examples):
    start, facts, _ = rounds
    assert start() == []
    assert facts["rounds"][0]["file"] is None
    assert len(start(2)) == len(examples) + 1


def test_a_round_of_before_files_were_named_can_still_be_read(rounds, examples):
    start, facts, _ = rounds
    facts["rounds"].append({"hours": 2.0, "kept": 138})
    assert len(start(2)) == len(examples) + 1


def test_no_two_rounds_hear_the_same_scenes(rounds):
    start, _, state = rounds
    start(1)
    start(2)
    heard = [index for span in state["heard"] for index in span]
    assert len(heard) == len(set(heard))


def test_facts_name_a_base_only_once_all_of_it_is_done(rounds, job):
    start, facts, _ = rounds
    start(1)
    assert "base" not in facts
    assert "base" not in json.loads(job.kept.facts_file.read_text())


@pytest.fixture
def published(job, weights):
    """Models of a few steps, and the facts of their training."""
    labels = dict.fromkeys(learn.LABELS, 0.0)
    export.write_network(weights, learn.LABELS, job.out)
    head = export.head_weights(weights, "glass_break")
    path = export.write_head(head, "door_knock", export.base_id(weights), job.out / "head_door_knock.onnx")
    export.write_int8(path, export.int8_of(path))
    learn.torch_module().manual_seed(1)
    verifier.write(verifier._folded(verifier.network().eval()), job.out / train.VERIFIER)
    facts = {
        "recipe": asdict(RECIPE),
        "scenes": 12,
        "hours": 0.01,
        "recordings": 0,
        "families": {"burst": 12},
        "pretrained": False,
        "rounds": [],
        "study": None,
        "seconds": {"scenes": 53, "learning": 7},
        "calm": labels,
        "calm_per_h": train.CALM_PER_H,
        "few": {"door_knock": {"examples": 6, "recorded": 2, "others": 5, "steps": 9}},
        "raised": {},
        "likeness": [],
        "originals": {},
        "base": export.base_id(weights),
        "clips": 4,
        "verifier_steps": 3,
        "verifier_clutter_h": 0.5,
        "verifier_parameters": 4,
        "then": [],
        "parameters": {"base": 1, "head": 2, "device": 3},
    }
    job.kept.facts_file.write_text(json.dumps(facts))
    return facts


def _bytes(job) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in job.out.glob("*.onnx")}


def test_a_card_is_written_anew_without_training(job, published, examples, monkeypatch):
    for name in ("learn", "learn_head", "pretrain"):
        monkeypatch.setattr(train, name, None)
    before = _bytes(job)
    shown = train.describe(job, examples, [])
    card = (job.out / train.CARD).read_text()
    assert f"Base `{published['base']}`" in card
    assert (
        "Head door_knock: 6 examples, 2 of them with a recording that is no background, and 5 scenes" in card
    )
    assert "Seconds: scenes from cache, which does not tell how long they took to render; learning 7." in card
    assert "| glass_break |" in shown
    assert _bytes(job) == before


def test_a_card_of_another_base_or_an_unfinished_training_is_refused(job, published, examples):
    for facts in ({**published, "base": "0" * 16}, {k: v for k, v in published.items() if k != "base"}):
        job.kept.facts_file.write_text(json.dumps(facts))
        with pytest.raises(BadInput, match=r"facts.json: no finished training of the base in"):
            train.describe(job, examples, [])
    job.kept.facts_file.unlink()
    with pytest.raises(BadInput, match="no finished training"):
        train.describe(job, examples, [])


@pytest.mark.parametrize("same", [True, False])
def test_a_new_head_rewrites_the_card_of_its_own_base_alone(
    job, published, examples, weights, monkeypatch, same
):
    said = []
    job = replace(job, say=said.append)
    if not same:
        job.kept.facts_file.write_text(json.dumps({**published, "base": "0" * 16}))
    (job.out / train.CARD).write_text("of before")
    monkeypatch.setattr(train, "gather", lambda job, split: examples)
    monkeypatch.setattr(train.evaluate, "played", lambda store: [])
    other = {name: value + 0.1 for name, value in export.head_weights(weights, "glass_break").items()}
    monkeypatch.setattr(train, "learn_head", lambda *args: other)
    before = _bytes(job)
    assert "| door_knock |" in train.train_head(job, "door_knock", 4)
    changed = {name for name, content in _bytes(job).items() if content != before[name]}
    assert changed == {"head_door_knock.onnx", "head_door_knock_int8.onnx"}
    card = (job.out / train.CARD).read_text()
    if same:
        assert (
            "Head door_knock: 4 examples, none of them with a recording that is no background, and 6 scenes"
            in card
        )
        assert "after the base and the verifier, which learnt from clips of the head before it" in card
        assert "`lab train sound_events`, then `lab train sound_events --head door_knock`" in card
    else:
        assert card == "of before"
        assert "left as it is" in said[-1]


def test_a_new_verifier_changes_no_file_of_the_device(job, published, examples, monkeypatch):
    monkeypatch.setattr(train, "gather", lambda job, split: examples)
    monkeypatch.setattr(train, "clutter", lambda *args: examples[:2])
    monkeypatch.setattr(train.evaluate, "played", lambda store: [])
    before = _bytes(job)
    job = replace(job, share=published["scenes"] / SCENES)
    train.train_verifier(replace(job, verifier=verifier.VerifierRecipe(steps=2)))
    assert {name for name, content in _bytes(job).items() if content != before[name]} == {train.VERIFIER}
    card = (job.out / train.CARD).read_text()
    assert "`lab train sound_events`, then `lab train sound_events --verifier`" in card
    seconds = sum(one.hours for one in examples[:2]) * 3600.0
    facts = json.loads(job.kept.facts_file.read_text())
    assert facts["verifier_clutter_h"] * 3600.0 == pytest.approx(seconds)
    alone = verifier.clips(
        train.evaluate.opened(job.out, train.TARGETS),
        [one for number, one in enumerate(examples) if number % train.HELD],
        job.recipe.seed,
    )
    assert facts["clips"] > len(alone)
    assert f"verifier 2 steps on {facts['clips']} clips" in card


@pytest.mark.parametrize(("scenes", "seed"), [(12, RECIPE.seed + 1), (13, RECIPE.seed)])
def test_a_verifier_is_not_learnt_from_other_scenes_than_the_base(job, published, scenes, seed):
    other = replace(job, share=scenes / SCENES, recipe=replace(job.recipe, seed=seed))
    with pytest.raises(BadInput, match=r"facts.json: (seed|scenes): the base learnt with \d+, asked are \d+"):
        train.train_verifier(other)


def test_facts_of_an_earlier_version_say_so(job, published):
    del published["then"]
    job.kept.facts_file.write_text(json.dumps(published))
    with pytest.raises(BadInput, match="of an earlier version of the training, without then"):
        train.train_verifier(job)


def test_which_heads_are_newer_than_the_verifier_is_said(job, published, examples, monkeypatch):
    facts = {**published, "then": ["--head door_knock", "--verifier"]}
    for then, newer in ((facts["then"], False), (facts["then"][::-1], True)):
        job.kept.facts_file.write_text(json.dumps({**facts, "then": then}))
        train.describe(job, examples, [])
        said = (
            "the verifier, which learnt from clips of the head before it"
            in (job.out / train.CARD).read_text()
        )
        assert said is newer
