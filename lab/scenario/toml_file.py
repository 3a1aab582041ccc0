"""Reading TOML so that a person can mend the file: one message with file, line and column."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from lab.errors import BadInput


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file, with or without a byte order mark. Raises BadInput when it cannot be read or is malformed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; TOML files are UTF-8 text") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line, column = _place(str(error), text)
        raise BadInput(f"{path}:{line}:{column}: malformed TOML: {what}") from None


def _place(message: str, text: str) -> tuple[str, int, int]:
    found = re.fullmatch(r"(?s)(.*) \(at line (\d+), column (\d+)\)", message)
    if found:
        return found[1], int(found[2]), int(found[3])
    lines = text.splitlines() or [""]
    return message.replace(" (at end of document)", ", but the file ends"), len(lines), len(lines[-1]) + 1
