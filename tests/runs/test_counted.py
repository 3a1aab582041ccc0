"""What a detector counts while it listens comes out per day of listening, in every row of that detector."""

from __future__ import annotations

import math

import pytest

from lab.runs.counted import with_counts
from lab.store.records import TrialRecord
from lab.verdicts.judge import Row

ROW = Row({}, "sound_events", "cascade", "glass_break", 0.5)


def trial(index: int, invalid: str | None = None, **measured: float) -> TrialRecord:
    facts = {"snr_db": 10.0} | {f"sound_events.{key}": value for key, value in measured.items()}
    return TrialRecord(
        "days",
        "0" * 8,
        "",
        {},
        index,
        duration_s=43_200.0,
        distinct_s=43_200.0,
        invalid=invalid,
        measured=facts,
    )


def test_counts_and_seconds_are_summed_over_valid_trials_and_told_per_day():
    records = [trial(index, uploads=float(index < 3), uploaded_s=20.0 * (index < 3)) for index in range(4)]
    broken = trial(4, "lost block", uploads=100.0, uploaded_s=900.0)
    uploads, seconds = with_counts(ROW, [*records, broken]).metrics
    assert (uploads.name, uploads.value, uploads.n, uploads.unit) == ("uploads_per_day", 1.5, 3, "1/day")
    assert (seconds.name, seconds.value, seconds.unit) == ("uploaded_s_per_day", 30.0, "s/day")
    assert seconds.low is None and seconds.high is None
    # One-sided 95 % Poisson bounds of 3 events: Garwood (1936), 0.818 and 7.754.
    assert (uploads.low, uploads.high) == pytest.approx((0.818 / 2, 7.754 / 2), abs=1e-3)


def test_clips_of_one_trial_are_one_event_and_a_look_between_asks_for_more():
    (apart,) = with_counts(ROW, [trial(index, uploads=1.0) for index in range(3)]).metrics
    (one,) = with_counts(ROW, [trial(index, uploads=3.0 * (index == 1)) for index in range(3)]).metrics
    assert (one.n, one.value) == (apart.n, apart.value)
    assert one.low < 0.25 * apart.low and one.high > 1.5 * apart.high
    (between,) = with_counts(ROW, [trial(index, uploads=1.0) for index in range(3)], 0.999).metrics
    assert between.low < apart.low and between.high > apart.high


def test_a_detector_that_never_counted_anything_in_a_day_still_has_its_upper_bound():
    (uploads,) = with_counts(ROW, [trial(0, uploads=0.0), trial(1, uploads=0.0)]).metrics
    assert (uploads.value, uploads.low) == (0.0, 0.0)
    assert uploads.high == pytest.approx(-math.log(0.05), rel=1e-6)


def test_rows_of_other_detectors_and_cells_without_valid_trials_are_left_as_they_are():
    other = Row({}, "watermark", "device", "watermark", 6.5)
    assert with_counts(other, [trial(0, uploads=1.0)]) == other
    assert with_counts(ROW, [trial(0, "lost block", uploads=1.0)]) == ROW
