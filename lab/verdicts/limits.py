"""Limits that a scenario sets, and the cells they speak of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from detectors.interface import DUT
from lab.errors import BadInput
from lab.scoring.records import Scalar

METRICS = ("detection_rate", "false_alarms_per_day", "active_fraction", "latency_p95_s", "false_alarm_rate")
OF_TARGETS = ("detection_rate", "latency_p95_s")
Subject = tuple[str, str, str]  # detector, label, stage


@dataclass(frozen=True)
class Limit:
    """One `[[accept]]`: a metric of one label against at_least XOR at_most.

    label: None: of `detection_rate` and `latency_p95_s` every label that has targets, of false alarms every label that is reported.
    where: cell key -> value; every cell that matches must pass, all cells when empty. detector, stage: only
    of these; None: of every detector and stage that reports the label.

    metric: `detection_rate` (share of targets), `false_alarms_per_day` (events; the active fraction is
    held to 0.1 % with it), `active_fraction` (share of target-free time in alarm), `latency_p95_s` (seconds
    after onset, of detected targets), `false_alarm_rate` (share of trials without a target that alarm).
    """

    metric: str
    label: str | None = None
    where: Mapping[str, Scalar] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    detector: str | None = None
    stage: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise BadInput(f"accept: metric = {self.metric!r} is not known; allowed: {', '.join(METRICS)}")
        if (self.at_least is None) == (self.at_most is None):
            raise BadInput(f"accept: {self.metric} needs at_least or at_most, one of the two")
        if not math.isfinite(self.value) or self.value < 0:
            raise BadInput(f"accept: {self.metric}: the limit must be a number of 0 or more")

    @property
    def value(self) -> float:
        return self.at_least if self.at_least is not None else self.at_most

    @property
    def text(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"

    def matches(self, cell: Mapping[str, Scalar]) -> bool:
        return all(key in cell and _equal(cell[key], value) for key, value in self.where.items())

    def asks(self, subject: Subject) -> bool:
        """Whether it speaks of what this detector reports of this label at this stage."""
        asked = (self.detector, self.label, self.stage)
        return all(one in (None, other) for one, other in zip(asked, subject, strict=True))


def check_limits(
    limits: Iterable[Limit],
    cells: Iterable[Mapping[str, Scalar]],
    reported: Iterable[Subject],
    expected: Iterable[str] = (),
) -> None:
    """Refuse, before anything runs, a limit that no result can answer.

    cells: of the scenario. reported: everything the stack reports. expected: labels that the scenario asks for.
    Raises BadInput naming the key and what there is.
    """
    cells, reported = list(cells), list(reported)
    unheard = sorted(set(expected) - {label for _, label, _ in reported})
    for limit in limits:
        answers = [one for one in reported if limit.detector in (None, one[0])]
        if not answers:
            raise BadInput(
                f"accept: detector = {limit.detector!r} is not in the build; it has: {_told(reported, 0)}"
            )
        # What a device reports of itself, only a bench hears.
        staged = [one for one in answers if limit.stage in (None, one[2], DUT)]
        if not staged:
            raise BadInput(
                f"accept: stage = {limit.stage!r} is not in the build; it has: {_told(answers, 2)}"
            )
        if limit.label is not None and limit.label not in {label for _, label, _ in staged}:
            raise BadInput(f"accept: no detector reports label {limit.label!r}; reported: {_told(staged, 1)}")
        if limit.label is None and limit.metric in OF_TARGETS and unheard:
            raise BadInput(
                f"accept: {limit.metric} without label holds for all that is expected, and no detector reports {', '.join(unheard)}; "
                f"reported: {_told(staged, 1)}"
            )
        if not any(limit.matches(cell) for cell in cells):
            raise BadInput(_no_cell(limit, cells))


def with_labels(limits: Iterable[Limit], targeted: Iterable[str], reported: Iterable[str]) -> list[Limit]:
    """Limits that name no label, spelled out: of targets for each label that has any, else and of false alarms for each that is reported."""
    every = sorted(set(reported))
    of_targets = sorted(set(targeted)) or every
    spelled = []
    for limit in limits:
        labels = of_targets if limit.metric in OF_TARGETS else every
        spelled += [
            replace(limit, label=label) for label in ([limit.label] if limit.label is not None else labels)
        ]
    return spelled


def _told(reported: Iterable[Subject], field: int) -> str:
    return ", ".join(sorted({one[field] for one in reported}))


def _no_cell(limit: Limit, cells: list[Mapping[str, Scalar]]) -> str:
    keys = sorted({key for cell in cells for key in cell})
    for key, value in limit.where.items():
        if key not in keys:
            return (
                f"accept: where.{key} is no cell key of this scenario; there are: {', '.join(keys) or 'none'}"
            )
        values = {cell[key]: None for cell in cells if key in cell}
        if not any(_equal(have, value) for have in values):
            listed = ", ".join(str(have) for have in values)
            return f"accept: where.{key} = {value} matches no cell; values of {key}: {listed}"
    return f"accept: where = {dict(limit.where)} matches no cell: no cell has all of these values"


def _equal(have: Scalar, wanted: Scalar) -> bool:
    numbers = (int, float)
    if isinstance(have, bool) or isinstance(wanted, bool):
        return have is wanted
    if isinstance(have, numbers) and isinstance(wanted, numbers):
        return math.isclose(have, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return have == wanted
