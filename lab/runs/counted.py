"""What detectors count while they listen, such as clips that left the device, as metrics of a cell's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.store.records import TrialRecord
from lab.verdicts.intervals import rate
from lab.verdicts.judge import Metric, Row

DAY_S = 86_400.0


def with_counts(row: Row, records: Sequence[TrialRecord]) -> Row:
    """`row` with what its detector counted in the valid trials of its cell, each figure per day of listening: `uploads_per_day`.

    A figure is the detector's, all labels and stages together, and stands in each of its rows. n: the sum of what was counted.
    Events have exact Poisson bounds; seconds, whose name ends in `_s`, come in clips and have none.
    """
    start = f"{row.detector}."
    valid = [record for record in records if record.invalid is None]
    days = sum(record.duration_s for record in valid) / DAY_S
    names = dict.fromkeys(key for record in valid for key in record.measured if key.startswith(start))
    found = []
    for name in names if days > 0 else ():
        total = sum(record.measured.get(name, 0.0) for record in valid)
        told, seconds = f"{name.removeprefix(start)}_per_day", name.endswith("_s")
        bounds = None if seconds else rate(total, days)
        low, high = (None, None) if bounds is None else (bounds.low, bounds.high)
        found.append(Metric(told, total / days, low, high, round(total), "s/day" if seconds else "1/day"))
    return replace(row, metrics=[*row.metrics, *found])
