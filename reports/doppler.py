"""A picture of what moves: the spectrum around an ultrasonic carrier, over time and on average.

Levels are those of the first microphone in dB re the carrier's own, so that pictures compare whatever a unit's gain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lab.errors import BadInput
from reports import style

SPAN_HZ = 4_000.0
FLOOR_DB = -130.0
FRAME_S = 0.128
HOP_S = 0.032
READ_S = 10.0  # of a file at once
MOST_S = 120.0  # a longer file is drawn up to here


@dataclass(frozen=True, eq=False)
class DopplerMap:
    """time_s (T,); shift_hz (F,), rising; level_db (F, T), power in one cell re the carrier's line."""

    time_s: NDArray[np.float64]
    shift_hz: NDArray[np.float64]
    level_db: NDArray[np.float64]

    @property
    def mean_db(self) -> NDArray[np.float64]:
        """(F,), mean power over time."""
        return 10.0 * np.log10(np.mean(10.0 ** (self.level_db / 10.0), axis=1))


def doppler_map(wav: Path, carrier_hz: float, span_hz: float = SPAN_HZ) -> DopplerMap:
    """Of the first channel. Raises BadInput when the file does not reach carrier + span."""
    with soundfile.SoundFile(wav) as file:
        rate_hz = file.samplerate
        if carrier_hz + span_hz > rate_hz / 2:
            raise BadInput(
                f"{wav}: holds up to {rate_hz / 2:g} Hz; a picture needs {carrier_hz + span_hz:g} Hz"
            )
        frame, hop = round(FRAME_S * rate_hz), round(HOP_S * rate_hz)
        window = np.blackman(frame)
        bins = np.arange(frame // 2 + 1) * rate_hz / frame
        shown = np.flatnonzero(np.abs(bins - carrier_hz) <= span_hz)
        columns = [
            np.abs(np.fft.rfft(window * piece))[shown] ** 2 for piece in _frames(file, frame, hop, MOST_S)
        ]
    if not columns:
        raise BadInput(f"{wav}: shorter than {FRAME_S:g} s")
    power = np.stack(columns, axis=1)
    line = power[np.abs(bins[shown] - carrier_hz) <= 2.0 / FRAME_S].max(axis=0).max()
    level = 10.0 * np.log10(np.maximum(power / max(line, np.finfo(float).tiny), 10.0 ** (FLOOR_DB / 10.0)))
    return DopplerMap(FRAME_S / 2 + HOP_S * np.arange(power.shape[1]), bins[shown] - carrier_hz, level)


def write_spectrogram(wav: Path, carrier_hz: float, title: str, png: Path) -> Path:
    """Draw the map of a recording beside its mean spectrum, and where it lies; returns the picture's path."""
    found = doppler_map(wav, carrier_hz)
    with style.look():
        figure = Figure(figsize=(8.2, 3.4))
        over_time, mean = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        image = over_time.pcolormesh(
            found.time_s,
            found.shift_hz / 1000.0,
            found.level_db,
            cmap="magma",
            vmin=-120.0,
            vmax=-30.0,
            rasterized=True,
        )
        over_time.set(xlabel="time (s)", ylabel="shift (kHz)")
        style.set_title(over_time, title)
        mean.plot(found.mean_db, found.shift_hz / 1000.0, color=style.COLOURS[0], linewidth=0.8)
        mean.set(xlabel="mean (dB re carrier)", xlim=(-120.0, 3.0))
        figure.colorbar(image, ax=mean, label="dB re carrier")
    style.to_png(figure, png, dpi=130)
    return png


def _frames(file: soundfile.SoundFile, frame: int, hop: int, most_s: float) -> Iterator[NDArray[np.float64]]:
    held, left = np.zeros(0), round(most_s * file.samplerate)
    while left > 0 and len(block := file.read(min(left, round(READ_S * file.samplerate)), always_2d=True)):
        left -= len(block)
        held = np.concatenate([held, block[:, 0]])
        count = max(0, (len(held) - frame) // hop + 1)
        for index in range(count):
            yield held[index * hop : index * hop + frame]
        held = held[count * hop :]
