"""Writing sound so that a refusal is told as the system tells it, with the path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from lab.errors import LabFailure

Append = Callable[[NDArray[np.floating]], None]


@contextmanager
def written(
    path: Path, rate_hz: int, channels: int, subtype: str | None = None, form: str | None = None
) -> Iterator[Append]:
    """Yields what appends (n, channels) or (n,) to a new file. form: of libsndfile, None for that of the suffix.

    Raises OSError where the file cannot be opened, LabFailure where what is written does not fit.
    """
    path.open("wb").close()  # libsndfile does not say why it cannot
    try:
        file = soundfile.SoundFile(path, "w", rate_hz, channels, subtype, format=form)
    except soundfile.LibsndfileError as error:
        raise LabFailure(f"{path}: cannot be written: {error.error_string}") from None

    def append(samples: NDArray[np.floating]) -> None:
        try:
            file.write(samples)
        except (
            soundfile.LibsndfileError,
            AssertionError,
        ) as error:  # short writes trip an assert in soundfile
            raise LabFailure(f"{path}: cannot be written: {str(error) or 'the disk is full'}") from None

    with file:
        yield append
