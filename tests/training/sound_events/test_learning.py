"""What torch learns is what ONNX Runtime answers, and a new head changes no other file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is an extra: requirements/install.sh train")
pytest.importorskip("onnx", reason="training is an extra: requirements/install.sh train")

from detectors.errors import DetectorError
from detectors.sound_events import features
from detectors.sound_events.network import Base, Head, Network
from detectors.sound_events.verifier import Clip, OnnxVerifier
from lab.errors import BadInput
from lab.training.sound_events import evaluate, export, heads, learn, mining, pretrain, study, verifier
from lab.training.sound_events.examples import WIDTH
from lab.training.sound_events.scenes import TARGETS, UNSURE
from tests.training.sound_events.bursts import GLASS, KNOCK, RECIPE


def test_onnx_answers_as_torch_does_whole_or_in_pieces(examples, weights, folder):
    net = learn.network()
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    net.eval()
    seen = examples[0].features.astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(seen[None]))[0].numpy()
    network = evaluate.opened(folder, learn.LABELS)
    state, found = network.start(), []
    for cut in np.split(seen, [5, 40, 41]):
        frames = cut.reshape(-1, features.CHANNELS, features.MELS)
        embedding, state = network.base.step(frames, state)
        found.append(np.stack([network.heads[label].logits(embedding) for label in learn.LABELS], axis=1))
    assert np.abs(np.concatenate(found) - wanted).max() < 1e-4


def test_the_device_stage_is_small_enough_and_says_how_small(folder):
    network = evaluate.opened(folder, learn.LABELS)
    net = learn.network()
    assert network.parameters == sum(one.numel() for one in net.parameters())
    assert network.parameters <= 300_000


def test_int8_files_are_smaller_and_hear_nearly_the_same(examples, folder):
    whole, small = evaluate.opened(folder, learn.LABELS), evaluate.opened(folder, learn.LABELS, int8=True)
    assert (folder / "base_int8.onnx").stat().st_size < 0.5 * (folder / "base.onnx").stat().st_size
    for label, values in evaluate.log_odds(whole, examples[1]).items():
        assert np.abs(values - evaluate.log_odds(small, examples[1])[label]).max() < 0.3


def test_crops_are_where_something_happens(examples):
    batches = learn.Batches(examples, replace(RECIPE, batch=40, crop=60), [GLASS, KNOCK])
    busy = np.mean([(batches.at(step, 0).labels == 1).any(axis=(1, 2)).mean() for step in range(10)])
    anywhere = (60 + 20 - 1 - 10) / (150 - 60 + 1)  # starts from which a burst is heard after the burn-in
    assert busy > anywhere + 0.05
    assert np.array_equal(batches.at(3, 1).features, batches.at(3, 1).features)
    assert not np.array_equal(batches.at(3, 0).features, batches.at(3, 1).features)


def test_unsure_frames_teach_nothing():
    logits = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros(2, 30, 3, dtype=torch.int8)
    labels[:, 10:20, 0] = 1
    changed = logits.clone()
    changed[:, 20:25] += 5.0
    labels[:, 20:25] = UNSURE
    assert torch.equal(learn.loss_of(logits, labels), learn.loss_of(changed, labels))


def test_one_frame_of_an_event_told_is_worth_more_than_many_half_told():
    labels = torch.zeros(1, 40, 1, dtype=torch.int8)
    labels[:, 10:20] = 1
    flat = torch.full((1, 40, 1), -4.0)
    once = flat.clone()
    once[:, 12] += 10.0
    spread = flat.clone()
    spread[:, 10:20] += 1.0  # the same sum over frames
    assert learn.loss_of(once, labels) < learn.loss_of(spread, labels)


def test_pre_training_changes_the_base_and_knows_no_head(examples):
    made = pretrain.pretrain(examples, replace(RECIPE, steps=80), lambda line: None)
    assert {name.split(".")[0] for name in made} == {"mean", "scale", "enter", "memory"}
    started = learn.learn(examples, RECIPE, lambda line: None, start=made)
    assert set(started) == set(learn.weights_of(learn.network()))


def test_a_new_head_is_one_file_and_every_other_stays_byte_identical(examples, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    base = Base(folder / "base.onnx")
    recipe = heads.HeadRecipe(examples=4, others=4, steps=300, batch=4, rate=1e-2)
    made = heads.learn_head(base, examples, "door_knock", recipe, RECIPE, lambda line: None)
    export.write_head(made, "door_knock", base.id, folder / "head_door_knock.onnx")
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() - before.keys() == {"head_door_knock.onnx"}
    assert all(after[name] == content for name, content in before.items())
    network = evaluate.opened(folder, ["door_knock"])
    (figure,) = evaluate.figures(network, examples)
    assert figure.precision > 0.9


def test_a_head_learns_from_few_examples_only(examples):
    with pytest.raises(BadInput, match="at most 20"):
        heads.few(examples, "door_knock", heads.HeadRecipe(examples=21))
    with pytest.raises(BadInput, match="no scene with it"):
        heads.few(examples, "co_alarm", heads.HeadRecipe())
    chosen, others = heads.few(examples, "door_knock", heads.HeadRecipe(examples=3))
    assert len(chosen) == 3
    assert not any((one.labels[:, KNOCK] == 1).any() for one in others)


def test_a_head_of_another_base_is_refused(weights, folder):
    head = export.head_weights(weights, "glass_break")
    path = export.write_head(head, "glass_break", "0" * 16, folder / "head_other.onnx")
    with pytest.raises(DetectorError, match="0000"):
        Head(path, Base(folder / "base.onnx"))


def test_the_verifier_answers_as_torch_does_with_its_normalisation_folded(examples, folder):
    network = Network(folder / "base.onnx", [folder / f"head_{label}.onnx" for label in learn.LABELS])
    flagged = verifier.clips(network, examples, 1)
    assert {one.asked for one in flagged} >= {"glass_break", "door_knock"}
    recipe = verifier.VerifierRecipe(steps=3, frames=600, learning=RECIPE)
    nets = []
    take = verifier.take
    verifier.take = lambda loss, net, optimiser: (nets.append(net), take(loss, net, optimiser))
    try:
        made = verifier.learn(flagged * 4, recipe, lambda line: None)
    finally:
        verifier.take = take
    path = verifier.write(made, folder / "verifier.onnx")
    net = nets[-1].eval()
    for seconds in (0.9, 3.0):
        audio = examples[1].scene.float_audio[: round(seconds * 16_000)]
        seen = features.of(audio).reshape(1, -1, WIDTH)
        with torch.no_grad():
            wanted = torch.sigmoid(net(torch.from_numpy(seen)))[0].numpy()
        scores = OnnxVerifier(path).scores(Clip(audio, "glass_break", 0.0))
        assert tuple(scores) == verifier.VERDICTS
        assert np.abs(np.array(list(scores.values())) - wanted).max() < 1e-4
    assert export.parameters(made) <= 1_000_000


def test_answers_are_raised_until_true_clips_of_unheard_scenes_are_confirmed(examples, folder):
    torch = learn.torch_module()
    torch.manual_seed(2)
    net = verifier.network()
    net.eval()
    weights = {**verifier._folded(net), "answer.bias": np.full(len(verifier.VERDICTS), -30.0, np.float32)}
    network = evaluate.opened(folder, learn.LABELS)
    held = verifier.clips(network, examples, 1)
    glass = verifier.VERDICTS.index("glass_break")
    true = [one for one in held if one.asked == "glass_break" and one.target[glass] == 1]
    held += true * (1 + verifier.LEAST_TRUE // len(true))
    path = verifier.write(weights, folder / "verifier.onnx")
    made, raised = verifier.calibrated(weights, path, held)
    assert raised["glass_break"] > 20.0
    assert made["answer.bias"][-1] == -30.0, "the answer to nothing stays"
    judged = {one.label: one for one in verifier.judge(verifier.write(made, path), held)}
    assert verifier.CONFIRMED - 0.05 <= judged["glass_break"].confirmed <= 1.0
    assert verifier.calibrated(made, path, held)[1]["glass_break"] == pytest.approx(0.0, abs=1e-3)


def test_other_is_the_answer_to_nothing():
    labels = np.zeros((50, len(TARGETS)), np.int8)
    assert verifier.target_of(labels)[-1] == 1
    labels[3:5, GLASS] = UNSURE
    assert verifier.target_of(labels)[-1] == UNSURE
    labels[10:20, GLASS] = 1
    assert verifier.target_of(labels)[-1] == 0
    assert verifier.target_of(labels)[GLASS] == 1


def test_average_precision_counts_ties_against():
    assert evaluate.average_precision(np.array([3.0, 2.0]), np.array([1.0])) == 1.0
    assert evaluate.average_precision(np.array([1.0]), np.array([1.0])) == 0.5
    assert evaluate.average_precision(np.array([3.0, 1.0]), np.array([2.0])) == pytest.approx(
        (1.0 + 2.0 / 3.0) / 2.0
    )


def test_mining_keeps_what_fools_and_nothing_else(examples, folder, tmp_path):
    network = evaluate.opened(folder, learn.LABELS)
    highest = [mining._highest(network, one) for one in examples]
    limit = float(np.median([max(one.values()) for one in highest]))
    kept = mining.fooled(network, examples, limit)
    assert 0 < len(kept) < len(examples)
    assert all(one.mined for one in kept)
    mining.keep(tmp_path / "mined" / "000.npz", kept)
    again = mining.kept(tmp_path, [{"file": "mined/000.npz"}, {"file": None}, {}])
    assert [np.array_equal(a.labels, b.labels) for a, b in zip(kept, again, strict=True)] == [True] * len(
        kept
    )


def test_calmed_heads_come_above_zero_no_oftener_than_allowed_and_rank_as_before(
    examples, weights, folder, tmp_path
):
    silent = [replace(one, labels=np.zeros_like(one.labels)) for one in examples]
    hours = sum(one.hours for one in silent)
    high = dict(weights)
    for label in learn.LABELS:
        high[f"heads.{label}.2.bias"] = weights[f"heads.{label}.2.bias"] + np.float32(9.0)
    export.write_network(high, learn.LABELS, tmp_path / "high")
    loud = evaluate.opened(tmp_path / "high", learn.LABELS)
    calm, lowered = mining.calmed(high, loud, silent, dict.fromkeys(learn.LABELS, 3.0 / hours))
    assert all(by > 0.0 for by in lowered.values())
    export.write_network(calm, learn.LABELS, tmp_path / "calm")
    network = evaluate.opened(tmp_path / "calm", learn.LABELS)
    for rate in mining.alarms_per_hour(network, silent, 1e-4).values():
        assert rate <= 3.0 / hours + 1e-9
    assert network.base.id == loud.base.id
    untouched, by = mining.calmed(calm, network, silent, dict.fromkeys(learn.LABELS, 12.0 / hours))
    assert set(by.values()) == {0.0}
    assert all(np.array_equal(untouched[name], value) for name, value in calm.items())


def test_a_teacher_labels_without_looking_at_the_labels(examples, folder):
    network = evaluate.opened(folder, learn.LABELS)
    blind = [replace(one, labels=np.full_like(one.labels, UNSURE)) for one in examples]
    for a, b in zip(study.labelled_by(network, examples), study.labelled_by(network, blind), strict=True):
        assert np.array_equal(a.labels, b.labels)
        assert (a.labels[:, KNOCK] == UNSURE).all()  # the teacher has no head for it
