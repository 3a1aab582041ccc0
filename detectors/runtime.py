"""How every learned model runs: ONNX Runtime, one thread, nothing that spins."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from detectors.errors import DetectorError


def session(path: Path | str) -> tuple[onnxruntime.InferenceSession, dict[str, str]]:
    """An ONNX file ready to run on one thread, and its metadata. Raises DetectorError for a file that is none."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        made = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  the runtime's own errors have no common base
        raise DetectorError(f"{path}: not a network that can be run: {str(error)[:200]}") from None
    return made, made.get_modelmeta().custom_metadata_map
