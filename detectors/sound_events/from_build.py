"""The sound-event detector of a build file's `[[detector]]` table."""

from __future__ import annotations

from pathlib import Path

from detectors.build import DetectorSpec
from detectors.errors import DetectorError
from detectors.interface import AUDIBLE
from detectors.sound_events.detector import SoundEventDetector
from detectors.sound_events.network import Network
from detectors.sound_events.questions import questions_to
from detectors.sound_events.settings import IN_PROCESS, NO_VERIFIER, SoundEventSettings, settings_of
from detectors.sound_events.verifier import OnnxVerifier

HEAD, VERIFIER = "head_", "verifier"


def sound_events(spec: DetectorSpec) -> SoundEventDetector:
    """streams: `audible`. model: `base.onnx`. weights: its heads, `head_<label>.onnx`, and `verifier.onnx` for one in this process.
    settings: see `SoundEventSettings`. Raises DetectorError naming the build's key or file that does not fit."""
    if spec.streams != (AUDIBLE,):
        raise DetectorError(f"{spec.name}: streams: {AUDIBLE} alone, got {', '.join(spec.streams)}")
    if spec.model is None:
        raise DetectorError(f"{spec.name}: model: the ONNX file of the base is needed")
    heads = [path for path in spec.weights if path.name.startswith(HEAD)]
    verifiers = [path for path in spec.weights if path.name.startswith(VERIFIER)]
    others = [path.name for path in spec.weights if path not in (*heads, *verifiers)]
    if others or len(verifiers) > 1:
        raise DetectorError(
            f"{spec.name}: weights: {HEAD}<label>.onnx of each event and one {VERIFIER}.onnx at most, "
            f"got {', '.join(path.name for path in spec.weights)}"
        )
    model = verifiers[0] if verifiers else None
    try:
        settings = settings_of(spec.settings)
        ask = None
        if settings.verifier != NO_VERIFIER:
            _check_verifier(settings, model)
            ask = lambda: questions_to(settings.verifier, model, settings.token_file)
        return SoundEventDetector(spec.name, Network(spec.model, heads, settings.events), settings, ask)
    except DetectorError as error:
        raise DetectorError(f"{spec.name}: {error}") from None


def _check_verifier(settings: SoundEventSettings, model: Path | None) -> None:
    """A file or a token that is none is refused now, not when a session opens."""
    if settings.verifier != IN_PROCESS:
        questions_to(settings.verifier, None, settings.token_file).close()
        return
    if model is None:
        raise DetectorError(f"settings.verifier = {IN_PROCESS!r}: weights hold no {VERIFIER}.onnx")
    known = OnnxVerifier(model).labels
    for label in settings.asked:
        if label not in known:
            raise DetectorError(
                f"settings.verified: {label} is unknown to {model}; it knows {', '.join(known)}"
            )
