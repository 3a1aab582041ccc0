"""Limits that a scenario sets, and the cells they speak of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lab.errors import BadInput
from lab.scoring.records import Scalar

METRICS = ("detection_rate", "false_alarms_per_day", "active_fraction", "latency_p95_s", "false_alarm_rate")


@dataclass(frozen=True)
class Limit:
    """One `[[accept]]`: a metric of one label against at_least XOR at_most.

    label: None: every label that has targets, or every label where none has.
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


def check_limits(
    limits: Iterable[Limit], cells: Iterable[Mapping[str, Scalar]], reported: Iterable[tuple[str, str]]
) -> None:
    """Refuse, before anything runs, a limit that no result can answer.

    cells: of the scenario. reported: (detector, label) of everything the stack reports.
    Raises BadInput naming the key and what there is.
    """
    cells, reported = list(cells), list(reported)
    for limit in limits:
        pairs = [pair for pair in reported if limit.detector in (None, pair[0])]
        if not pairs:
            names = ", ".join(sorted({detector for detector, _ in reported}))
            raise BadInput(f"accept: detector = {limit.detector!r} is not in the build; it has: {names}")
        if limit.label is not None and limit.label not in {label for _, label in pairs}:
            labels = ", ".join(sorted({label for _, label in pairs}))
            raise BadInput(f"accept: no detector reports label {limit.label!r}; reported: {labels}")
        if not any(limit.matches(cell) for cell in cells):
            raise BadInput(_no_cell(limit, cells))


def with_labels(limits: Iterable[Limit], targeted: Iterable[str], reported: Iterable[str]) -> list[Limit]:
    """Limits that name no label, spelled out for each label with targets, else for each reported label."""
    labels = sorted(set(targeted)) or sorted(set(reported))
    return [
        replace(limit, label=label)
        for limit in limits
        for label in ([limit.label] if limit.label is not None else labels)
    ]


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
