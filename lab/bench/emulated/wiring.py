"""Which connector of the sound card is which loudspeaker, and where the bench's microphones come out.

The bench plays on the loudspeakers' connectors; the virtual device listens there, and plays what the bench's own
microphones hear on theirs. Connectors count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.acoustics.levels import pa_from_db_spl


@dataclass(frozen=True)
class Loudspeaker:
    """full_scale_db_spl: level at 1 m of a sine whose peaks reach full scale."""

    channel: int
    full_scale_db_spl: float = 110.0

    @property
    def pa(self) -> float:
        """Pressure at 1 m of a sample of 1.0."""
        return full_scale_pa(self.full_scale_db_spl)


@dataclass(frozen=True)
class TestMicrophone:
    """A microphone of the bench, right at one of the device's (counted from 1). Flat and without noise of its own."""

    __test__ = False  # pytest would take the name for a test

    channel: int
    microphone: int = 1
    full_scale_db_spl: float = 120.0

    @property
    def pa(self) -> float:
        """Pressure that is a sample of 1.0."""
        return full_scale_pa(self.full_scale_db_spl)


@dataclass(frozen=True)
class Wiring:
    """device, host_api: parts of the names of the sound card. rate_hz: at which it runs."""

    loudspeakers: tuple[Loudspeaker, ...]
    microphones: tuple[TestMicrophone, ...]
    device: str = "loopback"
    host_api: str = "JACK"
    rate_hz: int = 48_000

    def __post_init__(self) -> None:
        channels = [one.channel for one in (*self.loudspeakers, *self.microphones)]
        if not self.loudspeakers or not self.microphones:
            raise ValueError("at least one loudspeaker and one microphone")
        if min(channels) < 1 or len(set(channels)) < len(channels):
            raise ValueError(f"connectors {channels}: from 1 on, each for one thing")


def full_scale_pa(level_db_spl: float) -> float:
    """Pressure of full scale when a sine whose peaks reach it has this level."""
    return 2.0**0.5 * float(pa_from_db_spl(level_db_spl))
