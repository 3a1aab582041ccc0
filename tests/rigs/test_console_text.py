"""Hostile console text is harmless once kept, and never stops the reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.console_text import LONGEST_LINE, escaped, plain


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"[ 12.345] EVT watermark score=9.58\r\n", "[ 12.345] EVT watermark score=9.58"),
        (b"=> U-Boot -> ok", "=> U-Boot -> ok"),
        (b"\x1b]0;title\x07\x1b[2Jgone\x00", r"\x1b]0;title\x07\x1b[2Jgone\x00"),
        (b"over\rwritten", r"over\x0dwritten"),
        (b"<script>alert('x')</script> &amp;", r"\x3cscript>alert('x')\x3c/script> \x26amp;"),
        (b"C:\\x41", r"C:\x5cx41"),
        (b"\xff\xfe not UTF-8", r"\xff\xfe not UTF-8"),
        ("Küche 22 °C".encode(), "Küche 22 °C"),
        ("\u202egnp.exe\u2028".encode(), r"\u202egnp.exe\u2028"),
        ("\U000e0041tag".encode(), r"\U000e0041tag"),
    ],
)
def test_what_is_kept_is_printable_and_reads_back(line, kept):
    assert escaped(line) == kept
    assert kept.isprintable()


def test_a_line_of_a_megabyte_is_cut_and_says_so():
    kept = escaped(b"A" * 1_000_000)
    assert kept == "A" * LONGEST_LINE + " [cut: 1000000 bytes]"
    assert len(plain(b"A" * 1_000_000)) == LONGEST_LINE


def test_patterns_see_through_colours_and_line_ends():
    assert plain(b"\x1b[0;32mI (123) ready\x1b[0m\r\n") == "I (123) ready"


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
def test_any_bytes_become_one_harmless_line(line):
    kept = escaped(line)
    assert kept.isprintable() and not set(kept) & set("<&")
    assert isinstance(plain(line), str)
    # Different lines stay different: nothing is lost but the line end.
    assert _read_back(kept) == line.rstrip(b"\r\n")


def _read_back(kept: str) -> bytes:
    out, at = bytearray(), 0
    while at < len(kept):
        digits = {"x": 2, "u": 4, "U": 8}.get(kept[at + 1]) if kept[at] == "\\" else None
        if digits is None:
            out += kept[at].encode()
            at += 1
            continue
        point = int(kept[at + 2 : at + 2 + digits], 16)
        # \xNN is a byte that is no UTF-8, or a character below U+0080; the two never meet.
        out += bytes([point]) if digits == 2 else chr(point).encode()
        at += 2 + digits
    return bytes(out)
