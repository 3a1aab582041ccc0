"""Cutting a stream of bytes into lines that stay within bounds."""

from __future__ import annotations

from typing import Self

LONGEST_LINE = 65536


class Line(bytes):
    """A line without its terminator.

    at_ns: time.monotonic_ns() when its end had arrived. cut: it was longer than 64 KiB and only its
    beginning is here.
    """

    at_ns: int
    cut: bool

    def __new__(cls, data: bytes, at_ns: int, cut: bool = False) -> Self:
        line = super().__new__(cls, data)
        line.at_ns = at_ns
        line.cut = cut
        return line


class LineSplitter:
    """Collects bytes into lines. Carriage returns at the end of a line are dropped."""

    def __init__(self, terminator: bytes) -> None:
        self._terminator = terminator
        self._begun = bytearray()
        self._searched = 0
        self._overlong: bytes | None = None

    def feed(self, data: bytes, at_ns: int) -> list[Line]:
        """The lines that these bytes complete; the rest is kept, of an overlong line only its beginning."""
        self._begun += data
        lines = []
        start = 0
        while (end := self._begun.find(self._terminator, max(start, self._searched))) >= 0:
            lines.append(self._line(bytes(self._begun[start:end]), at_ns))
            start = end + len(self._terminator)
        del self._begun[:start]
        # A terminator may be split between two reads.
        self._searched = max(0, len(self._begun) - len(self._terminator) + 1)
        if len(self._begun) > LONGEST_LINE:
            if self._overlong is None:
                self._overlong = bytes(self._begun[:LONGEST_LINE])
            del self._begun[: self._searched]
            self._searched = 0
        return lines

    def reset(self) -> None:
        """Forget a line that has only begun."""
        self._begun.clear()
        self._searched = 0
        self._overlong = None

    def _line(self, end: bytes, at_ns: int) -> Line:
        if self._overlong is not None:
            beginning, self._overlong = self._overlong, None
            return Line(beginning, at_ns, cut=True)
        if len(end) > LONGEST_LINE:
            return Line(end[:LONGEST_LINE], at_ns, cut=True)
        return Line(end.rstrip(b"\r"), at_ns)
