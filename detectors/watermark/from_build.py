"""The watermark detector of a build file's `[[detector]]` table."""

from __future__ import annotations

from detectors.build import DetectorSpec
from detectors.errors import DetectorError
from detectors.watermark.detector import WatermarkDetector
from detectors.watermark.key import Key

_SETTINGS = {"channels": None, "longest_lag": None}


def from_spec(spec: DetectorSpec) -> WatermarkDetector:
    """`model` is the key file; settings: `channels` (microphones used; all without it),
    `longest_lag` (segments).

    Raises DetectorError for a missing key or an unknown setting.
    """
    if spec.model is None:
        raise DetectorError(f"{spec.name}: model must name a key file")
    unknown = sorted(set(spec.settings) - set(_SETTINGS))
    if unknown:
        raise DetectorError(f"{spec.name}: unknown settings.{unknown[0]}; allowed: {', '.join(_SETTINGS)}")
    return WatermarkDetector(Key.load(spec.model), spec.name, **{**_SETTINGS, **spec.settings})
