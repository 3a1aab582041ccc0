"""The one exception family that reaches a front door, and the exit codes it carries.

0 all pass, 1 at least one fail, 2 none fails but some inconclusive, 3 bad input or usage,
4 lab, rig or store failure, 130 interrupted.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2
    BAD_INPUT = 3
    LAB_FAILURE = 4
    INTERRUPTED = 130


class EarshotError(Exception):
    """One clear message for a person: it names the file, the key and what is allowed."""

    exit_code = ExitCode.LAB_FAILURE


class BadInput(EarshotError):
    """What the user gave cannot be used: a scenario, a device, a build, a corpus, a recording, a flag."""

    exit_code = ExitCode.BAD_INPUT


class LabFailure(EarshotError):
    """The lab itself cannot go on: a full disk, a broken store, a failed rig."""

    exit_code = ExitCode.LAB_FAILURE
