"""What a GRBL 1.1 controller says, line by line: bytes to meaning, and nothing else.

Every line sent gets exactly one `ok` or `error:N`; all else is pushed: `<...>` status, `[...]` feedback,
`$n=v` settings, `ALARM:N`, `>line:ok` for a startup line (its `ok` answers nothing we sent), and a
banner after every reset. Other controllers that speak GRBL (grblHAL, FluidNC) have more states, more
fields, more codes and another banner; what is not known is kept, never refused.

Source: gnea/grbl v1.1 `doc/markdown/interface.md`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import Enum

STATUS = b"?"
HOLD = b"!"
RESUME = b"~"
RESET = b"\x18"
JOG_CANCEL = b"\x85"
SAFE_BYTES = (HOLD, RESET)  # stop, then forget every move that is still queued


class State(Enum):
    """Machine state. UNKNOWN: not heard yet, or a word of another controller (see `Status.word`)."""

    IDLE = "Idle"
    RUN = "Run"
    HOLD = "Hold"
    JOG = "Jog"
    ALARM = "Alarm"
    DOOR = "Door"
    CHECK = "Check"
    HOME = "Home"
    SLEEP = "Sleep"
    UNKNOWN = "?"


@dataclass(frozen=True)
class Ok:
    """The next unanswered line was taken."""


@dataclass(frozen=True)
class Refused:
    """The next unanswered line was not taken: `error:N`."""

    code: int


@dataclass(frozen=True)
class Alarm:
    """`ALARM:N`: the machine has stopped and wants a person's decision."""

    code: int


@dataclass(frozen=True)
class Banner:
    """First line after power-up or reset: the receive buffer and the planner are empty."""

    text: str


@dataclass(frozen=True)
class Status:
    """One `<...>` report, in the units the controller reports in ($13).

    word: the state as sent. sub: sub-state, None when not sent. machine, work: positions, whichever was sent.
    offset: work coordinate offset, only in some reports. feed: current rate. pins: switches that are pressed.
    """

    state: State
    word: str
    sub: int | None = None
    machine: tuple[float, ...] | None = None
    work: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None
    feed: float | None = None
    pins: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """`$n=v`, also `$Nn=line` (key "N0")."""

    key: str
    value: str


@dataclass(frozen=True)
class Feedback:
    """`[KIND:text]`; kind is empty where there is no colon."""

    kind: str
    text: str


@dataclass(frozen=True)
class StartupLine:
    """A stored line that the controller ran by itself; `ok` false when it was refused."""

    line: str
    ok: bool


@dataclass(frozen=True)
class Noise:
    """Not of this protocol: a garbled line, a boot log, an echo."""

    text: str


Message = Ok | Refused | Alarm | Banner | Status | Setting | Feedback | StartupLine | Noise

_CODE = re.compile(r"(error|ALARM):\s*(\d{1,5})", re.ASCII)
_SETTING = re.compile(r"\$(N?\d{1,5}|[A-Za-z][\w/]{0,63})=(.*)", re.ASCII)
_BANNER = re.compile(r"(grbl|grblhal|fluidnc)\b.*\d+\.\d+", re.IGNORECASE | re.ASCII)
_STATE = re.compile(r"([A-Za-z]\w{0,31})(?::(\d{1,3}))?", re.ASCII)


def parse(line: bytes) -> Message:
    """The meaning of one received line, its end of line already off. Never raises."""
    text = line.decode("ascii", "replace").strip()
    if text == "ok":
        return Ok()
    if coded := _CODE.fullmatch(text):
        code = int(coded[2])
        return Refused(code) if coded[1] == "error" else Alarm(code)
    if text.startswith("<") and text.endswith(">"):
        glued = "<" in text[1:] or ">" in text[:-1]  # two reports run into one: neither can be trusted
        return Noise(text) if glued else _status(text[1:-1]) or Noise(text)
    if text.startswith("[") and text.endswith("]"):
        kind, colon, rest = text[1:-1].partition(":")
        return Feedback(kind, rest) if colon else Feedback("", kind)
    if setting := _SETTING.fullmatch(text):
        return Setting(setting[1], setting[2].split(" (")[0].strip())
    if text.startswith(">"):
        line_run, colon, result = text[1:].rpartition(":")
        if colon and result == "ok":
            return StartupLine(line_run, True)
        if startup := re.fullmatch(r"(.*):error:\d+", text[1:]):
            return StartupLine(startup[1], False)
    if _BANNER.match(text):
        return Banner(text)
    return Noise(text)


def buffer_bytes(feedback: Feedback) -> int | None:
    """Size of the receive buffer from `[OPT:codes,planner blocks,bytes,...]` of `$I`; None when not said."""
    if feedback.kind != "OPT":
        return None
    parts = feedback.text.split(",")
    if len(parts) < 3 or not re.fullmatch(r"[0-9]{1,6}", parts[2].strip()):
        return None
    return int(parts[2])


def _status(body: str) -> Status | None:
    first, *rest = body.split("|")
    state = _STATE.fullmatch(first.strip())
    if state is None:
        return None
    named: dict[str, str] = {}
    for part in rest:
        key, colon, value = part.partition(":")
        if colon:
            named[key.strip()] = value.strip()
    rates = _numbers(named.get("FS", named.get("F")))
    return Status(
        state=_STATES.get(state[1], State.UNKNOWN),
        word=first.strip(),
        sub=None if state[2] is None else int(state[2]),
        machine=_numbers(named.get("MPos")),
        work=_numbers(named.get("WPos")),
        offset=_numbers(named.get("WCO")),
        feed=rates[0] if rates else None,
        pins=named.get("Pn", ""),
        fields=named,
    )


def _numbers(text: str | None) -> tuple[float, ...] | None:
    """Comma-separated decimals; None for a list that is missing or garbled in any place."""
    if text is None or not re.fullmatch(r"[-+0-9.,]{1,200}", text):
        return None
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None


_STATES = {state.value: state for state in State if state is not State.UNKNOWN}
