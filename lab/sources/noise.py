"""Noise."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lab.spec import Spec


class NoiseSpec(Spec):
    """Diffuse noise at the device, by SNR to a source or by level."""

    kind: Literal["noise"]
    name: str
    colour: Literal["pink", "white", "babble", "household"] = "pink"
    snr_db: Annotated[float, Field(ge=-40.0, le=80.0)] | None = None
    level_db_spl: Annotated[float, Field(ge=-20.0, le=120.0)] | None = None
    relative_to: str | None = None

    @model_validator(mode="after")
    def _one_level(self) -> Self:
        if (self.snr_db is None) == (self.level_db_spl is None):
            raise ValueError("exactly one of snr_db, level_db_spl")
        return self
