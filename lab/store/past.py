"""Runs of the past as their folders hold them, finished or not, and their way into the ledgers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import BadInput
from lab.store import ledger
from lab.store.database import SQLITE_NAME, URL_VARIABLE
from lab.store.ledger import Ledger
from lab.store.lock import LOCK_NAME
from lab.store.records import RunRecord, RunState
from lab.store.results import FILE_NAME, Results, read
from lab.store.store import Store


@dataclass(frozen=True)
class PastRun:
    """A run folder.

    record: as stored, None where only `results.json` was kept. results: None while the run is not finished.
    trials: scenario id -> trials stored so far, of an unfinished run.
    """

    folder: Path
    record: RunRecord | None
    results: Results | None
    trials: dict[str, int] = field(default_factory=dict)

    @property
    def started(self) -> str:
        return self.results.started if self.results else self.record.started if self.record else ""


def past_runs(folders: Sequence[Path], url: str | None = None, *, must_exist: bool = True) -> list[PastRun]:
    """The runs in `folders` and one level below them, oldest first.

    url: of the database that the runs were stored in, None for SQLite in each folder. Raises BadInput for a
    folder without a run (if `must_exist`) and for files that cannot be read.
    """
    found: dict[Path, PastRun] = {}
    for folder in folders:
        below = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        runs = [path for path in (folder, *below) if _holds_run(path, url)]
        if not runs and must_exist:
            raise BadInput(f"{folder}: no run here: neither {FILE_NAME} nor {SQLITE_NAME}")
        found.update((path.resolve(), _open(path, url)) for path in runs)
    return sorted(found.values(), key=lambda run: (run.started, str(run.folder)))


def publish(run: PastRun, folder: Path) -> list[Path]:
    """Add a finished run to the ledgers in `folder`, one for each suite (the folder of its scenarios).

    Returns the ledgers written. Raises BadInput when the run is not finished or is counted already; then
    none of its suites is written.
    """
    if run.results is None:
        raise BadInput(f"{run.folder}: not finished; go on with --resume before it is published")
    suites: dict[str, list] = {}
    for scenario in run.results.scenarios:
        suites.setdefault(Path(scenario.path).resolve().parent.name, []).append(scenario)
    merged = {}
    for suite, scenarios in suites.items():
        path = folder / f"{suite}.json"
        merged[path] = ledger.merged(run.results.model_copy(update={"scenarios": scenarios}), path)
    for path, content in merged.items():
        ledger.write(content, path)
    return list(merged)


def read_ledgers(folder: Path) -> dict[str, Ledger]:
    """Suite -> ledger of every file in `folder`. Raises BadInput."""
    return {path.stem: ledger.read(path) for path in sorted(folder.glob("*.json"))}


def _holds_run(folder: Path, url: str | None) -> bool:
    elsewhere = url or os.environ.get(URL_VARIABLE)
    names = (FILE_NAME, LOCK_NAME) if elsewhere else (FILE_NAME, SQLITE_NAME)
    return any((folder / name).is_file() for name in names)


def _open(folder: Path, url: str | None) -> PastRun:
    results = read(folder) if (folder / FILE_NAME).is_file() else None
    if not (folder / LOCK_NAME).exists() and not (folder / SQLITE_NAME).exists():
        return PastRun(folder, None, results)
    with Store.read(folder, url) as store:
        runs = store.runs()
        if not runs:
            return PastRun(folder, None, results)
        last = runs[-1]
        if results is not None and last.state is RunState.FINISHED:
            return PastRun(folder, last, results)
        # What results.json says, if there is one, is older than this run.
        trials = {s.id: len(store.finished(last.id, s.id, s.hash)) for s in store.scenarios(last.id)}
    return PastRun(folder, last, None, trials)
