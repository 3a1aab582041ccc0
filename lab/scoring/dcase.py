"""Files in the shape of the DCASE challenges: tab-separated, a header row, one event a row.

Truth and detections: filename, onset, offset, event_label (a row with a filename alone says that the file
holds no event). Durations: filename, duration. Scores: a folder with one FILENAME.tsv for each file, columns
onset, offset and one column a label, one row a frame, as sed_scores_eval writes them. Times in seconds.
Files go by their name without folder and audio suffix.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.interface import Event, ScoreTrack
from lab.errors import BadInput

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aif", ".aiff")
_ROUNDING_S = 0.05  # annotations and frames may run over the end of a file by so much


@dataclass(frozen=True)
class Table:
    """Rows of one file. Each row carries its line number, for messages."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]

    def error(self, line: int, column: str, what: str) -> BadInput:
        return BadInput(f"{self.path}: row {line}, column {column}: {what}")

    def number(self, line: int, row: Mapping[str, str], column: str) -> float:
        try:
            value = float(row[column])
        except ValueError:
            raise self.error(line, column, f"{row[column]!r} is no number") from None
        if not math.isfinite(value):
            raise self.error(line, column, f"{row[column]!r} is not finite")
        return value


def read_table(path: Path, required: Sequence[str]) -> Table:
    """A tab-separated file with a header that has at least the required columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: not a readable text file: {error}") from None
    header = [name.strip() for name in lines[0]] if lines else []
    missing = [name for name in required if name not in header]
    if missing:
        found = ", ".join(name for name in header if name) or "nothing"
        raise BadInput(
            f"{path}: row 1: no column {missing[0]!r}; needed, separated by tabs: {', '.join(required)}; "
            f"found: {found}"
        )
    if len(set(header)) != len(header):
        raise BadInput(f"{path}: row 1: a column name stands twice")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            raise BadInput(f"{path}: row {number}: {len(cells)} columns, the header has {len(header)}")
        cells = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
        rows.append((number, dict(zip(header, cells, strict=True))))
    return Table(path, tuple(header), tuple(rows))


def file_key(filename: str) -> str:
    """The name by which truth, detections, scores and durations of one file meet."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in AUDIO_SUFFIXES else name


def read_durations(path: Path) -> dict[str, float]:
    """File -> seconds."""
    table = read_table(path, ("filename", "duration"))
    found: dict[str, float] = {}
    for line, row in table.rows:
        key, seconds = file_key(row["filename"]), table.number(line, row, "duration")
        if not key:
            raise table.error(line, "filename", "is empty")
        if seconds <= 0:
            raise table.error(line, "duration", f"{seconds:g} must be above 0")
        if key in found:
            raise table.error(line, "filename", f"{key!r} stands twice")
        found[key] = seconds
    if not found:
        raise BadInput(f"{path}: no row")
    return found


def read_events(path: Path, durations: Mapping[str, float]) -> dict[str, list[Event]]:
    """File -> events; every file of `durations` has an entry."""
    table = read_table(path, ("filename", "onset", "offset", "event_label"))
    found: dict[str, list[Event]] = {name: [] for name in durations}
    for line, row in table.rows:
        key = file_key(row["filename"])
        if key not in durations:
            raise table.error(line, "filename", f"{row['filename']!r} has no duration")
        if not (row["onset"] or row["offset"] or row["event_label"]):
            continue
        onset, offset = table.number(line, row, "onset"), table.number(line, row, "offset")
        if not row["event_label"]:
            raise table.error(line, "event_label", "is empty")
        if not 0 <= onset <= durations[key]:
            raise table.error(line, "onset", f"{onset:g} is not within the file's 0 to {durations[key]:g} s")
        if offset < onset:
            raise table.error(line, "offset", f"{offset:g} is before the onset {onset:g}")
        if offset > durations[key] + _ROUNDING_S:
            raise table.error(line, "offset", f"{offset:g} is beyond the file's {durations[key]:g} s")
        found[key].append(Event(onset, min(offset, durations[key]), row["event_label"]))
    return found


def read_scores(path: Path, duration_s: float, labels: Sequence[str], detector: str) -> list[ScoreTrack]:
    """Score tracks of one file, one a label. A frame's score is known at the frame's end.

    Frames must follow each other without a gap and share one length (the last may be shorter).
    """
    table = read_table(path, ("onset", "offset", *labels))
    if not table.rows:
        raise BadInput(f"{path}: no row")
    lines = [line for line, _ in table.rows]
    onsets = np.array([table.number(line, row, "onset") for line, row in table.rows])
    offsets = np.array([table.number(line, row, "offset") for line, row in table.rows])
    hop = offsets[0] - onsets[0]
    slack = max(1e-3 * hop, 2e-6)  # times are written with some six decimals
    for i, line in enumerate(lines):
        if not offsets[i] > onsets[i]:
            raise table.error(line, "offset", f"{offsets[i]:g} must be after the onset {onsets[i]:g}")
        if i and abs(onsets[i] - offsets[i - 1]) > slack:
            raise table.error(
                line,
                "onset",
                f"{onsets[i]:g} does not follow the frame before, which ends at {offsets[i - 1]:g}",
            )
        longer = offsets[i] - onsets[i] - hop
        if longer > slack or (longer < -slack and i < len(lines) - 1):
            raise table.error(
                line, "offset", f"a frame of {offsets[i] - onsets[i]:g} s among frames of {hop:g} s"
            )
    if offsets[-1] > duration_s + hop + _ROUNDING_S:
        raise table.error(lines[-1], "offset", f"{offsets[-1]:g} is beyond the file's {duration_s:g} s")
    if len(lines) > 1:
        hop = (onsets[-1] - onsets[0]) / (len(lines) - 1)
    return [
        ScoreTrack(
            detector=detector,
            label=label,
            start_s=float(onsets[0] + hop),
            hop_s=float(hop),
            scores=np.array([table.number(line, row, label) for line, row in table.rows]),
            span_s=float(hop),
        )
        for label in labels
    ]


def score_files(folder: Path, durations: Mapping[str, float]) -> dict[str, Path]:
    """File -> its score file; each file of `durations` must have one."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: not a folder of score files")
    found = {file_key(path.stem): path for path in sorted(folder.glob("*.tsv"))}
    for name in durations:
        if name not in found:
            raise BadInput(f"{folder}: no {name}.tsv for the file {name!r} of the durations")
    return {name: found[name] for name in durations}
