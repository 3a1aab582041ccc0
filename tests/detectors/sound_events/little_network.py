"""A base and four heads that can be worked out by hand. Run this file to write `little/*.onnx`; needs onnx.

embedding[f] = (mean novelty of the bands from 3 kHz on, mean novelty of the bands up to 600 Hz, FADED[0] state, 0 ...)
next_state = FADED[0] state + FADED[1] mean over frames of the first value
glass_break, door_knock, footsteps, door_close: logit = WEIGHTS[label] . (embedding[:3], 1)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).with_name("little")
BASE, ID = FOLDER / "base.onnx", "little"
BANDS = {0: slice(42, 64), 1: slice(0, 14)}
FADED = (0.5, 0.25)
WEIGHTS = {
    "glass_break": (6.0, -4.0, 0.0, -6.0),
    "door_knock": (-4.0, 6.0, 0.0, -6.0),
    "footsteps": (-4.0, 6.0, 0.0, -5.0),
    "door_close": (0.0, 0.0, 1.0, -8.0),
}


def head(label: str) -> Path:
    return FOLDER / f"head_{label}.onnx"


def heads(*labels: str) -> list[Path]:
    return [head(label) for label in labels or WEIGHTS]


def write() -> None:
    enter = np.zeros((128, 96), np.float32)
    for column, bands in BANDS.items():
        enter[bands, column] = 1.0 / (bands.stop - bands.start)
    remember = np.zeros((1, 96), np.float32)
    remember[0, 2] = FADED[0]
    _write(
        BASE,
        [
            ("MatMul", ["features", "enter"], ["entered"], {}),
            ("MatMul", ["state", "remember"], ["remembered"], {}),
            ("Add", ["entered", "remembered"], ["embedding"], {}),
            ("ReduceMean", ["entered", "frames"], ["mean"], {"keepdims": 0}),
            ("Slice", ["mean", "zero", "one", "one"], ["first"], {}),
            ("Mul", ["state", "keep"], ["kept"], {}),
            ("Mul", ["first", "take"], ["taken"], {}),
            ("Add", ["kept", "taken"], ["next_state"], {}),
        ],
        {
            "enter": enter,
            "remember": remember,
            "frames": np.array([1], np.int64),
            "zero": np.array([0], np.int64),
            "one": np.array([1], np.int64),
            "keep": np.array(FADED[0], np.float32),
            "take": np.array(FADED[1], np.float32),
        },
        {"features": [1, "F", 128], "state": [1, 1]},
        {"embedding": [1, "F", 96], "next_state": [1, 1]},
        {"features": "log-mel/1", "id": ID, "parameters": "128"},
    )
    for label, weights in WEIGHTS.items():
        column = np.zeros((96, 1), np.float32)
        column[:3, 0] = weights[:3]
        _write(
            head(label),
            [
                ("MatMul", ["embedding", "weights"], ["product"], {}),
                ("Add", ["product", "bias"], ["sum"], {}),
                ("Squeeze", ["sum", "last"], ["logit"], {}),
            ],
            {
                "weights": column,
                "bias": np.array(weights[3:], np.float32),
                "last": np.array([2], np.int64),
            },
            {"embedding": [1, "F", 96]},
            {"logit": [1, "F"]},
            {"base": ID, "label": label, "parameters": "4"},
        )


def _write(path: Path, nodes, constants, inputs, outputs, facts) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = [helper.make_node(kind, given, got, **more) for kind, given, got, more in nodes]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in one.items()]
        for one in (inputs, outputs)
    ]
    known = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(made, path.stem, *ends, known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    write()
