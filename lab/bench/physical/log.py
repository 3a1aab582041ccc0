"""The bench log: what was done, said and found at the bench, one line each, readable while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rigs.console_text import escaped


class BenchLog:
    """Appends to a file. also: called with every line, such as to show it.

    A full disk does not stop a bench from being made safe: what cannot be written is still told to `also`.
    """

    def __init__(self, path: Path, also: Callable[[str], None] = lambda text: None) -> None:
        self.path, self._also = path, also
        path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        """text: may come from a device; control characters are made visible."""
        line = escaped(text)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now().astimezone().isoformat(timespec='milliseconds')} {line}\n")
        except OSError as error:
            self._also(f"{self.path}: {error.strerror}")
        self._also(line)
