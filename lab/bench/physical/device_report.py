"""What the device under test reported, as score tracks beside those of the reference stack.

A device that only says yes has one operating point. Where the rig file names several sensitivity settings, each
trial is played at each of them, and a moment's score is how many of the settings reported by then: the least
sensitive one counts most. Sweeping a threshold over that score walks through the settings, so the curve of such a
device is its true one. A report at one setting is taken to hold at every more sensitive one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detectors.interface import DUT, Event, ScoreTrack
from lab.bench.protocol import DeviceReport

HOP_S = 0.01


def device_report(
    name: str,
    labels: Sequence[str],
    heard: Sequence[Sequence[Event]],
    under_test: int,
    duration_s: float,
    refractory_s: float,
) -> DeviceReport:
    """The report of one trial.

    heard: the device's events in trial time for each setting, least sensitive first; an event's `offset_s` is the
    moment of decision. under_test: index of the setting that verdicts use.
    """
    settings = len(heard)
    tracks = tuple(
        ScoreTrack(name, label, HOP_S, HOP_S, _scores(label, heard, duration_s), stage=DUT)
        for label in labels
    )
    events = tuple(event for event in heard[under_test] if event.label in labels) if settings else ()
    return DeviceReport(name, tuple(labels), tracks, events, settings - under_test - 0.5, refractory_s)


def no_report(name: str, labels: Sequence[str], refractory_s: float) -> DeviceReport:
    """The report of a trial in which the device was not heard."""
    return DeviceReport(name, tuple(labels), (), (), 0.5, refractory_s)


def _scores(label: str, heard: Sequence[Sequence[Event]], duration_s: float) -> np.ndarray:
    scores = np.zeros(max(1, math.ceil(duration_s / HOP_S - 1e-6)), np.float32)
    for rank, events in enumerate(heard):
        for event in events:
            # A score is known at the end of its hop; a report a little after the end is still the trial's.
            index = max(0, math.ceil(event.offset_s / HOP_S - 1e-6) - 1)
            if event.label == label and index < len(scores):
                scores[index] = max(scores[index], len(heard) - rank)
    return scores
