"""A picture of a recording: its spectrogram, and under it what the detectors made of it.

It is made in one pass and in constant memory, however long the recording: each of at most COLUMNS columns shows the strongest spectrum and
the highest score of its stretch of time, so that nothing short is lost in a long one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from detectors.interface import Event, ScoreTrack
from lab.errors import BadInput
from reports import style

COLUMNS = 1600
FRAME_S = 0.032
RANGE_DB = 70.0  # shown below the loudest
TOP_HZ = 8_000.0
AT_ONCE = 256  # frames transformed together
WIDTH_IN, SPECTRUM_IN, PANEL_IN = 10.0, 2.9, 1.7
QUIET = 0.3  # a track that never reaches this share of its threshold is named, not drawn


def write_picture(
    recording: Path,
    tracks: Sequence[ScoreTrack],
    events: Sequence[Event],
    thresholds: Mapping[str, float],
    out: Path,
) -> Path:
    """Write a PNG: spectrogram with events marked, then one panel for each detector and stage, a line per label.

    thresholds: by detector. Raises BadInput for a recording that is too short or a file that cannot be written.
    """
    seconds, hz, level_db = spectrogram(recording)
    panels: dict[tuple[str, str], list[ScoreTrack]] = {}
    for track in tracks:
        panels.setdefault((track.detector, track.stage), []).append(track)
    with style.look():
        figure = Figure(
            figsize=(WIDTH_IN, SPECTRUM_IN + PANEL_IN * len(panels)), layout="constrained", dpi=110
        )
        heights = [SPECTRUM_IN, *[PANEL_IN] * len(panels)]
        grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        grid[0].set_title(recording.name)
        _show_spectrum(grid[0], seconds, hz, level_db, events)
        for axes, ((detector, stage), shown) in zip(grid[1:], panels.items(), strict=True):
            _show_scores(axes, shown, thresholds[detector], f"{detector} ({stage})", seconds)
        grid[-1].set_xlim(0.0, seconds)
        grid[-1].xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: clock(at_s, seconds)))
        grid[-1].set_xlabel(
            "time (h:min)" if seconds >= 3600 else "time (min:s)" if seconds >= 60 else "time (s)"
        )
        try:
            figure.savefig(out, dpi=110, facecolor="white", format="png")
        except OSError as error:
            raise BadInput(f"{out}: {error.strerror}") from None
    return out


def spectrogram(recording: Path) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Seconds, frequencies (F,) in Hz, and levels (F, columns) in dB re the loudest, of the mean of all channels."""
    with soundfile.SoundFile(recording) as file:
        frame = round(FRAME_S * file.samplerate)
        frames = file.frames // (frame // 2) - 1
        if frames < 2:
            raise BadInput(f"{recording}: {file.frames / file.samplerate:.3f} s are too short for a picture")
        columns = min(COLUMNS, frames)
        hz = np.arange(frame // 2 + 1) * file.samplerate / frame
        shown = hz <= TOP_HZ
        power = np.zeros((columns, int(shown.sum())))
        window = np.hanning(frame)
        for first, pieces in _pieces(file, frame):
            spectra = np.abs(np.fft.rfft(window * pieces, axis=-1)[:, shown]) ** 2
            at = np.minimum(columns - 1, (first + np.arange(len(spectra))) * columns // frames)
            np.maximum.at(power, at, spectra)
        seconds = file.frames / file.samplerate
    loudest = max(float(power.max()), np.finfo(float).tiny)
    return seconds, hz[shown], 10.0 * np.log10(np.maximum(power / loudest, 10.0 ** (-RANGE_DB / 10.0))).T


def clock(at_s: float, longest_s: float) -> str:
    """A moment as people read it: `12.5`, `3:07`, `14:05` of hours, as long as the recording is."""
    if longest_s < 60.0:
        return f"{at_s:g}"
    large, small = divmod(round(at_s) if longest_s < 3600.0 else round(at_s / 60.0), 60)
    return f"{large}:{small:02d}"


def _pieces(file: soundfile.SoundFile, frame: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """(number of the first frame, frames that overlap by half, (n, frame))."""
    hop, first = frame // 2, 0
    held = np.zeros(0)
    while len(block := file.read(AT_ONCE * hop, always_2d=True)):
        held = np.concatenate([held, block.mean(axis=1)])
        count = (len(held) - frame) // hop + 1
        if count > 0:
            yield first, np.lib.stride_tricks.sliding_window_view(held, frame)[: count * hop : hop]
            first += count
            held = held[count * hop :]


def _show_spectrum(
    axes: Axes, seconds: float, hz: NDArray, level_db: NDArray, events: Sequence[Event]
) -> None:
    axes.imshow(
        level_db, origin="lower", aspect="auto", extent=(0.0, seconds, 0.0, hz[-1] / 1e3), cmap="magma",
        vmin=-RANGE_DB, vmax=0.0, interpolation="nearest",
    )  # fmt: skip
    axes.set_ylabel("kHz")
    axes.grid(False)
    named: dict[str, float] = {}
    for event in sorted(events, key=lambda one: one.offset_s):
        axes.axvline(event.offset_s, color="white", linewidth=0.8, alpha=0.7)
        # A name where it does not lie on the same name before it.
        if event.offset_s - named.get(event.label, -math.inf) > seconds / 5.0:
            row = list(named).index(event.label) if event.label in named else len(named)
            right = event.offset_s > 0.85 * seconds
            axes.annotate(
                event.label, (event.offset_s, 0.96 - 0.09 * (row % 9)), xycoords=("data", "axes fraction"),
                xytext=(-3 if right else 3, 0), textcoords="offset points", color="white", fontsize=8.5,
                va="top", ha="right" if right else "left",
            )  # fmt: skip
            named[event.label] = event.offset_s


def _show_scores(
    axes: Axes, tracks: Sequence[ScoreTrack], threshold: float, title: str, seconds: float
) -> None:
    quiet = []
    for index, track in enumerate(sorted(tracks, key=lambda one: one.label)):
        if not np.nanmax(track.scores, initial=-math.inf) >= QUIET * threshold:
            quiet.append(track.label)
            continue
        at_s, highest = _pooled(track, seconds)
        line = style.line_style(index)
        axes.plot(at_s, highest, color=line.colour, linestyle=line.dash, linewidth=1.2, label=track.label)
    axes.axhline(threshold, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate(
        "threshold", (1.0, threshold), xycoords=("axes fraction", "data"), xytext=(-3, 2),
        textcoords="offset points", ha="right", va="bottom", fontsize=8,
    )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.0, low), max(high, 1.15 * threshold, 1.02))
    axes.set_ylabel("score")
    below = f"; below {QUIET:g} of the threshold: {', '.join(quiet)}" if quiet else ""
    axes.set_title(f"{title}{below}", loc="left", fontsize=9, fontweight="normal")
    if len(quiet) < len(tracks):
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8.5)


def _pooled(track: ScoreTrack, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The highest score of each column, (columns,); NaN where nothing was sensed."""
    each = max(1, math.ceil(len(track.scores) / COLUMNS))
    padded = np.full(-(-len(track.scores) // each) * each, np.nan)
    padded[: len(track.scores)] = track.scores
    rows = padded.reshape(-1, each)
    sensed = np.isfinite(rows).any(axis=1)
    highest = np.full(len(rows), np.nan)
    highest[sensed] = np.nanmax(rows[sensed], axis=1)
    return track.start_s + track.hop_s * (each * np.arange(len(rows)) + (each - 1) / 2.0), highest
