"""Command-line options of the plugin, and what they mean once resolved."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from lab.runs.options import default_jobs


@dataclass(frozen=True)
class LabOptions:
    """out: folder of this run; every scenario gets one of its own inside it.

    trials, hours: per cell, instead of the scenario's own. build: None for the reference. corpus: folder of
    recordings, None for the cache. jobs: worker processes of one scenario. skip_inconclusive: an inconclusive
    scenario is skipped, not failed. rig: name or file of the bench to run on, None for simulated rooms. asserts: what
    a test holds, `health` or `limits`; None: health on a bench without real air, limits elsewhere.
    """

    out: Path
    trials: int | None
    hours: float | None
    seed: int | None
    build: Path | None
    corpus: Path | None
    jobs: int
    skip_inconclusive: bool
    rig: str | None = None
    asserts: str | None = None


OPTIONS = pytest.StashKey[LabOptions]()


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("lab", "scenarios of always-listening devices")
    group.addoption(
        "--lab-trials", type=_count, metavar="N", help="trials per cell, instead of the scenario's own"
    )
    group.addoption("--lab-hours", type=_hours, metavar="H", help="hours per exposure cell, likewise")
    group.addoption("--lab-seed", type=_seed, metavar="S", help="seed of all draws")
    group.addoption(
        "--lab-build",
        metavar="FILE",
        help="build under test: a file, or the name of a shipped one (default: the reference build)",
    )
    group.addoption("--lab-corpus", metavar="DIR", help="folder of recordings (default: the corpus cache)")
    group.addoption("--lab-out", metavar="DIR", help="folder of results (default: runs/pytest/TIME)")
    group.addoption(
        "--lab-jobs",
        type=_count,
        metavar="N",
        help="worker processes of one scenario (default: one a core; 1 under xdist)",
    )
    group.addoption(
        "--lab-inconclusive",
        choices=("fail", "skip"),
        default="fail",
        help="what an inconclusive scenario is (default: fail)",
    )
    group.addoption(
        "--rig",
        dest="lab_rig",
        metavar="NAME",
        help="run on this bench: a rig file, or the name of a shipped one (default: simulated rooms)",
    )
    group.addoption(
        "--lab-asserts",
        choices=("health", "limits"),
        default=None,
        help="what a scenario test holds: that every trial is valid, or its limits "
        "(default: health on emulated and loopback benches, limits elsewhere)",
    )


def read_options(config: pytest.Config) -> LabOptions:
    """Resolve paths; workers of pytest-xdist get the folder that their controller settled on."""
    option = config.option
    here = config.invocation_params.dir
    worker = hasattr(config, "workerinput")
    if option.lab_out is None:
        # Workers start with a copy of the controller's options: what is set here, they share.
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        option.lab_out = str(config.rootpath / "runs" / "pytest" / f"{stamp}-{os.getpid()}")
    else:
        option.lab_out = str(here / option.lab_out)
        if not worker:
            _check_out(Path(option.lab_out))
    if option.lab_corpus and not (here / option.lab_corpus).is_dir():
        raise pytest.UsageError(f"--lab-corpus {here / option.lab_corpus}: no such folder")
    distributed = worker or bool(getattr(option, "numprocesses", None))
    if option.lab_rig is not None and distributed:
        raise pytest.UsageError(f"--rig {option.lab_rig}: a bench runs one trial at a time; leave out -n")
    return LabOptions(
        out=Path(option.lab_out),
        trials=option.lab_trials,
        hours=option.lab_hours,
        seed=option.lab_seed,
        build=build_at(here, option.lab_build) if option.lab_build else None,
        corpus=here / option.lab_corpus if option.lab_corpus else None,
        jobs=option.lab_jobs or (1 if distributed else default_jobs()),
        skip_inconclusive=option.lab_inconclusive == "skip",
        rig=_rig(here, option.lab_rig),
        asserts=option.lab_asserts,
    )


def build_at(here: Path, build: str | Path) -> Path:
    """A build file as seen from `here`; what is none may be the name of a shipped one, which is left as it is."""
    return here / build if (here / build).exists() else Path(build)


def _check_out(out: Path) -> None:
    file = next(one for one in (out, *out.parents) if one.exists())
    if not file.is_dir():
        raise pytest.UsageError(f"--lab-out {out}: {file} is a file, where a folder is wanted")
    if file == out and any(out.iterdir()):
        raise pytest.UsageError(f"--lab-out {out}: holds results already; name a new or empty folder")


def _rig(here: Path, rig: str | None) -> str | None:
    return str(here / rig) if rig is not None and (here / rig).is_file() else rig


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)


def _hours(text: str) -> float:
    if not 0.0 < float(text) < math.inf:
        raise ValueError
    return float(text)


_count.__name__ = "count of 1 or more"
_seed.__name__ = "seed of 0 or more"
_hours.__name__ = "number of hours above 0"
