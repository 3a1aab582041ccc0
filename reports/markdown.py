"""Markdown as the committed pages have it."""

from __future__ import annotations

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Its lines; a sentence where there are no rows."""
    if not rows:
        return ["Nothing measured yet."]
    return ["| " + " | ".join(one) + " |" for one in (heads, ["---"] * len(heads), *rows)]
