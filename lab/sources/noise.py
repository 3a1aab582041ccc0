"""Background noise by colour: pink and white, babble of many voices, the sounds of a household."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from lab.sources.crowd import Crowd
from lab.sources.library import PROCEDURAL
from lab.sources.shaped import ShapedNoise
from lab.spec import Spec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Colour = Literal["pink", "white", "babble", "household"]


class NoiseSpec(Spec):
    """Diffuse noise at the device: exactly one of `snr_db` and `level_db_spl`.

    snr_db: RMS of the source `relative_to` (default: the first media source) while active over RMS of the noise at
    the reference microphone, 50 Hz-7 kHz, unweighted. level_db_spl: RMS in that band at the device. corpus: for babble
    (class `speech`) and household (class `household`); `procedural` makes both by seed.
    """

    kind: Literal["noise"]
    name: Name
    colour: Colour = "pink"
    snr_db: float | None = Field(None, ge=-40.0, le=80.0)
    level_db_spl: float | None = Field(None, ge=0.0, le=110.0)
    relative_to: Name | None = None
    corpus: Annotated[str, StringConstraints(min_length=1, max_length=500)] = PROCEDURAL

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.snr_db is None) == (self.level_db_spl is None):
            raise ValueError("exactly one of snr_db, level_db_spl")
        if self.relative_to is not None and self.snr_db is None:
            raise ValueError("relative_to goes with snr_db")
        if self.corpus != PROCEDURAL and self.colour in ("pink", "white"):
            raise ValueError(f"corpus goes with colour babble or household, not {self.colour}")
        return self


class NoiseStream:
    """Endless noise with unit RMS in 50 Hz-7 kHz, independent on every channel.

    The way it is read changes no bit. Raises BadInput when recordings are asked for that are not there.
    """

    def __init__(
        self,
        spec: NoiseSpec,
        *,
        channels: int,
        rate_hz: int,
        seed: int,
        split: str,
        folder: Path | None = None,
    ) -> None:
        if spec.colour in ("pink", "white"):
            self._frames = ShapedNoise(spec.colour, channels, rate_hz, seed)
        else:
            self._frames = Crowd(spec.colour, spec.corpus, channels, rate_hz, seed, split, folder)
        self.channels = channels
        self._now = np.zeros((channels, 0), np.float32)
        self._used = 0

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples, float32, shape (channels, samples)."""
        out = np.empty((self.channels, samples), np.float32)
        filled = 0
        while filled < samples:
            if self._used == self._now.shape[1]:
                self._now, self._used = self._frames.next(), 0
            n = min(samples - filled, self._now.shape[1] - self._used)
            out[:, filled : filled + n] = self._now[:, self._used : self._used + n]
            self._used += n
            filled += n
        return out
