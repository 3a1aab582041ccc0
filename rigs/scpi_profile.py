"""What a model that speaks SCPI understands: its queries and commands by the lab's names, its line, its limits."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from rigs.profile import SerialLine, profile

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$")]
Terminator = Annotated[str, Field(min_length=1, max_length=2)]
Seconds = Annotated[float, Field(gt=0, le=60)]


@profile
class Query:
    """A value that the instrument can be asked for.

    before: lines sent first, as where a meter must be told to take its readings. reply: "number", "text" or "block" (definite length).
    pattern: regex with one group that holds the value, for models that add words or units. low, high: what can be, in `unit`; beyond is
    a bad reply. example: what a healthy instrument answers; the emulator does.
    """

    send: Line
    before: tuple[Line, ...] = ()
    reply: Literal["number", "text", "block"] = "number"
    unit: str = ""
    pattern: str | None = None
    low: float | None = None
    high: float | None = None
    timeout_s: Seconds | None = None
    example: str = "0"

    def __post_init__(self) -> None:
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(f"pattern: no regular expression: {error}") from None
            if groups != 1:
                raise ValueError(f"pattern: must hold one group, (...), not {groups}")


@profile
class Command:
    """Something that the instrument can be told.

    send: with `{value}` where the value stands, or without. low, high: what may be sent, in `unit`; this is
    the bench's limit, beyond it nothing is sent. decimals: how a number is written.
    """

    send: Line
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decimals: Annotated[int, Field(ge=0, le=9)] = 3
    choices: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        takes = "{value}" in self.send
        if takes and not self.choices and (self.low is None or self.high is None):
            raise ValueError("low and high, or choices, are missing: what may {value} be?")
        if takes and not self.choices and not self.low <= self.high:
            raise ValueError("high: must be at least low")
        if not takes and (self.choices or self.low is not None or self.high is not None):
            raise ValueError("send: holds no {value} that limits or choices could be for")


@profile
class ScpiProfile(SerialLine):
    """What a model understands.

    identity: regex that its answer to `*IDN?` matches. example_identity: such an answer. terminator: sent after each line; reply_terminator:
    ends a reply, one CR before a LF is dropped. error_query: "" where the model has none. check: the error
    queue is read after each command. pause_s: rest after each line. opening: sent once. safe: commands for
    the safe state, such as `OUTP OFF`.
    """

    identity: str = ""
    example_identity: str = ""
    terminator: Terminator = "\n"
    reply_terminator: Terminator = "\n"
    error_query: str = "SYST:ERR?"
    check: bool = True
    timeout_s: Seconds = 1.0
    pause_s: Annotated[float, Field(ge=0, le=5)] = 0.0
    opening: tuple[Line, ...] = ()
    safe: tuple[Line, ...] = ()
    queries: dict[Name, Query] = Field(default_factory=dict)
    commands: dict[Name, Command] = Field(default_factory=dict)

    def line_settings(self) -> dict[str, Any]:
        return super().line_settings() | {"terminator": self.reply_terminator.encode()}

    def safe_bytes(self) -> tuple[bytes, ...]:
        return tuple((line + self.terminator).encode("ascii") for line in self.safe)

    @property
    def safe_gap_s(self) -> float:
        return max(self.pause_s, 0.005)

    def __post_init__(self) -> None:
        try:
            fits = re.search(self.identity, self.example_identity)
        except re.error as error:
            raise ValueError(f"identity: no regular expression: {error}") from None
        if not fits:
            raise ValueError("example_identity: does not match identity")
