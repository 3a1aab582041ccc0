"""A verifier of three labels that can be worked out by hand. Run this file to write `little_verifier.onnx`; needs onnx.

    logits = mean over frames of the features (128) times WEIGHTS (128, 3) + BIAS (3)

smoke_alarm: how far the mel band about 3.1 kHz stands above the mean of all bands. glass_break and footsteps: constants.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".onnx")
LABELS = ("smoke_alarm", "glass_break", "footsteps")
BAND = 42
BIAS = np.array([-8.0, 1.25, -1.5], np.float32)
WEIGHTS = np.zeros((128, 3), np.float32)
WEIGHTS[64:, 0] = -8.0 / 64
WEIGHTS[64 + BAND, 0] += 8.0


def write() -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["features", "frames"], ["mean"], keepdims=0),
            helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"]),
        ],
        "little_verifier",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "frames_heard", 128])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "frames"),
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(BIAS, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"features": "log-mel/1", "labels": " ".join(LABELS)})
    onnx.checker.check_model(model)
    FILE.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    write()
