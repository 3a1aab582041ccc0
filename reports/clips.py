"""The worst misses and false alarms, with what can be heard and seen of them."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import soundfile
from matplotlib.figure import Figure
from scipy.signal import spectrogram

from lab.store.results import Example, ScenarioResult
from reports import style

TYPES = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
}
SHOWN = 6  # of each kind, per scenario
SPECTROGRAM_S = 30.0  # a longer clip is drawn up to here
RANGE_DB = 70.0


@dataclass
class Allowance:
    """Bytes that clips and pictures may still take of the page; what does not fit is linked."""

    left: int = 24 << 20
    each: int = 2 << 20

    def take(self, size: int) -> bool:
        if size > self.each or size > self.left:
            return False
        self.left -= size
        return True


@dataclass(frozen=True)
class Clip:
    """One example on the page. audio, picture: a URI to use as `src`, None with `note` saying why."""

    example: Example
    audio: str | None = None
    embedded: bool = False
    picture: str | None = None
    note: str = ""
    credits: tuple[str, ...] = field(default=())


def counted(scenario: ScenarioResult) -> list[Example]:
    """Examples that a figure counts: no misses of what happened but was not asked for."""
    asked = {(row.detector, row.label) for row in scenario.results if row.detection}
    return [one for one in scenario.examples if one.kind != "miss" or (one.detector, one.label) in asked]


def worst(examples: Sequence[Example], kind: str) -> list[Example]:
    """Examples of one kind, furthest on the wrong side of the threshold first."""
    return sorted(
        (example for example in examples if example.kind == kind),
        key=lambda example: -abs(example.score - example.threshold),
    )


def load(example: Example, folder: Path, page: Path, allowance: Allowance) -> Clip:
    """Find an example's clip and picture in the run's folder.

    folder: of the run; a path that leaves it is not followed. page: folder the HTML is written to, for links.
    """
    credits = tuple(f"{credit.title} – {credit.author} – {credit.licence}" for credit in example.credits)
    picture = _picture(example, folder, allowance)
    if example.clip is None:
        return Clip(example, picture=picture, note="No clip was kept.", credits=credits)
    file = _inside(folder, example.clip)
    if file is None:
        return Clip(
            example, picture=picture, note=f"Clip not found in the run: {example.clip}", credits=credits
        )
    mime = TYPES.get(file.suffix.lower())
    if mime and allowance.take(file.stat().st_size):
        return Clip(example, _data_uri(mime, file.read_bytes()), True, picture, credits=credits)
    return Clip(example, _link(file, page), False, picture, "Linked, not embedded: too large.", credits)


def _picture(example: Example, folder: Path, allowance: Allowance) -> str | None:
    """The stored spectrogram, or one drawn from the clip."""
    if (
        example.spectrogram
        and (file := _inside(folder, example.spectrogram))
        and file.suffix.lower() == ".png"
    ):
        png = file.read_bytes()
    elif example.clip and (file := _inside(folder, example.clip)):
        png = draw_spectrogram(file)
    else:
        return None
    return _data_uri("image/png", png) if png and allowance.take(len(png)) else None


def draw_spectrogram(file: Path) -> bytes | None:
    """PNG of the first channel's spectrogram in dB below its maximum; None when the clip cannot be read."""
    try:
        with soundfile.SoundFile(file) as sound:
            rate_hz = sound.samplerate
            audio = sound.read(int(SPECTROGRAM_S * rate_hz), dtype="float32", always_2d=True)[:, 0]
    except (soundfile.LibsndfileError, OSError):
        return None
    window = int(2 ** np.ceil(np.log2(0.025 * rate_hz)))
    if len(audio) < 2 * window:
        return None
    hop = max(window // 4, len(audio) // 1000)
    frequency_hz, time_s, power = spectrogram(audio, rate_hz, "hann", window, window - min(hop, window - 1))
    level_db = 10 * np.log10(np.maximum(power, 1e-20))
    with style.look():
        figure = Figure(figsize=(4.6, 1.9))
        axes = figure.add_subplot()
        span = (time_s[0], time_s[-1], 0, frequency_hz[-1] / 1000)
        top_db = level_db.max()
        floor_db = max(top_db - RANGE_DB, np.percentile(level_db, 30))  # steady noise stays dark
        axes.imshow(
            level_db,
            "cividis",
            aspect="auto",
            origin="lower",
            extent=span,
            vmin=floor_db,
            vmax=top_db,
        )
        axes.grid(False)
        axes.set_xlabel("Time in clip (s)")
        axes.set_ylabel("Frequency (kHz)")
        drawing = io.BytesIO()
        style.to_png(figure, drawing, dpi=110)
    return drawing.getvalue()


def _inside(folder: Path, relative: str) -> Path | None:
    """The file, when it exists and does not leave the run's folder."""
    file = (folder / relative).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _data_uri(mime: str, raw: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(raw).decode('ascii')}"


def _link(file: Path, page: Path) -> str:
    """Relative to the page, so that the page and the run can be moved together."""
    try:
        return quote(Path(os.path.relpath(file, page.resolve())).as_posix())
    except ValueError:  # on another drive
        return file.as_uri()
