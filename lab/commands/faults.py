"""Telling what a user can mend from a fault in code, of exceptions that no part of the lab expected."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from sysconfig import get_path

from lab.errors import ExitCode

_MISNAMED = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
# Told even where the system does not say of which file.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)
_ROOT = Path(__file__).resolve().parents[2]
_CODE = (
    *(_ROOT / name for name in ("detectors", "lab", "reports", "rigs")),
    Path(get_path("purelib")).resolve(),
)


def of_path(error: Exception) -> tuple[str, ExitCode] | None:
    """One line that names the path of an OSError, and BAD_INPUT where another path mends it, LAB_FAILURE for disk and rights.

    None for an error that is not of a path, or of a file that is missing in the lab itself.
    """
    if not isinstance(error, OSError):
        return None
    named = error.filename2 or error.filename
    misnamed = isinstance(error, _MISNAMED)
    if not isinstance(named, str):
        return (f"output: {error.strerror}", ExitCode.LAB_FAILURE) if error.errno in _DISK else None
    if misnamed and any(Path(named).resolve().is_relative_to(code) for code in _CODE):
        return None
    return f"{named}: {error.strerror}", ExitCode.BAD_INPUT if misnamed else ExitCode.LAB_FAILURE


def trace(error: BaseException) -> str:
    """Its traceback; of one that came from a worker process, the one there and not what waited for it here."""
    from concurrent.futures.process import _RemoteTraceback

    if isinstance(error.__cause__, _RemoteTraceback):
        return error.__cause__.tb.strip().strip('"').strip()
    return "".join(traceback.format_exception(error))
