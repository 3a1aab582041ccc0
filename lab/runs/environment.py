"""What a result was made with: package versions, commit, machine."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from detectors.build import Build
from lab.store.provenance import of_batches
from lab.store.records import BatchRecord
from lab.store.results import BuildIdentity, Environment, Results, RigIdentity

# The packages whose version can change a sample or a score.
PACKAGES = ("earshot", "numpy", "scipy", "numba", "pyroomacoustics", "soxr", "soundfile", "onnxruntime")
NOT_KEPT = "not kept"


def here() -> dict[str, Any]:
    """Commit, Python, packages and machine of this process. machine: system and processor, as the same trial has the same bits on one type of
    machine only."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": ", ".join(filter(None, (f"{platform.system()} {platform.machine()}", _processor()))),
    }


def environment_of(
    build: Build, batches: Sequence[tuple[BatchRecord | None, int]], rigs: Sequence[RigIdentity] = ()
) -> Environment:
    """What stored trials were made with: all that there are where there are several, and NOT_KEPT of those that do not say.

    batches: see `Store.batches`; where there is none it is this process. rigs: the bench of a run, where it has one.
    """
    made = of_batches(batches or [(BatchRecord(began="", ended="", **here()), 0)])
    unkept = sum(trials for batch, trials in batches if batch is None)

    def every(values: Iterable[str]) -> str:
        return ", ".join([*dict.fromkeys(values), *([NOT_KEPT] if unkept else [])])

    commits: Counter[str] = Counter()
    for one in made:
        commits[one.commit] += one.trials
    if unkept:
        commits[NOT_KEPT] = unkept
    alone = len(commits) < 2
    return Environment(
        build=_identity(build),
        packages={name: every(one.packages.get(name, "absent") for one in made) for name in PACKAGES},
        commit=", ".join(one if alone else f"{one} ({trials} trials)" for one, trials in commits.items())
        or NOT_KEPT,
        python=every(one.python for one in made),
        machine=every(one.machine for one in made),
        rigs=list(rigs),
    )


def as_told(
    batches: Sequence[tuple[BatchRecord | None, int]], before: Results | None
) -> list[tuple[BatchRecord | None, int]]:
    """Batches of a run, with what its results said before of trials that were stored when no batches were."""
    made = None if before is None else before.environment
    if before is None or made is None or NOT_KEPT in made.commit:
        return list(batches)
    older = BatchRecord(before.started, before.started, made.commit, made.python, made.packages, made.machine)
    return [(batch or older, trials) for batch, trials in batches]


def _identity(build: Build) -> BuildIdentity:
    return BuildIdentity(id=build.id, hash=build.hash, path=_short(build.path), detectors=build.parts)


def commit() -> str:
    """The commit of this checkout, with `+changes` when the tree differs from it; `unknown` outside one."""
    root = Path(__file__).resolve().parents[2]
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if changed else "")


def _processor() -> str:
    """As the kernel names it; empty where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _git(root: Path, *arguments: str) -> str:
    # Without optional locks, so that asking is in nobody's way who commits at that moment.
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _short(path: Path) -> str:
    """Relative to the checkout where possible, so that a report does not tell where it stood."""
    root = Path(__file__).resolve().parents[2]
    resolved = path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else resolved.name
