"""The note beside a capture: JSON, whole or not there at all, also on a full disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_note(path: Path) -> dict[str, Any]:
    """Raises OSError, ValueError."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_note(path: Path, content: Mapping[str, Any]) -> None:
    """Put it in the place of what is there. Raises OSError, and then what was there still is."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise
