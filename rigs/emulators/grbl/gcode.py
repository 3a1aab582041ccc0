"""The G-code that GRBL 1.1 takes, as far as a stage needs it: checked first, then put into force whole.

Understood: G0 G1 G4 G10 L2/L20 G17-19 G20 G21 G40 G49 G53 G54-59 G61 G80 G90 G91 G92 G92.1 G93 G94,
M0-M5 M8 M9 M30, F N P S T L and X Y Z. Arcs, probing, G28 and G30 answer error 20 here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

AXES = "XYZ"
MM_PER_INCH = 25.4
Vector = tuple[float, float, float]
ORIGIN: Vector = (0.0, 0.0, 0.0)

_WORD = re.compile(r"([A-Z])([-+]?(?:\d+\.?\d*|\.\d+))?")
_GROUPS = {  # modal groups of NIST RS274/NGC, table 4
    **dict.fromkeys(("G4", "G10", "G53", "G92", "G92.1"), "non-modal"),
    **dict.fromkeys(("G0", "G1", "G80"), "motion"),
    **dict.fromkeys(("G17", "G18", "G19"), "plane"),
    **dict.fromkeys(("G90", "G91"), "distance"),
    **dict.fromkeys(("G93", "G94"), "feed mode"),
    **dict.fromkeys(("G20", "G21"), "units"),
    **dict.fromkeys(("G54", "G55", "G56", "G57", "G58", "G59"), "coordinates"),
    **dict.fromkeys(("G40",), "cutter"),
    **dict.fromkeys(("G49",), "tool length"),
    **dict.fromkeys(("G61",), "path"),
    **dict.fromkeys(("M0", "M1", "M2", "M30"), "program"),
    **dict.fromkeys(("M3", "M4", "M5"), "spindle"),
    **dict.fromkeys(("M8", "M9"), "coolant"),
}
_JOG_WORDS = {"G20", "G21", "G53", "G90", "G91"}


class GcodeError(Exception):
    """A line that is refused as a whole; `code` as in `error:N`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error:{code}")
        self.code = code


@dataclass(frozen=True)
class Modal:
    """What stays in force from line to line. offsets: work coordinate systems G54 to G59. shift: G92."""

    motion: str = "G0"
    units: str = "G21"
    distance: str = "G90"
    feed_mode: str = "G94"
    plane: str = "G17"
    coordinates: str = "G54"
    spindle: str = "M5"
    coolant: str = "M9"
    feed: float = 0.0  # mm/min
    speed: float = 0.0
    tool: int = 0
    offsets: tuple[Vector, ...] = (ORIGIN,) * 6
    shift: Vector = ORIGIN

    @property
    def work_offset(self) -> Vector:
        own = self.offsets[int(self.coordinates[1:]) - 54]
        return tuple(a + b for a, b in zip(own, self.shift, strict=True))  # type: ignore[return-value]

    def words(self) -> str:
        """As in the answer to `$G`."""
        modes = (self.motion, self.coordinates, self.plane, self.units, self.distance, self.feed_mode)
        return (
            f"{' '.join(modes)} {self.spindle} {self.coolant} T{self.tool} F{self.feed:.0f} S{self.speed:.0f}"
        )


@dataclass(frozen=True)
class Command:
    """What a checked line does. target: machine position in mm. feed: mm/min, None for a rapid move."""

    modal: Modal
    target: Vector | None = None
    feed: float | None = None
    dwell_s: float | None = None
    stores: bool = False
    program: str | None = None


@dataclass
class _Words:
    commands: dict[str, str] = field(default_factory=dict)  # modal group -> command
    values: dict[str, float] = field(default_factory=dict)

    def __contains__(self, command: str) -> bool:
        return command in self.commands.values()


def execute(line: str, modal: Modal, position: Vector, jog: bool = False) -> Command:
    """Check one line (capitals, no blanks) against the state in force; what it does. Raises GcodeError.

    position: machine position where the line before ends. jog: the part of `$J=` after the sign.
    """
    words = _read(line)
    if jog and set(words.commands.values()) - _JOG_WORDS:
        raise GcodeError(16)
    after = _modes(words, modal, jog)
    axes = {axis: words.values.pop(axis) for axis in AXES if axis in words.values}
    scale = MM_PER_INCH if after.units == "G20" else 1.0
    axes = {axis: value * scale for axis, value in axes.items()}
    after = _rates(words, after, modal, scale, jog)
    dwell = stores = None
    if "G4" in words:
        dwell = _need(words, "P")
    elif "G10" in words:
        after, stores = _store_offset(words, after, axes, position), True
        axes = {}
    elif "G92" in words:
        after = _shift(after, axes, position)
        axes = {}
    elif "G92.1" in words:
        after = replace(after, shift=ORIGIN)
    target = None
    if axes:
        if "G4" in words:
            raise GcodeError(24) if "motion" in words.commands else GcodeError(31)
        target = _target(words, after, axes, position)
    elif words.commands.get("motion") in ("G1",):
        raise GcodeError(26)
    if "G53" in words and after.motion == "G80":
        raise GcodeError(30)
    if jog and target is None:
        raise GcodeError(26)
    if set(words.values) - {"N"}:
        raise GcodeError(36)
    feed = None
    if target is not None and (jog or after.motion == "G1"):
        feed = words_feed(after, target, position)
    kept = modal if jog else after
    return Command(kept, target, feed, dwell, bool(stores), words.commands.get("program"))


def words_feed(modal: Modal, target: Vector, position: Vector) -> float:
    """Feed in mm/min; in inverse time F is moves per minute."""
    if modal.feed <= 0:
        raise GcodeError(22)
    return modal.feed * math.dist(target, position) if modal.feed_mode == "G93" else modal.feed


def _read(line: str) -> _Words:
    words, place = _Words(), 0
    while place < len(line):
        found = _WORD.match(line, place)
        if found is None:
            raise GcodeError(1)
        if found[2] is None:
            raise GcodeError(2)
        letter, value, place = found[1], float(found[2]), found.end()
        if letter in "GM":
            command = f"{letter}{value:g}"
            group = _GROUPS.get(command)
            if group is None:
                raise GcodeError(20 if value == int(value) or letter == "G" else 23)
            if group in words.commands:
                raise GcodeError(21)
            words.commands[group] = command
        elif letter not in "FLNPSTXYZ":
            raise GcodeError(20)
        elif letter in words.values:
            raise GcodeError(25)
        elif letter in "FNPST" and value < 0:
            raise GcodeError(4)
        else:
            words.values[letter] = value
    if words.values.get("N", 0) > 10_000_000:
        raise GcodeError(27)
    if {"G10", "G92"} & set(words.commands.values()) and words.commands.get("motion") in ("G0", "G1"):
        raise GcodeError(24)
    return words


def _modes(words: _Words, modal: Modal, jog: bool) -> Modal:
    changes = {
        name: words.commands[group]
        for name, group in (
            ("motion", "motion"),
            ("units", "units"),
            ("distance", "distance"),
            ("feed_mode", "feed mode"),
            ("plane", "plane"),
            ("coordinates", "coordinates"),
            ("spindle", "spindle"),
            ("coolant", "coolant"),
        )
        if group in words.commands
    }
    after = replace(modal, **changes)  # type: ignore[arg-type]
    return replace(after, motion="G1", feed_mode="G94") if jog else after


def _rates(words: _Words, after: Modal, before: Modal, scale: float, jog: bool) -> Modal:
    if "F" in words.values:
        feed = words.values.pop("F") * (scale if after.feed_mode == "G94" else 1.0)
    elif jog:
        raise GcodeError(22)
    else:
        feed = before.feed if after.feed_mode == before.feed_mode == "G94" else 0.0
    speed = words.values.pop("S", before.speed)
    return replace(after, feed=feed, speed=speed, tool=int(words.values.pop("T", before.tool)))


def _target(words: _Words, modal: Modal, axes: dict[str, float], position: Vector) -> Vector:
    if modal.motion == "G80":
        raise GcodeError(31)
    offset = ORIGIN if "G53" in words else modal.work_offset
    relative = modal.distance == "G91" and "G53" not in words
    return tuple(  # type: ignore[return-value]
        here if axis not in axes else axes[axis] + (here if relative else shift)
        for axis, here, shift in zip(AXES, position, offset, strict=True)
    )


def _store_offset(words: _Words, modal: Modal, axes: dict[str, float], position: Vector) -> Modal:
    if not axes:
        raise GcodeError(26)
    number, kind = int(_need(words, "P")), _need(words, "L")
    if number > 6:
        raise GcodeError(29)
    if kind not in (2, 20):
        raise GcodeError(20)
    index = number - 1 if number else int(modal.coordinates[1:]) - 54
    fresh = list(modal.offsets[index])
    for place, axis in enumerate(AXES):
        if axis in axes:
            fresh[place] = axes[axis] if kind == 2 else position[place] - modal.shift[place] - axes[axis]
    offsets = list(modal.offsets)
    offsets[index] = tuple(fresh)  # type: ignore[assignment]
    return replace(modal, offsets=tuple(offsets))


def _shift(modal: Modal, axes: dict[str, float], position: Vector) -> Modal:
    if not axes:
        raise GcodeError(26)
    own = modal.offsets[int(modal.coordinates[1:]) - 54]
    shift = tuple(
        position[n] - own[n] - axes[axis] if axis in axes else modal.shift[n] for n, axis in enumerate(AXES)
    )
    return replace(modal, shift=shift)  # type: ignore[arg-type]


def _need(words: _Words, letter: str) -> float:
    if letter not in words.values:
        raise GcodeError(28)
    return words.values.pop(letter)
