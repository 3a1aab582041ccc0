"""Console text that cannot do harm: what a device prints is shown and stored, never obeyed.

Two readings of one line: `plain` is what patterns look at, `escaped` is what is kept.
"""

from __future__ import annotations

import re

LONGEST_LINE = 4096  # bytes of a line that are looked at and kept
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
# The characters that open a tag, an entity, or an escape of ours.
_OPENING = frozenset("<&\\")


def plain(line: bytes) -> str:
    """A line as text for patterns: without terminal colours and line ends, bytes that are no UTF-8 replaced.

    Of a longer line only the first LONGEST_LINE bytes, so that no pattern can be made to run for minutes.
    """
    return _ANSI.sub("", line[:LONGEST_LINE].decode("utf-8", "replace")).strip("\r\n\0 ")


def escaped(line: bytes | str) -> str:
    r"""A line for files and screens: one line, printable characters only, no markup, no terminal codes.

    Control characters, `<`, `&`, the backslash itself and bytes that are no UTF-8 become `\xNN`, what does not print
    or turns the writing direction `\uNNNN` or `\UNNNNNNNN`: nothing but the line end is lost. A longer line ends in how many bytes it had.
    """
    raw = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
    raw = raw.rstrip(b"\r\n")
    kept = raw[:LONGEST_LINE].decode("utf-8", "surrogateescape")
    text = "".join(one if one.isprintable() and one not in _OPENING else _code(one) for one in kept)
    return text if len(raw) <= LONGEST_LINE else f"{text} [cut: {len(raw)} bytes]"


def _code(character: str) -> str:
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is no UTF-8, as surrogateescape carries it
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
