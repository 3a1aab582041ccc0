"""Base and heads: streaming with a memory in the caller's hands, one head apart from all others, and refused when made for something else."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.sound_events.features import CHANNELS, MELS
from detectors.sound_events.network import EMBEDDING, Base, Head, Network
from tests.detectors.sound_events import little_network as little


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0.5, 0.5, (count, CHANNELS, MELS)).astype(np.float32)


def run(network: Network, heard: np.ndarray, at_once: int = 5) -> dict[str, list[float]]:
    state, found = network.start(), {label: [] for label in network.heads}
    for first in range(0, len(heard), at_once):
        logits, state = network.step(heard[first : first + at_once], state)
        for label, value in logits.items():
            found[label].append(value)
    return found


def test_log_odds_are_those_worked_out_by_hand():
    """Residual: 1e-5, float32."""
    heard = frames(15)
    found = run(Network(little.BASE, little.heads()), heard)
    state = 0.0
    for hop in range(3):
        novelty = heard[5 * hop : 5 * hop + 5, 0].astype(np.float64)
        embedding = [novelty[:, bands].mean() for bands in little.BANDS.values()]
        embedding += [little.FADED[0] * state, 1.0]
        for label, weights in little.WEIGHTS.items():
            assert found[label][hop] == pytest.approx(np.dot(weights, embedding), abs=1e-5)
        state = little.FADED[0] * state + little.FADED[1] * embedding[0]


def test_the_memory_is_all_that_a_step_depends_on():
    heard = frames(30)
    one, other = Base(little.BASE), Base(little.BASE)
    state = one.start()
    for first in range(0, 25, 5):
        _, state = one.step(heard[first : first + 5], state)
    other.step(heard[:5], other.start())
    expected, following = one.step(heard[25:], state)
    embedding, elsewhere = other.step(heard[25:], state)
    np.testing.assert_array_equal(embedding, expected)
    np.testing.assert_array_equal(elsewhere, following)
    assert embedding.shape == (1, 5, EMBEDDING)


def test_adding_a_head_leaves_the_base_the_other_heads_and_their_scores_as_they_are(tmp_path: Path):
    """To the byte and to the bit."""

    def digests() -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}

    shutil.copy(little.BASE, tmp_path)
    for label in ("glass_break", "footsteps"):
        shutil.copy(little.head(label), tmp_path)
    before, heard = digests(), frames(50)
    alone = run(Network(tmp_path / "base.onnx", sorted(tmp_path.glob("head_*"))), heard)
    shutil.copy(little.head("door_knock"), tmp_path)
    after = digests()
    joined = run(Network(tmp_path / "base.onnx", sorted(tmp_path.glob("head_*"))), heard)
    assert set(after) - set(before) == {"head_door_knock.onnx"}
    assert {name: after[name] for name in before} == before
    assert set(joined) - set(alone) == {"door_knock"}
    assert {label: joined[label] for label in alone} == alone


def test_only_the_heads_that_are_asked_for_run():
    network = Network(little.BASE, little.heads(), ["door_knock", "smoke_alarm"])
    assert list(network.heads) == ["door_knock"]
    assert network.parameters == 128 + 4


def test_a_file_that_is_no_network_is_refused_by_name(tmp_path: Path):
    (tmp_path / "base.onnx").write_bytes(b"weights")
    with pytest.raises(DetectorError, match=r"base\.onnx: not a network that can be run"):
        Base(tmp_path / "base.onnx")


def test_a_head_is_no_base_and_a_base_no_head():
    with pytest.raises(DetectorError, match=r"head_glass_break\.onnx: made for features None"):
        Base(little.head("glass_break"))
    with pytest.raises(DetectorError, match=r"base\.onnx: label ''"):
        Head(little.BASE, Base(little.BASE))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("base.onnx", b"log-mel/1", b"log-mel/9", "made for features 'log-mel/9'"),
        ("base.onnx", b"embedding", b"embettung", r"wants embedding \(..., 96\), next_state"),
        (
            "head_door_knock.onnx",
            b"little",
            b"larger",
            "trained on base 'larger', the base at hand is 'little'",
        ),
        ("head_door_knock.onnx", b"door_knock", b"door_knack", "label 'door_knack'; allowed: watermark"),
        ("head_door_knock.onnx", b"logit", b"logot", r"wants logit \(..., any\); the file has logot"),
    ],
)
def test_a_file_made_for_something_else_is_refused(tmp_path: Path, name, old, new, said):
    content = (little.FOLDER / name).read_bytes()
    assert old in content
    (tmp_path / name).write_bytes(content.replace(old, new))
    with pytest.raises(DetectorError, match=rf"{name}: {said}"):
        if name == "base.onnx":
            Base(tmp_path / name)
        else:
            Head(tmp_path / name, Base(little.BASE))


def test_two_heads_for_one_event_are_refused(tmp_path: Path):
    shutil.copy(little.head("door_knock"), tmp_path / "head_door_knock_again.onnx")
    with pytest.raises(DetectorError, match=r"again\.onnx: a second head for door_knock"):
        Network(little.BASE, [*little.heads(), tmp_path / "head_door_knock_again.onnx"])
