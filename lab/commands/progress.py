"""A bar on a terminal, a line now and then elsewhere, and a word of comfort on Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from lab.runs.progress import Progress

_LOG_EVERY_S = 30.0


@contextmanager
def watching(out: Path) -> Iterator[Callable[[Progress], None]]:
    """Yields the callback that shows how far a run is; says how to resume when the run is cut short."""
    console = Console(stderr=True)
    try:
        if console.is_terminal:
            with Bar(
                TextColumn("trials"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                console=console,
            ) as bar:
                task = bar.add_task("", total=None)
                yield lambda p: bar.update(
                    task, completed=p.trials, total=p.total_trials, description=_words(p)
                )
        else:
            yield _Log()
    except KeyboardInterrupt:
        print(
            f"interrupted; every finished trial is kept. Go on with the same command and --out {out} --resume",
            file=sys.stderr,
        )
        raise


class _Log:
    """A line at most every half minute, and one at the end."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._said < _LOG_EVERY_S and progress.trials < progress.total_trials:
            return
        self._said = now
        print(
            f"{progress.trials}/{progress.total_trials} trials, {_words(progress)}",
            file=sys.stderr,
            flush=True,
        )


def _words(progress: Progress) -> str:
    hours = f"{progress.audio_s / 3600:.2f} h of audio"
    if progress.left_s is None:
        return hours
    return f"{hours}, {timedelta(seconds=round(progress.left_s))} left"
