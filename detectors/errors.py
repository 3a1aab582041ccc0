"""The exception family of detectors. A command turns it into one message and exit code 3."""

from __future__ import annotations


class DetectorError(ValueError):
    """What a detector was given cannot be used; the message names the thing, the key and what is allowed."""
