r"""What the lines of a device mean: regular expressions of the rig file, and the values read with them.

    [ 12.345] EVT watermark score=9.58      event      ^\[ *(?P<time>[\d.]+)\] EVT (?P<label>\w+) score=(?P<score>\S+)$

Patterns are searched for in a line (anchor them with ^ and $) without colours and line ends; named groups carry
the values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rigs.console_text import escaped
from rigs.profile import profile


@dataclass(frozen=True)
class ConsoleEvent:
    """A detection that the device reported.

    monotonic_ns: when the line came in, on the lab's clock. device_time_s: on the device's own clock, None when
    the line does not say. label: the lab's word. score: NaN when the line has none.
    """

    monotonic_ns: int
    device_time_s: float | None
    label: str
    score: float


@dataclass(frozen=True)
class Identity:
    """What a device says it runs; empty where its answer does not say. build_hash may be the first digits only."""

    version: str
    build_id: str = ""
    build_hash: str = ""


@profile
class EventPattern:
    """pattern: with the group `label`, unless `label` names it here; groups `score` and `time` (s) are optional."""

    pattern: str
    label: str | None = None


@profile
class ConsolePatterns:
    """How to speak with one kind of device. None: the device cannot do that. Raises ValueError naming the key.

    events: each line is an event of the first pattern that is found in it. labels: the device's word -> the lab's.
    identity: groups `version`, and where it has them `build_id`, `build_hash`. boot: a line that is only seen when
    the device starts; ready: the line after which it listens. clock: answer to clock_command, group `time` in s.
    accepted: answer to a sensitivity that was taken. refused: answer to a command that was not.
    sensitivity_command: with `{label}` (the device's word) and `{value}`. newline: ends every command.
    """

    identity: str
    events: tuple[EventPattern, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    boot: str | None = None
    ready: str | None = None
    clock: str | None = None
    accepted: str | None = None
    refused: str | None = None
    identify_command: str = "version"
    reset_command: str | None = None
    clock_command: str | None = None
    sensitivity_command: str | None = None
    newline: str = "\n"

    def __post_init__(self) -> None:
        _groups("identity", self.identity, ("version",))
        for number, one in enumerate(self.events, start=1):
            _groups(f"events[{number}].pattern", one.pattern, () if one.label else ("label",))
        _groups("clock", self.clock, ("time",))
        for key in ("boot", "ready", "accepted", "refused"):
            _groups(key, getattr(self, key), ())
        if (self.clock is None) != (self.clock_command is None):
            raise ValueError("clock and clock_command go together")
        if self.sensitivity_command is not None:
            try:
                self.sensitivity_command.format(label="", value="")
            except (KeyError, IndexError, ValueError, AttributeError):
                raise ValueError(
                    f"sensitivity_command = {self.sensitivity_command!r}: "
                    "only {label} and {value} may stand in braces"
                ) from None

    def event(self, text: str, monotonic_ns: int) -> ConsoleEvent | None:
        """The event that a line of plain text reports, if any."""
        for one in self.events:
            if (found := re.search(one.pattern, text)) is None:
                continue
            groups = found.groupdict()
            word = one.label or groups.get("label") or ""
            time_s = _number(groups.get("time"))
            return ConsoleEvent(
                monotonic_ns,
                None if math.isnan(time_s) else time_s,
                self.labels.get(word) or escaped(word),
                _number(groups.get("score")),
            )
        return None

    def identity_in(self, text: str) -> Identity | None:
        if (found := re.search(self.identity, text)) is None:
            return None
        groups = {name: escaped(value or "") for name, value in found.groupdict().items()}
        return Identity(groups["version"], groups.get("build_id", ""), groups.get("build_hash", ""))

    def clock_in(self, text: str) -> float | None:
        """The device's clock in s."""
        if self.clock is None or (found := re.search(self.clock, text)) is None:
            return None
        time_s = _number(found["time"])
        return None if math.isnan(time_s) else time_s

    def device_word(self, label: str) -> str:
        """What the device calls one of the lab's labels."""
        return next((word for word, ours in self.labels.items() if ours == label), label)


def _groups(key: str, pattern: str | None, needed: tuple[str, ...]) -> None:
    """Raises ValueError for a pattern that is no regular expression or lacks a group."""
    if pattern is None:
        return
    try:
        known = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{key} = {pattern!r}: not a regular expression: {error}") from None
    for name in needed:
        if name not in known:
            raise ValueError(f"{key} = {pattern!r}: the group (?P<{name}>...) is missing")


def _number(text: str | None) -> float:
    """A finite number, or NaN."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
