"""The shipped networks: small, streaming with a memory in the caller's hands, and refused when made for something else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import detectors
from detectors.errors import DetectorError
from detectors.presence.features import BANDS, CHANNELS
from detectors.presence.network import CLASSES, Classifier

MODELS = Path(detectors.__file__).parent / "models"
FLOAT, INT8 = MODELS / "presence.onnx", MODELS / "presence_int8.onnx"


def maps(hops: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0.0, 0.5, (hops, CHANNELS, BANDS)).astype(np.float32)


def run(classifier: Classifier, heard: np.ndarray) -> np.ndarray:
    state, found = classifier.start(), []
    for one in heard:
        probabilities, state = classifier.step(one, state)
        found.append(probabilities)
    return np.array(found)


@pytest.mark.parametrize("path", [FLOAT, INT8])
def test_probabilities_are_of_three_classes_and_sum_to_one(path: Path):
    found = run(Classifier(path), maps(20))
    assert found.shape == (20, len(CLASSES))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_the_memory_is_all_that_a_step_depends_on():
    heard = maps(30)
    one, other = Classifier(FLOAT), Classifier(FLOAT)
    state = one.start()
    for hop in heard[:20]:
        _, state = one.step(hop, state)
    _, elsewhere = other.step(heard[0], other.start())
    assert not np.array_equal(elsewhere, state)
    expected = run(one, heard)
    for index, hop in enumerate(heard[20:], start=20):
        probabilities, state = other.step(hop, state)
        np.testing.assert_array_equal(probabilities, expected[index])


def test_silence_for_minutes_leaves_the_network_alive_and_quiet():
    classifier, state = Classifier(FLOAT), Classifier(FLOAT).start()
    for _ in range(72_000 // 10):
        probabilities, state = classifier.step(np.zeros((CHANNELS, BANDS), np.float32), state)
    assert np.isfinite(state).all()
    assert CLASSES[int(np.argmax(probabilities))] == "none"


def test_the_networks_fit_the_budget():
    """At most 200 000 learnt numbers; int8 weights at most 256 KB."""
    assert 20_000 <= Classifier(FLOAT).parameters <= 200_000
    assert INT8.stat().st_size <= 256 * 1024
    assert INT8.stat().st_size < 0.5 * FLOAT.stat().st_size


def test_int8_decides_as_float32_does():
    """Residual: 0.05 in probability on average, on maps like noise."""
    apart = np.abs(run(Classifier(FLOAT), maps(200)) - run(Classifier(INT8), maps(200)))
    assert apart.mean() < 0.05


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    (tmp_path / "presence.onnx").write_bytes(b"weights")
    with pytest.raises(DetectorError, match="not a network that can be run"):
        Classifier(tmp_path / "presence.onnx")


def test_a_network_for_another_map_is_refused(tmp_path: Path):
    other = FLOAT.read_bytes().replace(b"doppler-map/1", b"doppler-map/0")
    (tmp_path / "other.onnx").write_bytes(other)
    with pytest.raises(DetectorError, match="doppler-map/0"):
        Classifier(tmp_path / "other.onnx")


@pytest.mark.parametrize("name", ["presence", "presence_int8", "presence_unmined"])
def test_the_card_is_of_the_networks_that_are_shipped(name):
    model = MODELS / f"{name}.onnx"
    (row,) = (
        line
        for line in (MODELS / "presence.md").read_text().splitlines()
        if line.startswith(f"| `{name}.onnx` |")
    )
    _, _, _, size, _, digest, _ = (cell.strip(" `") for cell in row.split("|"))
    assert int(size) == model.stat().st_size
    assert digest == hashlib.sha256(model.read_bytes()).hexdigest()
