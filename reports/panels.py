"""Which rows share a figure, and which share a line: curves are told apart by cell and by nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.store.results import Row, Scalar
from reports.style import MAX_LINES
from reports.words import is_number, name_of, value_of

MAX_CROSSED_LINES = 4  # told apart by two keys or more
MIN_HOURS = 1.0  # of target-free time in a cell, for its false alarms to be worth a curve or a test
PRINCIPAL = ("distance_m", "snr_db")  # what people ask for first


@dataclass(frozen=True)
class Subject:
    """What was judged: one label as reported by one stage of one detector."""

    detector: str
    stage: str
    label: str

    def __str__(self) -> str:
        return f"{self.label} by {self.detector} ({self.stage})"


@dataclass(frozen=True)
class Line:
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Panel:
    title: str
    lines: tuple[Line, ...]


def by_subject(rows: Iterable[Row]) -> dict[Subject, list[Row]]:
    """Rows of each subject, in the order they came."""
    groups: dict[Subject, list[Row]] = {}
    for row in rows:
        groups.setdefault(Subject(row.detector, row.stage, row.label), []).append(row)
    return groups


def listened_h(row: Row) -> float:
    """Target-free hours of distinct audio behind a row."""
    return row.false_alarms.distinct_hours if row.false_alarms else 0.0


def keys_of(rows: Sequence[Row]) -> list[str]:
    """Every cell key of these rows, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row.cell))


def varied_keys(rows: Sequence[Row]) -> list[str]:
    """Cell keys that take more than one value."""
    return [key for key in keys_of(rows) if len(_values(rows, key)) > 1]


def numeric_keys(rows: Sequence[Row]) -> list[str]:
    """Varied keys that can be an axis, the one most asked for first."""
    keys = [key for key in varied_keys(rows) if all(is_number(value) for value in _values(rows, key))]
    return sorted(keys, key=lambda key: (_rank(key), -len(_values(rows, key))))


def axes_of(rows: Sequence[Row]) -> list[str]:
    """Keys worth a figure of their own: those with three values or more, else the first there is."""
    keys = numeric_keys(rows)
    return [key for key in keys if len(_values(rows, key)) >= 3] or keys[:1]


def over(rows: Sequence[Row], axis: str) -> list[Panel]:
    """Panels whose lines run along `axis`; every other varied key tells lines or panels apart."""
    rows = sorted((row for row in rows if is_number(row.cell.get(axis))), key=lambda row: row.cell[axis])
    return _arrange(rows, [key for key in varied_keys(rows) if key != axis], keep=None)


def per_cell(rows: Sequence[Row]) -> list[Panel]:
    """Panels in which each line is one cell."""
    numeric = numeric_keys(rows)
    return _arrange(rows, varied_keys(rows), keep=numeric[0] if numeric else None)


def _arrange(rows: Sequence[Row], keys: list[str], keep: str | None) -> list[Panel]:
    """Move keys from lines to panels, names before numbers, until a panel's lines can be told apart."""
    line_keys, panel_keys = list(keys), []
    movable = sorted((key for key in keys if key != keep), key=lambda key: is_number(rows[0].cell.get(key)))
    if keep is None and movable:
        movable.pop()
    while movable and len(_groups(rows, line_keys)) > (
        MAX_LINES if len(line_keys) == 1 else MAX_CROSSED_LINES
    ):
        moved = movable.pop(0)
        line_keys.remove(moved)
        panel_keys.append(moved)
    panels = []
    for panel_values, members in _groups(rows, panel_keys).items():
        title = _phrase(panel_keys, panel_values)
        lines = [
            Line(_phrase(line_keys, values) or "all trials", tuple(own))
            for values, own in _groups(members, line_keys).items()
        ]
        panels += [Panel(title, tuple(part)) for part in _parts(lines)]
    return panels


def _parts(lines: list[Line]) -> list[list[Line]]:
    count = math.ceil(len(lines) / MAX_LINES)
    size = math.ceil(len(lines) / count)
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def _groups(rows: Sequence[Row], keys: Sequence[str]) -> dict[tuple, list[Row]]:
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.cell.get(key) for key in keys), []).append(row)
    return groups


def _phrase(keys: Sequence[str], values: Sequence[Scalar | None]) -> str:
    words = (
        f"{name_of(key)} {value_of(key, value)}" for key, value in zip(keys, values) if value is not None
    )
    return ", ".join(words)


def _values(rows: Sequence[Row], key: str) -> list[Scalar | None]:
    return list(dict.fromkeys(row.cell.get(key) for row in rows))


def _rank(key: str) -> int:
    last = key.rsplit(".", 1)[-1]
    return PRINCIPAL.index(last) if last in PRINCIPAL else len(PRINCIPAL)
