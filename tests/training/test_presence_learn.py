"""Learning: the same seed gives the same bits, a plain problem is learnt, and the exported graph computes what torch does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.presence.features import BANDS, CHANNELS
from detectors.presence.network import Classifier
from lab.training.presence import evaluate
from lab.training.presence.examples import Example
from lab.training.presence.export import parameters, write_int8, write_onnx
from lab.training.presence.learn import Recipe, learn, network

torch = pytest.importorskip("torch", reason="training is an extra: requirements/install.sh train")
pytest.importorskip("onnx", reason="training is an extra: requirements/install.sh train")

SMALL = Recipe(steps=120, batch=8, sequence=40, burn_in=4, width=16, memory=16, rate=1e-2)


@pytest.fixture(scope="module")
def plain() -> list[Example]:
    """Major motion is loud in one band, minor in another."""
    rng = np.random.default_rng(7)
    found = []
    for number in range(6):
        maps = rng.normal(0.0, 0.3, (1, 200, CHANNELS, BANDS))
        labels = np.zeros(200, np.int8)
        labels[60:120], labels[150:] = 1 + number % 2, 0
        maps[:, 60:120, 0, 25 if number % 2 else 30] += 2.0
        onsets = np.array([[3.0, 6.0, 1 + number % 2]])
        found.append(Example(f"plain [] {number}", "plain", maps.astype(np.float16), labels, onsets))
    return found


@pytest.fixture(scope="module")
def weights(plain: list[Example]):
    return learn(plain, SMALL, lambda _: None)


def test_a_plain_problem_is_learnt(plain: list[Example], weights, tmp_path: Path):
    figures = evaluate.hop_figures(evaluate.score(write_onnx(weights, tmp_path / "m.onnx"), plain))
    assert figures["major"]["auc"] > 0.95 and figures["minor"]["auc"] > 0.95


def test_networks_side_by_side_say_what_one_says(plain: list[Example], weights, tmp_path: Path):
    model = write_onnx(weights, tmp_path / "m.onnx")
    one, three = (evaluate.score(model, plain, jobs=jobs) for jobs in (1, 3))
    assert [scored.example.name for scored in three] == [example.name for example in plain]
    for alone, beside in zip(one, three, strict=True):
        assert all(np.array_equal(alone.scores[label], beside.scores[label]) for label in evaluate.LABELS)


def test_the_same_seed_gives_the_same_bits_and_another_one_other_weights(plain: list[Example]):
    brief = replace(SMALL, steps=5)
    first, again, other = (
        learn(plain, recipe, lambda _: None) for recipe in (brief, brief, replace(brief, seed=6))
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["enter.weight"], other["enter.weight"])


def test_the_exported_graph_computes_what_torch_does(plain: list[Example], weights, tmp_path: Path):
    """Residual: 1e-5 in probability."""
    net = network(SMALL)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    maps = plain[0].maps[0].astype(np.float32)
    with torch.no_grad():
        expected = torch.softmax(net(torch.from_numpy(maps.reshape(1, len(maps), -1))), dim=-1)[0].numpy()
    classifier = Classifier(write_onnx(weights, tmp_path / "m.onnx"))
    np.testing.assert_allclose(evaluate.probabilities(classifier, maps), expected, atol=1e-5)
    assert classifier.parameters == parameters(weights)


def test_int8_is_smaller_and_decides_alike(plain: list[Example], weights, tmp_path: Path):
    """Residual: 0.1 in probability, on average 0.02."""
    whole = write_onnx(weights, tmp_path / "m.onnx")
    small = write_int8(whole, tmp_path / "i.onnx")
    maps = plain[0].maps[0].astype(np.float32)
    apart = np.abs(
        evaluate.probabilities(Classifier(whole), maps) - evaluate.probabilities(Classifier(small), maps)
    )
    assert apart.mean() < 0.02
    assert small.stat().st_size < whole.stat().st_size
