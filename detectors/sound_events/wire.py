"""What passes between a device and its verifier's service: the clip out as 16-bit PCM, a verdict of one line back.

POST /v1/clips?label=glass_break&start_s=12.300     Content-Type: audio/wav     Authorization: Bearer TOKEN
200 {"format": "earshot-verdict/1", "label": "glass_break", "confirmed": true, "score": 0.93}
"""

from __future__ import annotations

import io
import ipaddress
import json
import os
import wave
from pathlib import Path

import numpy as np

from detectors.errors import DetectorError
from detectors.sound_events.verifier import RATE_HZ, Clip, State, Verdict, no_answer

FORMAT = "earshot-verdict/1"
PATH = "/v1/clips"
CONTENT_TYPE = "audio/wav"
FIELDS = ("format", "label", "confirmed", "score")
LONGEST_ANSWER = 4096  # bytes
TOO_BUSY = (429, 503)
TOKEN_FILE_VARIABLE = "EARSHOT_VERIFIER_TOKEN_FILE"


def wav(clip: Clip) -> bytes:
    """The clip as a WAV file: mono, 16 kHz, 16 bit, rounded, limited to full scale."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.clip(np.rint(clip.audio * 32768.0), -32768, 32767).astype("<i2").tobytes())
    return file.getvalue()


def is_loopback(host: str) -> bool:
    """Whether only this machine is behind a host's name or address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(path: Path | str | None) -> str | None:
    """The one line of a token file; of the file that EARSHOT_VERIFIER_TOKEN_FILE names where none is given, None if neither.

    Raises DetectorError for a file that cannot be read or holds no single word of visible ASCII.
    """
    path = path or os.environ.get(TOKEN_FILE_VARIABLE)
    if path is None:
        return None
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DetectorError(f"{path}: not a readable token file: {error}") from None
    if not token or not token.isprintable() or " " in token:
        raise DetectorError(f"{path}: one line with a token of visible ASCII characters is needed")
    return token


def verdict(status: int, body: bytes, label: str) -> Verdict:
    """What an answer says about a clip of `label`; whatever is not a verdict in every field is RUBBISH."""
    shown = body[:80].decode("ascii", "backslashreplace")
    if status in TOO_BUSY:
        return no_answer(State.SLOW, f"HTTP {status}: too much to do", sent=True)
    if status != 200:
        return no_answer(State.RUBBISH, f"HTTP {status}: {shown}", sent=True)
    if len(body) > LONGEST_ANSWER:
        return no_answer(State.RUBBISH, f"more than {LONGEST_ANSWER} bytes", sent=True)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return no_answer(State.RUBBISH, f"not JSON: {shown}", sent=True)
    if not isinstance(said, dict) or sorted(said) != sorted(FIELDS):
        return no_answer(State.RUBBISH, f"not the fields {', '.join(FIELDS)}: {shown}", sent=True)
    if said["format"] != FORMAT or said["label"] != label or not isinstance(said["confirmed"], bool):
        return no_answer(State.RUBBISH, f"not a verdict on {label}: {shown}", sent=True)
    score = said["score"]
    plain = isinstance(score, int | float) and not isinstance(score, bool)
    if not (plain and 0.0 <= score <= 1.0):  # NaN is not
        return no_answer(State.RUBBISH, f"score: {str(score)[:20]} is none from 0 to 1", sent=True)
    return Verdict(said["confirmed"], float(score))
