"""What SCPI instruments answer: numbers, quoted text, definite blocks, entries of the error queue."""

from __future__ import annotations

import math
import re

NAN = 9.91e37
INFINITY = 9.9e37

# One line of the error queue: a number, a comma, quoted text in which quotes are doubled.
ERROR = re.compile(rb'(?:^|[\r\n])\s*([+-]?\d{1,5},\s*"(?:[^"\r\n]|"")*")\s*[\r\n]')

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def parse_number(text: str) -> float:
    """NR1, NR2 or NR3. 9.91E37 is NaN, 9.9E37 and -9.9E37 are infinite (SCPI-99, 7.2.1.4 and 7.2.1.5).

    Raises ValueError for anything else.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'"{text[:80]}" is no number')
    value = float(text)
    if math.isclose(value, NAN, rel_tol=1e-6):
        return math.nan
    if math.isclose(abs(value), INFINITY, rel_tol=1e-6):
        return math.copysign(math.inf, value)
    if math.isinf(value):
        raise ValueError(f'"{text[:80]}" is too large')
    return value


def parse_text(text: str) -> str:
    """String data without its quotes, a doubled quote being one; text without quotes as it is."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def block_end(received: bytes, terminator: bytes) -> int | None:
    """Where the content of a definite block ends, once all of it and the terminator are there.

    None while more is to come. Raises ValueError for what can never become a definite block.
    """
    span = _span(received)
    if span is None:
        return None
    rest, ends = received[span[1] :], (terminator, b"\r" + terminator)
    if rest.startswith(ends):
        return span[1]
    if not any(end.startswith(rest) for end in ends):
        raise ValueError(
            f"block of {span[1] - span[0]} bytes is followed by {rest[:8].hex(' ')}, not by its end"
        )
    return None


def parse_block(received: bytes) -> bytes:
    """The content of a definite block, `#15hello` -> `hello`. Raises ValueError."""
    span = _span(received)
    if span is None or len(received) < span[1]:
        raise ValueError(f"block is cut short: {received[:32].hex(' ')}")
    return received[span[0] : span[1]]


def _span(received: bytes) -> tuple[int, int] | None:
    """First byte of the content and the one after the last, None while the header is incomplete."""
    if not received:
        return None
    if received[:1] != b"#":
        raise ValueError(f"no block: it must begin with #, not {received[:16].hex(' ')}")
    if len(received) < 2:
        return None
    digits = received[1] - ord("0")
    if not 1 <= digits <= 9:
        raise ValueError("not a block of definite length (# and a digit from 1 to 9)")
    length = received[2 : 2 + digits]
    if not re.fullmatch(rb"\d*", length):
        raise ValueError(f"block length {length.hex(' ')} is no number")
    if len(length) < digits:
        return None
    start = 2 + digits
    return start, start + int(length)
