"""What a result was made with: package versions, commit, machine."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from detectors.build import Build
from lab.store.results import BuildIdentity, Environment, RigIdentity

# The packages whose version can change a sample or a score.
PACKAGES = ("earshot", "numpy", "scipy", "numba", "pyroomacoustics", "soxr", "soundfile", "onnxruntime")


def environment(build: Build, rigs: Sequence[RigIdentity] = ()) -> Environment:
    """rigs: the bench of a run, where it has one."""
    return Environment(
        build=BuildIdentity(id=build.id, hash=build.hash, path=_short(build.path), detectors=build.parts),
        packages={name: _version(name) for name in PACKAGES},
        commit=commit(),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        rigs=list(rigs),
    )


def commit() -> str:
    """The commit of this checkout, with `+changes` when the tree differs from it; `unknown` outside one."""
    root = Path(__file__).resolve().parents[2]
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
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
