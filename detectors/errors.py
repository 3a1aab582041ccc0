"""The exception family of detectors. A command turns each into one message and an exit code."""

from __future__ import annotations

import traceback


class DetectorError(ValueError):
    """What a detector was given cannot be used; the message names the thing, the key and what is allowed."""


class DetectorFault(Exception):
    """The code of a detector raised. The message names build, detector and exception; `trace` is for who wrote it.

    Both are text, so that a fault in a worker process reaches whoever waits for it.
    """

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message, trace)
        self.trace = trace

    def __str__(self) -> str:
        return str(self.args[0])

    def told(self, more: str) -> DetectorFault:
        """The same, and where it was."""
        return DetectorFault(f"{self}; {more}", self.trace)


def fault(where: str, error: BaseException) -> DetectorFault:
    """Of an exception that is being handled. where: build and detector. The trace begins below the frame that caught it."""
    below = error.__traceback__ and (error.__traceback__.tb_next or error.__traceback__)
    trace = "".join(traceback.format_exception(type(error), error, below))
    return DetectorFault(f"{where}: {''.join(traceback.format_exception_only(error)).strip()}", trace)
