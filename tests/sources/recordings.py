"""A corpus with the classes media and noise ask for: words, talk, a loop and a hum, all made here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import soundfile

from lab.sources.clicks import drum_loop
from lab.sources.musiclike import music_like
from lab.sources.speechlike import speech_like

RATE_HZ = 16_000
HEAD = """format = "earshot-corpus/1"
id = "made"
title = "Made for tests"
recordings = "made.csv"

[classes]
speech = ["talk", "word"]
wake_word = ["word"]
talk = ["talk"]
music = ["music"]
loop = ["loop"]
knocks = ["knocks"]
household = ["hum"]
"""
COLUMNS = "path,label,origin,title,author,licence,seconds,rate_hz,channels,split,source,sha256"


def write_corpus(folder: Path, silent: bool = False) -> Path:
    """Audio in FOLDER/audio, corpus file FOLDER/made.toml, which is returned. silent: the hum is."""
    knocks = np.zeros(30 * RATE_HZ, np.float32)
    knocks[:: 5 * RATE_HZ] = 0.9
    knocks[12 * RATE_HZ : 16 * RATE_HZ] = speech_like(9, RATE_HZ, 4.0)
    hum = 0.3 * np.sin(2 * np.pi * 150.0 * np.arange(3 * RATE_HZ) / RATE_HZ)
    recordings = {
        ("talk_1.wav", "talk", "speaker:1", "test"): speech_like(1, RATE_HZ, 30.0),
        ("talk_2.wav", "talk", "speaker:2", "test"): 0.02 * speech_like(2, RATE_HZ, 9.0),
        ("word_1.wav", "word", "speaker:3", "test"): _word(3),
        ("word_2.wav", "word", "speaker:4", "test"): _word(4),
        ("music.wav", "music", "piece:1", "test"): music_like(5, RATE_HZ, 12.0),
        ("loop.wav", "loop", "loop:1", "test"): drum_loop(6, RATE_HZ, 2.048, 0.128)[0],
        ("knocks.wav", "knocks", "door:1", "test"): knocks,
        ("hum.wav", "hum", "fridge:1", "test"): np.zeros(1000) if silent else hum,
        ("talk_3.wav", "talk", "speaker:5", "train"): speech_like(7, RATE_HZ, 3.0),
    }
    rows = [COLUMNS]
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for (path, label, origin, split), audio in recordings.items():
        file = folder / "audio" / path
        soundfile.write(file, audio, RATE_HZ)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        seconds = len(audio) / RATE_HZ
        rows.append(
            f"{path},{label},{origin},{path},A. Nobody,CC0 1.0,{seconds},{RATE_HZ},1,{split},,{sha256}"
        )
    (folder / "made.csv").write_text("\n".join(rows) + "\n")
    (folder / "made.toml").write_text(HEAD)
    return folder / "made.toml"


def _word(seed: int) -> np.ndarray:
    """0.6 s of voice with half a second of nothing before and after."""
    return np.pad(speech_like(seed, RATE_HZ, 0.6), RATE_HZ // 2)
