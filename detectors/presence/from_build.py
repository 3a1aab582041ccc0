"""Presence detectors of a build file's `[[detector]]` table."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from detectors.build import DetectorSpec
from detectors.errors import DetectorError
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.cfar import DopplerCfar
from detectors.presence.context import ContextSettings
from detectors.presence.detector import PresenceDetector, PresenceSettings
from detectors.presence.network import Classifier
from detectors.presence.notch import NotchCfar
from detectors.presence.power import PowerSettings
from detectors.presence.prediction import PredictionError

_CFAR = ("carrier_hz", "level_db_spl", "average_s", "channels")
_PREDICTION = (*_CFAR, "step")


def doppler_cfar(spec: DetectorSpec) -> DopplerCfar:
    """streams: exactly one of `baseband`, `ultrasonic`. Raises DetectorError for an unknown setting."""
    return DopplerCfar(spec.name, _only_stream(spec, _CFAR), **spec.settings)


def prediction(spec: DetectorSpec) -> PredictionError:
    """As `doppler_cfar`."""
    return PredictionError(spec.name, _only_stream(spec, _PREDICTION), **spec.settings)


def notch(spec: DetectorSpec) -> NotchCfar:
    """As `doppler_cfar`."""
    return NotchCfar(spec.name, _only_stream(spec, _CFAR), **spec.settings)


def _only_stream(spec: DetectorSpec, allowed: tuple[str, ...]) -> str:
    if len(spec.streams) != 1:
        raise DetectorError(
            f"{spec.name}: streams: one of baseband, ultrasonic, got {', '.join(spec.streams)}"
        )
    unknown = sorted(set(spec.settings) - set(allowed))
    if unknown:
        raise DetectorError(f"{spec.name}: unknown settings.{unknown[0]}; allowed: {', '.join(allowed)}")
    return spec.streams[0]


def presence(spec: DetectorSpec) -> PresenceDetector:
    """streams: `ultrasonic` or `baseband`, with `playback` where its distortion is to be removed. model: an ONNX file. Settings are
    those of calibration, context and power, and `channels`. Raises DetectorError for an unknown one or a missing model."""
    if spec.model is None:
        raise DetectorError(f"{spec.name}: model: an ONNX file of the classifier is needed")
    parts = {"calibration": CalibrationSettings, "context": ContextSettings, "power": PowerSettings}
    keys = {part: [field.name for field in fields(kind)] for part, kind in parts.items()}
    allowed = [key for names in keys.values() for key in names] + ["channels"]
    unknown = sorted(set(spec.settings) - set(allowed))
    if unknown:
        raise DetectorError(f"{spec.name}: unknown settings.{unknown[0]}; allowed: {', '.join(allowed)}")
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in spec.settings.items()}
    try:
        made = {
            part: kind(**{key: given[key] for key in keys[part] if key in given})
            for part, kind in parts.items()
        }
        settings = PresenceSettings(**made, channels=given.get("channels"))
        path: Path = spec.model
        Classifier(path)  # a file that is none is refused now, not when a session opens
        return PresenceDetector(spec.name, spec.streams, lambda: Classifier(path), settings)
    except DetectorError as error:
        raise DetectorError(f"{spec.name}: {error}") from None
