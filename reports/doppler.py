"""A picture of what moves: the spectrum around an ultrasonic carrier, over time and on average.

Levels are those of the first microphone in dB re the carrier's own, so that pictures compare whatever a unit's gain.

    python -m reports.doppler RECORDING.wav [--carrier 34000] [--span 4000] [--from 0] [--until 10] [--count 12]

prints the strongest lines, measured over all of that time: long frames part lines that a picture smears together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
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


@dataclass(frozen=True)
class Line:
    """shift_hz: from the carrier. level_db: re the carrier. above_db: over the median of 200 Hz around it."""

    shift_hz: float
    level_db: float
    above_db: float


LINE_FRAME_S = 1.0  # parts lines 4 Hz apart
LEAST_DB = 6.0  # of a line above what is beside it


def strongest_lines(
    wav: Path,
    carrier_hz: float,
    count: int = 12,
    span_hz: float = SPAN_HZ,
    from_s: float = 0.0,
    until_s: float | None = None,
) -> list[Line]:
    """The strongest local maxima of the mean spectrum within span_hz of the carrier, strongest first, the carrier left out.

    Frames of 1 s overlap by half; a line is at least 6 dB above the median around it and 4 Hz from a stronger one. Its
    level is that of a steady tone: one that lasts a tenth of the time reads 10 dB lower. Raises BadInput for a recording that
    does not reach carrier + span or is shorter than 1 s.
    """
    with soundfile.SoundFile(wav) as file:
        rate_hz = file.samplerate
        if carrier_hz + span_hz > rate_hz / 2:
            raise BadInput(f"{wav}: holds up to {rate_hz / 2:g} Hz; lines need {carrier_hz + span_hz:g} Hz")
        file.seek(min(round(from_s * rate_hz), file.frames))
        frame = round(LINE_FRAME_S * rate_hz)
        window = scipy.signal.windows.blackmanharris(frame, sym=False)
        bins = np.arange(frame // 2 + 1) * rate_hz / frame
        near = np.flatnonzero(np.abs(bins - carrier_hz) <= span_hz)
        most_s = (MOST_S if until_s is None else until_s) - from_s
        spectra = [
            np.abs(np.fft.rfft(window * piece))[near] ** 2
            for piece in _frames(file, frame, frame // 2, most_s)
        ]
    if not spectra:
        raise BadInput(f"{wav}: shorter than {LINE_FRAME_S:g} s")
    power, shift = np.mean(spectra, axis=0), bins[near] - carrier_hz
    level = 10.0 * np.log10(np.maximum(power / power[np.abs(shift) <= 4.0].max(), np.finfo(float).tiny))
    around = scipy.ndimage.median_filter(level, size=round(200.0 * LINE_FRAME_S) + 1)
    peaks, _ = scipy.signal.find_peaks(level, distance=max(1, round(4.0 * LINE_FRAME_S)))
    # The window's main lobe and what still air writes on the carrier.
    stands_out = (level[peaks] - around[peaks] >= LEAST_DB) & (level[peaks] > FLOOR_DB)
    peaks = peaks[(np.abs(shift[peaks]) > 8.0) & stands_out]
    peaks = peaks[np.argsort(-level[peaks])][:count]
    return [
        Line(float(shift[at]), round(float(level[at]), 1), round(float(level[at] - around[at]), 1))
        for at in peaks
    ]


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
            vmin=-100.0,
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m reports.doppler", description="The strongest lines around a tone."
    )
    parser.add_argument("wav", type=Path)
    parser.add_argument("--carrier", type=float, default=34_000.0, help="of the tone, Hz")
    parser.add_argument("--span", type=float, default=SPAN_HZ, help="to each side, Hz")
    parser.add_argument("--from", dest="from_s", type=float, default=0.0, help="s")
    parser.add_argument("--until", dest="until_s", type=float, default=None, help="s")
    parser.add_argument("--count", type=int, default=12)
    asked = parser.parse_args(arguments)
    try:
        lines = strongest_lines(
            asked.wav, asked.carrier, asked.count, asked.span, asked.from_s, asked.until_s
        )
    except (BadInput, soundfile.LibsndfileError) as error:
        print(f"reports.doppler: {error}", file=sys.stderr)
        return 3
    print("shift_hz\tdb_re_carrier\tdb_above_neighbours")
    for line in lines:
        print(f"{line.shift_hz:+.0f}\t{line.level_db:.1f}\t{line.above_db:.1f}")
    return 0


def _frames(file: soundfile.SoundFile, frame: int, hop: int, most_s: float) -> Iterator[NDArray[np.float64]]:
    held, left = np.zeros(0), round(most_s * file.samplerate)
    while left > 0 and len(block := file.read(min(left, round(READ_S * file.samplerate)), always_2d=True)):
        left -= len(block)
        held = np.concatenate([held, block[:, 0]])
        count = max(0, (len(held) - frame) // hop + 1)
        for index in range(count):
            yield held[index * hop : index * hop + frame]
        held = held[count * hop :]


if __name__ == "__main__":
    sys.exit(main())
