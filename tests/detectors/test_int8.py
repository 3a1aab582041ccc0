"""The networks in 8 bits answer as those in 32 on any processor, also where products of signed weights would overflow."""

import numpy as np
import onnxruntime
import pytest

from detectors.build import BUILDS
from detectors.presence.features import BANDS, CHANNELS
from detectors.presence.network import Classifier

MODELS = BUILDS.parent / "models"
PAIRS = sorted((MODELS / "sound_events").glob("*_int8.onnx"))


def test_presence():
    """Of several draws: what one network makes of noise differs from draw to draw by more than 8 bits do."""
    whole, small = (Classifier(MODELS / f"{name}.onnx") for name in ("presence", "presence_int8"))
    apart = [_apart(whole, small, np.random.default_rng(seed)) for seed in range(3, 11)]
    assert np.mean(apart) < 0.003


def _apart(whole, small, rng):
    """Mean of the largest difference of a probability over 20 s of noise, of which every second has its own level and pattern."""
    states, apart = [whole.start(), small.start()], []
    loud = 10.0 ** rng.uniform(-1.0, 1.0, 20)
    lasting = rng.normal(0.0, 1.0, (20, CHANNELS, BANDS))
    for hop in range(400):
        noise = 0.3 * rng.normal(0.0, 1.0, (CHANNELS, BANDS))
        maps = (loud[hop // 20] * (lasting[hop // 20] + noise)).astype(np.float32)
        first, states[0] = whole.step(maps, states[0])
        second, states[1] = small.step(maps, states[1])
        apart.append(np.abs(np.array(first) - np.array(second)).max())
    return np.mean(apart)


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_sound_events(path):
    rng = np.random.default_rng(3)
    sessions = [
        onnxruntime.InferenceSession(str(one))
        for one in (path.with_name(path.name.replace("_int8", "")), path)
    ]
    fed = {}
    for one in sessions[0].get_inputs():
        shape = [size if isinstance(size, int) else 300 for size in one.shape]
        fed[one.name] = np.zeros(shape) if one.name == "state" else rng.normal(0.0, 1.0, shape)
        fed[one.name] = fed[one.name].astype(np.float32)
    whole, small = (session.run(None, fed)[0] for session in sessions)
    assert np.abs(whole - small).mean() < 0.05 * np.abs(whole).mean()
