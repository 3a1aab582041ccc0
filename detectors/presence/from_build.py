"""Presence detectors of a build file's `[[detector]]` table. All raise DetectorError naming detector, key and what is allowed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from detectors.build import DetectorSpec
from detectors.errors import DetectorError
from detectors.presence.baselines import EnvelopeBaseline
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.cfar import DopplerCfar
from detectors.presence.context import ContextSettings
from detectors.presence.detector import PresenceDetector, PresenceSettings
from detectors.presence.network import Classifier
from detectors.presence.notch import NotchCfar
from detectors.presence.power import PowerSettings
from detectors.presence.prediction import PredictionError
from detectors.presence.settings import known, of_detector

Baseline = TypeVar("Baseline", bound=EnvelopeBaseline)


def doppler_cfar(spec: DetectorSpec) -> DopplerCfar:
    """streams: exactly one of `baseband`, `ultrasonic`. Settings: see EnvelopeBaseline."""
    return _baseline(DopplerCfar, spec)


def prediction(spec: DetectorSpec) -> PredictionError:
    """As `doppler_cfar`, and `step`."""
    return _baseline(PredictionError, spec, "step")


def notch(spec: DetectorSpec) -> NotchCfar:
    """As `doppler_cfar`."""
    return _baseline(NotchCfar, spec)


def _baseline(kind: type[Baseline], spec: DetectorSpec, *own: str) -> Baseline:
    with of_detector(spec.name):
        if len(spec.streams) != 1:
            raise DetectorError(f"streams: one of baseband, ultrasonic, got {', '.join(spec.streams)}")
        known(spec.settings, ("carrier_hz", "level_db_spl", "average_s", "channels", *own))
        return kind(spec.name, stream=spec.streams[0], **spec.settings)


def presence(spec: DetectorSpec) -> PresenceDetector:
    """streams: `ultrasonic` or `baseband`, with `playback` where its distortion is to be removed. model: an ONNX file. Settings are
    those of calibration, context and power, and `channels`."""
    parts = {"calibration": CalibrationSettings, "context": ContextSettings, "power": PowerSettings}
    keys = {part: [field.name for field in fields(kind)] for part, kind in parts.items()}
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in spec.settings.items()}
    with of_detector(spec.name):
        if spec.model is None:
            raise DetectorError("model: an ONNX file of the classifier is needed")
        known(given, [key for names in keys.values() for key in names] + ["channels"])
        made = {
            part: kind(**{key: given[key] for key in keys[part] if key in given})
            for part, kind in parts.items()
        }
        settings = PresenceSettings(**made, channels=given.get("channels"))
        path: Path = spec.model
        Classifier(path)  # a file that is none is refused now, not when a session opens
        return PresenceDetector(spec.name, spec.streams, lambda: Classifier(path), settings)
