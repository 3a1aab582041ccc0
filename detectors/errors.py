"""The exception family of what runs on a device."""


class DetectorError(ValueError):
    """A build, a key, a model or a recording that a detector cannot use, said in one message."""
