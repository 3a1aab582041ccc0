"""A corpus of three short recordings, written to a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import soundfile

HEAD = """format = "earshot-corpus/1"
id = "small"
title = "Three tones"
recordings = "small.csv"
url_template = "{url}"

[classes]
tone = ["low", "high"]
low = ["low"]

[events]
door_knock = ["low"]
"""
COLUMNS = "path,label,origin,title,author,licence,seconds,rate_hz,channels,split,source,sha256"
RATE_HZ = 8000


def tone(hz: float, seconds: float = 0.5, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def write_small(folder: Path, url: str = "http://localhost/{repository}/{commit}/{path}") -> Path:
    """Audio in FOLDER/audio, corpus file FOLDER/small.toml, which is returned."""
    rows = [COLUMNS]
    for path, label, hz, split in (
        ("a/low.wav", "low", 200.0, "test"),
        ("a/low two.wav", "low", 250.0, "train"),
        ("b/high.wav", "high", 1000.0, "test"),
    ):
        file = folder / "audio" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, tone(hz), RATE_HZ)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        rows.append(
            f"{path},{label},tone:{hz:g},{hz:g} Hz,A. Nobody,CC0 1.0,0.5,{RATE_HZ},1,{split},one/two@c0ffee:in/{path},{sha256}"
        )
    (folder / "small.csv").write_text("\n".join(rows) + "\n")
    (folder / "small.toml").write_text(HEAD.replace("{url}", url))
    return folder / "small.toml"
