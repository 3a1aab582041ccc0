"""What detectors count while they listen, such as clips that left the device, as metrics of a cell's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.store.records import TrialRecord
from lab.verdicts.exposure import HOURS_A_DAY, per_day_bounds
from lab.verdicts.intervals import CONFIDENCE
from lab.verdicts.judge import Metric, Row


def with_counts(row: Row, records: Sequence[TrialRecord], confidence: float = CONFIDENCE) -> Row:
    """`row` with what its detector counted in the valid trials of its cell, each figure per day of listening: `uploads_per_day`.

    A figure is the detector's, all labels and stages together, and stands in each of its rows. n: the sum of what was counted.
    Events have bounds as false alarms have them, a trial with several being one event of that weight; seconds, whose name ends in `_s`,
    come in clips and have none.
    """
    start = f"{row.detector}."
    valid = [record for record in records if record.invalid is None]
    hours = sum(record.duration_s for record in valid) / 3600.0
    names = dict.fromkeys(key for record in valid for key in record.measured if key.startswith(start))
    found = []
    for name in names if hours > 0 else ():
        each = [record.measured.get(name, 0.0) for record in valid]
        total, told, seconds = sum(each), f"{name.removeprefix(start)}_per_day", name.endswith("_s")
        low, high = None, None
        if not seconds:
            bounds = per_day_bounds(total, sum(one**2 for one in each), max(each), hours, hours, confidence)
            low, high = bounds.low, bounds.high
        a_day = HOURS_A_DAY * total / hours
        found.append(Metric(told, a_day, low, high, round(total), "s/day" if seconds else "1/day"))
    return replace(row, metrics=[*row.metrics, *found])
