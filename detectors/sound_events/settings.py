"""What a user chooses: which events, how sensitive, whether somebody is at home, and who checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from detectors.errors import DetectorError
from detectors.interface import LABELS

ALARMS = ("smoke_alarm", "co_alarm", "legacy_smoke_alarm")  # these notify whether somebody is at home or not
# Rare and worth a second look. Steps and doors are twenty an hour and nobody else's business.
VERIFIED = (*ALARMS, "glass_break")
EVENTS = (*ALARMS, "glass_break", "footsteps", "door_close", "door_knock")
NO_VERIFIER, IN_PROCESS = "none", "in_process"
_PER_EVENT = "sensitivity_"
_LISTS = ("events", "verified")


@dataclass(frozen=True)
class SoundEventSettings:
    """events: what is scored and notified. sensitivity: 0 to 1 for all of them; `sensitivities`: for one, by label. away: whether
    nobody is at home, so that glass, steps and doors notify too. window_s: of repeating patterns, 10 to 30. verifier: `none`,
    `in_process` or `http://host:port`; token_file: for the last. verified: events that it is asked about, where they are chosen; the
    device decides the others by itself. Raises DetectorError naming the key and what is allowed."""

    events: tuple[str, ...] = EVENTS
    sensitivity: float = 0.5
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    away: bool = True
    window_s: float = 20.0
    verifier: str = NO_VERIFIER
    verified: tuple[str, ...] = VERIFIED
    token_file: str | None = None

    def __post_init__(self) -> None:
        for key, labels in (("events", self.events), ("verified", self.verified)):
            unknown = [label for label in labels if label not in LABELS]
            if unknown or not labels or len(set(labels)) != len(labels):
                raise DetectorError(
                    f"settings.{key} = {list(labels)}: some of {', '.join(LABELS)}, each once"
                )
        each = {_PER_EVENT + label: value for label, value in self.sensitivities.items()}
        for key, value in {"sensitivity": self.sensitivity, **each}.items():
            if not _number(value) or not 0.0 <= value <= 1.0:
                raise DetectorError(f"settings.{key} = {value!r}: 0 to 1")
        for label in self.sensitivities:
            if label not in self.events:
                raise DetectorError(
                    f"settings.{_PER_EVENT}{label}: {label} is not chosen; settings.events: {', '.join(self.events)}"
                )
        if not isinstance(self.away, bool):
            raise DetectorError(f"settings.away = {self.away!r}: true or false")
        if not _number(self.window_s):
            raise DetectorError(f"settings.window_s = {self.window_s!r}: a number of seconds")
        remote = str(self.verifier).startswith("http://")
        if self.token_file is not None and not (isinstance(self.token_file, str) and remote):
            raise DetectorError(
                f"settings.token_file = {self.token_file!r}: a path, with settings.verifier = http://host:port"
            )
        if self.verifier not in (NO_VERIFIER, IN_PROCESS) and not remote:
            raise DetectorError(
                f"settings.verifier = {self.verifier!r}: {NO_VERIFIER}, {IN_PROCESS} or http://host:port"
            )

    def sensitivity_of(self, label: str) -> float:
        return self.sensitivities.get(label, self.sensitivity)

    @property
    def asked(self) -> tuple[str, ...]:
        """Events that a verifier is asked about."""
        return tuple(label for label in self.events if label in self.verified)

    def notifies(self, label: str, away: bool) -> bool:
        return away or label in ALARMS


def settings_of(table: Mapping[str, Any]) -> SoundEventSettings:
    """Of a build file's `settings`, where the sensitivity of one event is `sensitivity_<label>`."""
    plain = [one.name for one in fields(SoundEventSettings) if one.name != "sensitivities"]
    given: dict[str, Any] = {}
    sensitivities: dict[str, float] = {}
    for key, value in table.items():
        if key in plain:
            given[key] = tuple(value) if key in _LISTS and isinstance(value, list) else value
        elif key.removeprefix(_PER_EVENT) in LABELS and key.startswith(_PER_EVENT):
            sensitivities[key.removeprefix(_PER_EVENT)] = value
        else:
            allowed = [*plain, *(_PER_EVENT + label for label in EVENTS)]
            raise DetectorError(f"unknown settings.{key}; allowed: {', '.join(allowed)}")
    for key in _LISTS:
        if not isinstance(given.get(key, ()), tuple):
            raise DetectorError(f"settings.{key} = {given[key]!r}: a list of labels")
    return SoundEventSettings(**given, sensitivities=sensitivities)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
