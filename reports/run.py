"""A finished run on disk: `results.json` and the clips beside it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from lab.errors import BadInput
from lab.store.results import FILE_NAME, Results, parse


@dataclass(frozen=True)
class Run:
    """folder: where clips are looked up. sha256: of `results.json` as read."""

    folder: Path
    results: Results
    sha256: str


def open_run(path: Path) -> Run:
    """Open a run folder, or the `results.json` inside it.

    Raises BadInput when there is none, or it is not of a format this version reads.
    """
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path}: no run here: cannot read {file.name} ({error.strerror}); name a folder that `lab run` wrote"
        ) from error
    return Run(file.parent, parse(raw, file), hashlib.sha256(raw).hexdigest())


def find_against(against: str, beside: Run) -> Run:
    """The run to compare with: a run folder, its `results.json`, or the newest run of a build near `beside`.

    against: a path, a build file, or a build's id or hash (8 characters or more), looked up among the folders
    that lie beside the run under report.
    """
    path = Path(against)
    if path.suffix == ".toml" and path.is_file():
        return _newest_of_build(_build_id(path), beside)
    if path.exists():
        return open_run(path)
    return _newest_of_build(against, beside)


def _build_id(path: Path) -> str:
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8-sig"))["id"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise BadInput(f"{path}: not a build file: it must be TOML with an `id`") from error


def _newest_of_build(build: str, beside: Run) -> Run:
    others = []
    for file in sorted(beside.folder.resolve().parent.glob(f"*/{FILE_NAME}")):
        if file.parent == beside.folder.resolve():
            continue
        try:
            others.append(open_run(file))
        except BadInput:  # an older or foreign run in the same folder must not stop this report
            continue
    matching = [run for run in others if _is_build(run, build)]
    if not matching:
        known = ", ".join(sorted({run.results.environment.build.id for run in others})) or "none"
        raise BadInput(
            f"--against {build}: neither a run folder nor a build with a run in {beside.folder.resolve().parent}"
            f" (builds found there: {known})"
        )
    return max(matching, key=lambda run: run.results.started)


def _is_build(run: Run, build: str) -> bool:
    identity = run.results.environment.build
    return identity.id == build or (len(build) >= 8 and identity.hash.startswith(build))
