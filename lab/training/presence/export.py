"""Weights to ONNX: one hop a call, state in and out, in plain matrix products that any runtime or DSP compiler knows.

    r = sigma(a_r + b_r),  z = sigma(a_z + b_z),  n = tanh(a_n + r b_n),  h' = n + z (h - n);   a = W x + c,  b = U h + d

The int8 file holds the same graph with weights of 8 bits per output column and activations quantised as they come.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from detectors.presence.features import BANDS, CHANNELS, VERSION
from detectors.presence.network import CLASSES
from lab.errors import BadInput
from lab.training.presence.learn import Weights

OPSET, IR = 17, 9


def parameters(weights: Weights) -> int:
    """Numbers that were learnt."""
    return int(sum(value.size for name, value in weights.items() if name not in ("mean", "scale")))


def write_onnx(weights: Weights, path: Path) -> Path:
    """Raises BadInput without the onnx package, an extra of training."""
    try:
        from onnx import TensorProto, helper, numpy_helper, save
    except ModuleNotFoundError:
        raise BadInput("export needs onnx: requirements/install.sh train") from None
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str | list[str], **attributes: Any) -> str:
        outputs = [output] if isinstance(output, str) else output
        nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]

    def dense(name: str, source: str, matrix: np.ndarray, bias: np.ndarray) -> str:
        product = node("MatMul", [source, constant(f"{name}.weight", matrix.T)], f"{name}.product")
        return node("Add", [product, constant(f"{name}.bias", bias)], name)

    width = weights["memory.weight_hh_l0"].shape[1]
    thirds = constant("thirds", np.array([width] * 3, np.int64))
    centred = node("Sub", ["features", constant("mean", weights["mean"])], "centred")
    scaled = node("Div", [centred, constant("scale", weights["scale"])], "scaled")
    limits = [constant("least", np.float32(-6.0)), constant("most", np.float32(6.0))]
    clipped = node("Clip", [scaled, *limits], "clipped")
    seen = node("Relu", [dense("enter", clipped, weights["enter.weight"], weights["enter.bias"])], "seen")
    halves = constant("halves", np.array([width] * 2, np.int64))
    node("Split", ["state", halves], ["held0", "held1"], axis=1)
    for layer in range(2):
        at = f"l{layer}"
        heard = dense(
            f"heard{layer}", seen, weights[f"memory.weight_ih_{at}"], weights[f"memory.bias_ih_{at}"]
        )
        held = f"held{layer}"
        kept = dense(f"kept{layer}", held, weights[f"memory.weight_hh_{at}"], weights[f"memory.bias_hh_{at}"])
        node("Split", [heard, thirds], [f"{at}.a_r", f"{at}.a_z", f"{at}.a_n"], axis=1)
        node("Split", [kept, thirds], [f"{at}.b_r", f"{at}.b_z", f"{at}.b_n"], axis=1)
        for gate in "rz":
            node("Add", [f"{at}.a_{gate}", f"{at}.b_{gate}"], f"{at}.{gate}_sum")
            node("Sigmoid", [f"{at}.{gate}_sum"], f"{at}.{gate}")
        node("Mul", [f"{at}.r", f"{at}.b_n"], f"{at}.rb")
        node("Add", [f"{at}.a_n", f"{at}.rb"], f"{at}.n_sum")
        new = node("Tanh", [f"{at}.n_sum"], f"{at}.n")
        apart = node("Sub", [held, new], f"{at}.apart")
        node("Mul", [f"{at}.z", apart], f"{at}.stay")
        seen = node("Add", [new, f"{at}.stay"], f"next{layer}")
    logits = dense("answer", seen, weights["answer.weight"], weights["answer.bias"])
    node("Softmax", [logits], "probabilities", axis=1)
    node("Concat", ["next0", "next1"], "next_state", axis=1)
    real = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "presence",
        [
            helper.make_tensor_value_info("features", real, [1, CHANNELS * BANDS]),
            helper.make_tensor_value_info("state", real, [1, 2 * width]),
        ],
        [
            helper.make_tensor_value_info("probabilities", real, [1, len(CLASSES)]),
            helper.make_tensor_value_info("next_state", real, [1, 2 * width]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="earshot")
    model.ir_version = IR
    facts = {"features": VERSION, "classes": " ".join(CLASSES), "parameters": str(parameters(weights))}
    helper.set_model_props(model, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(path))
    return path


def write_int8(source: Path, path: Path) -> Path:
    """The int8 variant of an ONNX file. Dynamic: nothing is calibrated on data.

    Weights are unsigned: of signed ones and unsigned activations x86 processors without VNNI add pairs in 16 bits, which overflow.
    """
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)  # it warns that the graph could be optimised first
    quantize_dynamic(
        str(source),
        str(path),
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QUInt8,
    )
    return path
