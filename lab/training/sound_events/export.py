"""Weights to ONNX: the base with its memory in the caller's hands, a file for each head, the verifier; int8 variants.

The base is a dense layer and two LSTM operators of ONNX, over any number of frames. State (1, 4 EMBEDDING): h and c of the first layer, then of
the second. Heads name the base that they were trained on by the hash of its weights; the int8 base bears the same name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events.features import VERSION
from detectors.sound_events.network import EMBEDDING, INPUTS
from lab.errors import BadInput
from lab.training.sound_events.learn import Weights

OPSET, IR = 17, 9
BASE = ("mean", "scale", "enter", "memory")
MEASURED = ("mean", "scale")  # of the data, not learnt
GATES = (0, 3, 1, 2)  # torch: input, forget, cell, output; ONNX: input, output, forget, cell


def base_weights(weights: Weights) -> dict[str, NDArray[np.float32]]:
    return {name: value for name, value in weights.items() if name.split(".")[0] in BASE}


def head_weights(weights: Weights, label: str) -> dict[str, NDArray[np.float32]]:
    start = f"heads.{label}."
    return {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}


def parameters(weights: Weights) -> int:
    """Numbers that were learnt."""
    return int(sum(value.size for name, value in weights.items() if name not in MEASURED))


def base_id(weights: Weights) -> str:
    """Name of a base: hash of its weights."""
    digest = hashlib.sha256(VERSION.encode())
    for name, value in sorted(base_weights(weights).items()):
        digest.update(name.encode() + np.ascontiguousarray(value, np.float32).tobytes())
    return digest.hexdigest()[:16]


class Graph:
    """A graph of ONNX while it is put together. Raises BadInput without the onnx package, an extra of training."""

    def __init__(self, name: str) -> None:
        try:
            import onnx
        except ModuleNotFoundError:
            raise BadInput("export needs onnx: requirements/install.sh train") from None
        self._onnx, self._name = onnx, name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str | Sequence[str], **attributes: Any) -> str:
        outputs = [output] if isinstance(output, str) else list(output)
        self._nodes.append(
            self._onnx.helper.make_node(kind, list(inputs), outputs, name=outputs[-1], **attributes)
        )
        return outputs[0]

    def dense(self, name: str, source: str, weights: Weights, of: str) -> str:
        matrix = self.constant(f"{name}.weight", weights[f"{of}.weight"].T)
        product = self.node("MatMul", [source, matrix], f"{name}.product")
        return self.node("Add", [product, self.constant(f"{name}.bias", weights[f"{of}.bias"])], name)

    def write(
        self,
        path: Path,
        inputs: Mapping[str, Sequence],
        outputs: Mapping[str, Sequence],
        facts: Mapping[str, str],
    ) -> Path:
        helper, real = self._onnx.helper, self._onnx.TensorProto.FLOAT
        ends = [
            [helper.make_tensor_value_info(name, real, list(shape)) for name, shape in one.items()]
            for one in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, self._name, *ends, self._constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="earshot"
        )
        model.ir_version = IR
        helper.set_model_props(model, dict(facts))
        self._onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._onnx.save(model, str(path))
        return path


def write_base(weights: Weights, path: Path) -> Path:
    graph = Graph("sound_events_base")
    centred = graph.node("Sub", ["features", graph.constant("mean", weights["mean"])], "centred")
    scaled = graph.node("Div", [centred, graph.constant("scale", weights["scale"])], "scaled")
    seen = graph.node("Relu", [graph.dense("enter", scaled, weights, "enter")], "entered")
    seen = graph.node("Transpose", [seen], "in_time", perm=(1, 0, 2))  # (F, 1, WIDTH)
    parts = graph.constant("parts", np.full(4, EMBEDDING, np.int64))
    held = ["h0", "c0", "h1", "c1"]
    graph.node("Split", ["state", parts], held, axis=1)
    first, following = graph.constant("first", np.array([0], np.int64)), []
    for layer in range(2):
        names = [
            graph.constant(f"{kind}{layer}", _onnx_gates(weights, layer, kind))
            for kind in ("weight", "recur", "bias")
        ]
        memory = [graph.node("Unsqueeze", [f"{kind}{layer}", first], f"{kind}{layer}_in") for kind in "hc"]
        outputs = [f"all{layer}", f"h{layer}_out", f"c{layer}_out"]
        graph.node("LSTM", [seen, *names, "", *memory], outputs, hidden_size=EMBEDDING)
        one = graph.constant(f"one{layer}", np.array([1], np.int64))
        seen = graph.node("Squeeze", [f"all{layer}", one], f"seen{layer}")  # without directions
        following += [graph.node("Squeeze", [name, first], f"{name}_flat") for name in outputs[1:]]
    graph.node("Transpose", [seen], "embedding", perm=(1, 0, 2))
    graph.node("Concat", following, "next_state", axis=1)
    facts = {
        "features": VERSION,
        "id": base_id(weights),
        "parameters": str(parameters(base_weights(weights))),
    }
    return graph.write(
        path,
        {"features": (1, "F", INPUTS), "state": (1, 4 * EMBEDDING)},
        {"embedding": (1, "F", EMBEDDING), "next_state": (1, 4 * EMBEDDING)},
        facts,
    )


def _onnx_gates(weights: Weights, layer: int, kind: str) -> NDArray[np.float32]:
    """weight, recur: (1, 4 EMBEDDING, inputs); bias: (1, 8 EMBEDDING), of input and of recurrence."""

    def turned(name: str) -> NDArray[np.float32]:
        gates = np.split(weights[f"memory.{layer}.{name}_l0"], 4)
        return np.concatenate([gates[gate] for gate in GATES])

    if kind == "bias":
        return np.concatenate([turned("bias_ih"), turned("bias_hh")])[None]
    return turned("weight_ih" if kind == "weight" else "weight_hh")[None]


def write_head(weights: Weights, label: str, base: str, path: Path) -> Path:
    """weights: of the head alone. base: id of its base."""
    graph = Graph(f"head_{label}")
    seen = graph.node("Relu", [graph.dense("hidden", "embedding", weights, "0")], "seen")
    answer = graph.dense("answer", seen, weights, "2")
    graph.node("Squeeze", [answer, graph.constant("last", np.array([2], np.int64))], "logit")
    return graph.write(
        path,
        {"embedding": (1, "F", EMBEDDING)},
        {"logit": (1, "F")},
        {"base": base, "label": label, "parameters": str(parameters(weights))},
    )


def write_int8(source: Path, path: Path) -> Path:
    """The int8 variant of an ONNX file, with its metadata. Dynamic: nothing is calibrated on data. Weights are unsigned, see
    `lab.training.presence.export.write_int8`."""
    import logging

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)  # it warns that the graph could be optimised first
    quantize_dynamic(
        str(source),
        str(path),
        op_types_to_quantize=["MatMul", "LSTM"],
        per_channel=True,
        weight_type=QuantType.QUInt8,
    )
    small = onnx.load(str(path))
    onnx.helper.set_model_props(small, {one.key: one.value for one in onnx.load(str(source)).metadata_props})
    onnx.save(small, str(path))
    return path


def int8_of(path: Path) -> Path:
    """Where the int8 variant of a file lies: beside it."""
    return path.with_name(f"{path.stem}_int8.onnx")


def write_network(weights: Weights, labels: Sequence[str], folder: Path) -> list[Path]:
    """base.onnx, a head for each label, and the int8 variants of all."""
    name = base_id(weights)
    made = [write_base(weights, folder / "base.onnx")]
    made += [
        write_head(head_weights(weights, label), label, name, folder / f"head_{label}.onnx")
        for label in labels
    ]
    return made + [write_int8(one, int8_of(one)) for one in made]
