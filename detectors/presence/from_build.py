"""Presence detectors of a build file's `[[detector]]` table."""

from __future__ import annotations

from detectors.build import DetectorSpec
from detectors.errors import DetectorError
from detectors.presence.cfar import DopplerCfar

_CFAR = ("carrier_hz", "level_db_spl", "average_s", "channels")


def doppler_cfar(spec: DetectorSpec) -> DopplerCfar:
    """streams: exactly one of `baseband`, `ultrasonic`. Raises DetectorError for an unknown setting."""
    if len(spec.streams) != 1:
        raise DetectorError(
            f"{spec.name}: streams: one of baseband, ultrasonic, got {', '.join(spec.streams)}"
        )
    unknown = sorted(set(spec.settings) - set(_CFAR))
    if unknown:
        raise DetectorError(f"{spec.name}: unknown settings.{unknown[0]}; allowed: {', '.join(_CFAR)}")
    return DopplerCfar(spec.name, spec.streams[0], **spec.settings)
