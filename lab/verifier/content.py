"""A clip out of what was posted, or one message that says what is wrong with it."""

from __future__ import annotations

import io
import wave

import numpy as np

from detectors.errors import DetectorError
from detectors.sound_events.verifier import RATE_HZ, Clip


class Refused(Exception):
    """status: of HTTP. The message goes to whoever asked. retry_s: when it is worth asking again, None for never."""

    def __init__(self, status: int, message: str, retry_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_s = status, retry_s


def clip_of(body: bytes, label: str, start_s: float) -> Clip:
    """body: a WAV file of 16-bit PCM, mono, 16 kHz. Raises Refused: 400 for what is no such file, 422 for a clip that is one but
    cannot be judged."""
    try:
        with wave.open(io.BytesIO(body)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            promised, frames = file.getnframes(), file.readframes(len(body))
    except (wave.Error, EOFError) as error:
        raise Refused(400, f"body: not a WAV file: {str(error) or 'it ends too early'}") from None
    if form != (1, 2, RATE_HZ):
        channels, width, rate_hz = form
        raise Refused(
            400,
            f"body: mono 16-bit PCM at {RATE_HZ} Hz is needed, got {channels} channels, {8 * width} bits, {rate_hz} Hz",
        )
    if len(frames) != 2 * promised:
        raise Refused(400, f"body: the WAV file promises {promised} samples and holds {len(frames) / 2:g}")
    try:
        return Clip((np.frombuffer(frames, "<i2") / 32768.0).astype(np.float32), label, start_s)
    except DetectorError as error:
        raise Refused(422, str(error)) from None
