"""A corpus file: what recordings there are, whose they are, and what each may be used for.

`scenarios/corpora/NAME.toml` is the head (format, classes, events, where the audio can be had); the CSV
file it names holds one row a recording. No audio is needed to read either.
"""

from __future__ import annotations

import csv
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TypeVar

from detectors.interface import LABELS
from lab.corpora.split import Split
from lab.errors import BadInput

FORMAT = "earshot-corpus/1"
SHELF = Path(__file__).resolve().parents[2] / "scenarios" / "corpora"
HEAD_KEYS = {"format", "id", "title", "recordings", "url_template", "classes", "events", "excluded"}
E = TypeVar("E", bound=StrEnum)


class Purpose(StrEnum):
    """What recordings are wanted for; it decides which splits may be opened."""

    TRAINING = "training"
    TUNING = "tuning"
    TRIAL = "trial"


MAY_OPEN = {
    Purpose.TRAINING: {Split.TRAIN},
    Purpose.TUNING: {Split.TRAIN, Split.TUNE},
    Purpose.TRIAL: set(Split),
}


@dataclass(frozen=True)
class Recording:
    """One audio file of a corpus.

    path: below the corpus root, with forward slashes. origin: the original recording it was cut from.
    source: `repository@commit:path` of the public file. seconds, rate_hz, channels: as stored.
    """

    path: str
    label: str
    origin: str
    title: str
    author: str
    licence: str
    seconds: float
    rate_hz: int
    channels: int
    split: Split
    source: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Corpus:
    """Recordings by path, and the classes and events their labels stand for.

    excluded: path -> why it is listed but never played.
    """

    id: str
    title: str
    file: Path
    url_template: str
    by_path: Mapping[str, Recording]
    classes: Mapping[str, tuple[str, ...]]
    events: Mapping[str, tuple[str, ...]]
    excluded: Mapping[str, str]

    def recordings(
        self, *, split: str, purpose: str, classes: Iterable[str] | None = None
    ) -> tuple[Recording, ...]:
        """Recordings of one split, in file order; of all classes unless some are named.

        Raises BadInput for a class or split the corpus does not have, and for a split that the purpose
        must not see: training never opens `tune` or `test`, tuning never opens `test`.
        """
        wanted = _member(Split, split, "split", self.file)
        if wanted not in MAY_OPEN[_member(Purpose, purpose, "purpose", self.file)]:
            allowed = ", ".join(s for s in Split if s in MAY_OPEN[Purpose(purpose)])
            raise BadInput(f"{self.file}: {purpose} must not open split '{wanted}'; allowed: {allowed}")
        inside = None if classes is None else {entry for name in classes for entry in self.entries(name)}
        return tuple(
            r
            for r in self.by_path.values()
            if r.split == wanted
            and r.path not in self.excluded
            and (inside is None or r.label in inside or r.path in inside)
        )

    def entries(self, name: str) -> tuple[str, ...]:
        """Labels (and single paths) that make up a class."""
        if name not in self.classes:
            raise BadInput(
                f"{self.file}: no class '{name}'{_close(name, self.classes)}; it has {', '.join(self.classes)}"
            )
        return self.classes[name]

    def event_of(self, recording: Recording) -> str | None:
        """The event label a detector would report for this recording, None for background."""
        return next((event for event, labels in self.events.items() if recording.label in labels), None)


def load_corpus(name: str | Path) -> Corpus:
    """Read a corpus file: a name on the shelf (`household`), or the path of a TOML file.

    Raises BadInput naming the file and what is wrong with it.
    """
    file = _find(name)
    head = _head(file)
    listing = file.parent / head["recordings"]
    rows = _rows(listing)
    by_path = {r.path: r for r in rows}
    if len(by_path) != len(rows):
        twice = next(r.path for i, r in enumerate(rows) if r.path in {q.path for q in rows[:i]})
        raise BadInput(f"{listing}: '{twice}' is listed twice")
    _check_origins(listing, rows)
    if unknown := sorted(head["events"].keys() - set(LABELS)):
        raise BadInput(
            f"{file}: events.{unknown[0]}: no label{_close(unknown[0], LABELS)}; there are {', '.join(LABELS)}"
        )
    known = {r.label for r in rows} | set(by_path)
    for table in ("classes", "events"):
        for key, entries in head[table].items():
            if unknown := [e for e in entries if e not in known]:
                raise BadInput(f"{file}: {table}.{key}: no recording has label or path '{unknown[0]}'")
    if unknown := sorted(head["excluded"].keys() - by_path.keys()):
        raise BadInput(f"{file}: excluded: no recording '{unknown[0]}'")
    return Corpus(
        id=head["id"],
        title=head["title"],
        file=file,
        url_template=head["url_template"],
        by_path=by_path,
        classes={key: tuple(v) for key, v in head["classes"].items()},
        events={key: tuple(v) for key, v in head["events"].items()},
        excluded=head["excluded"],
    )


def shelf() -> dict[str, Path]:
    """Corpora that come with the lab, by name."""
    return {file.stem: file for file in sorted(SHELF.glob("*.toml"))}


def _find(name: str | Path) -> Path:
    named = str(name)
    if named in shelf():
        return shelf()[named]
    if named.endswith(".toml"):
        if Path(named).is_file():
            return Path(named)
        raise BadInput(f"no corpus file {named}")
    known = ["procedural", *shelf()]
    raise BadInput(
        f"no corpus '{named}'{_close(named, known)}; there are {', '.join(known)}, or give a .toml path"
    )


def _head(file: Path) -> dict:
    try:
        head = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not readable as TOML: {error}") from None
    if head.get("format") != FORMAT:
        raise BadInput(f"{file}: format is {head.get('format')!r}, this lab reads {FORMAT!r}")
    for key in head.keys() - HEAD_KEYS:
        raise BadInput(f"{file}: unknown key '{key}'{_close(key, HEAD_KEYS)}")
    for key in sorted(HEAD_KEYS - {"events", "excluded", "url_template"} - head.keys()):
        raise BadInput(f"{file}: key '{key}' is missing")
    head = {"events": {}, "excluded": {}, "url_template": ""} | head
    for table in ("classes", "events"):
        for key, entries in head[table].items():
            if not isinstance(entries, list) or not all(isinstance(e, str) for e in entries):
                raise BadInput(f"{file}: {table}.{key} must be a list of labels")
    return head


def _rows(listing: Path) -> list[Recording]:
    columns = [f.name for f in fields(Recording)]
    try:
        with listing.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames != columns:
                raise BadInput(f"{listing}: the first line must be {','.join(columns)}")
            return [_recording(row, f"{listing}:{reader.line_num}") for row in reader]
    except OSError as error:
        raise BadInput(f"{listing}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{listing}: not UTF-8: {error}") from None


def _check_origins(listing: Path, rows: Iterable[Recording]) -> None:
    """Refuse an origin that lies in two splits: what is heard in training would be heard in a test."""
    first: dict[str, Recording] = {}
    for row in rows:
        other = first.setdefault(row.origin, row)
        if other.split != row.split:
            raise BadInput(
                f"{listing}: origin '{row.origin}' is in two splits, {other.split} ('{other.path}') and "
                f"{row.split} ('{row.path}'); all recordings of an origin lie in one"
            )


def _recording(row: dict, where: str) -> Recording:
    if None in row or None in row.values():
        raise BadInput(f"{where}: wrong number of columns")
    path = PurePosixPath(row["path"])
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadInput(f"{where}: path '{row['path']}' must lie below the corpus root")
    try:
        numbers = {"seconds": float(row["seconds"])} | {k: int(row[k]) for k in ("rate_hz", "channels")}
    except ValueError as error:
        raise BadInput(f"{where}: seconds, rate_hz and channels must be numbers: {error}") from None
    if min(numbers.values()) <= 0:
        raise BadInput(f"{where}: seconds, rate_hz and channels must be above 0")
    return Recording(**(row | numbers | {"split": _member(Split, row["split"], "split", where)}))


def _member(kind: type[E], value: str, key: str, where: object) -> E:
    try:
        return kind(value)
    except ValueError:
        raise BadInput(f"{where}: {key} is '{value}', allowed: {', '.join(kind)}") from None


def _close(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
