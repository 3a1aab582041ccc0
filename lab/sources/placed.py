"""What all sources that stand somewhere and sound now and then have in common: their keys, and how they are played.

A source hands over its sounds one after the other; `SoundStream` adds them up where they fall. Audio is sound pressure
at 1 m in a free field, mono. Memory holds only the sounds that are heard at the moment, however long the trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from detectors.interface import Event
from lab.acoustics.placement import Height, Point, Rule
from lab.sources.moves import MovesSpec
from lab.sources.segments import Segment
from lab.spec import Spec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Schedule(Spec):
    """When a source starts: at random, `poisson_per_h` times an hour on average, never over itself."""

    poisson_per_h: float = Field(gt=0.0, le=3600.0)


class PlacedSpec(Spec):
    """Where a source stands, how loud it is and when it sounds; each kind adds its own keys.

    Where it is: exactly one of `distance_m` (to the centre of the device), `position_m`, `rule`, `moves`; height: of a
    source placed by distance or moving. level_db_spl: at 1 m in a free field, of what the kind documents; without it, drawn from
    the range the kind documents. It sounds once, at `start_s`; with a `schedule`, at random times after it.
    """

    name: Name
    distance_m: float | None = Field(None, ge=0.1, le=50.0)
    position_m: Point | None = None
    rule: Rule | None = None
    moves: MovesSpec | None = None
    height: Height = "standing"
    level_db_spl: float | None = Field(None, ge=20.0, le=140.0)
    start_s: float = Field(0.0, ge=0.0, le=86_400.0)
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _stands_somewhere(self) -> Self:
        check_place(self)
        return self


def check_place(spec: Spec, *ways: str) -> None:
    """Raises ValueError for a source that is nowhere, or at several places. ways: more keys that say where it is."""
    keys = ("distance_m", "position_m", "rule", "moves", *ways)
    if sum(getattr(spec, key) is not None for key in keys) != 1:
        raise ValueError(f"exactly one of {', '.join(keys)}")


class Starting(Protocol):
    """A source with a time or a schedule."""

    start_s: float
    schedule: Schedule | None


def starts(spec: Starting, rng: np.random.Generator, duration_s: float) -> list[float]:
    """When a source starts in a trial of `duration_s`, in s, rising: once, or as its schedule says."""
    if spec.schedule is None:
        return [spec.start_s]
    found, at_s = [], spec.start_s
    while (at_s := at_s + float(rng.exponential(3600.0 / spec.schedule.poisson_per_h))) < duration_s:
        found.append(at_s)
    return found


def alike(*values: object) -> str:
    """A short name of what sounds, equal for equal values: the cluster of trials that sound alike."""
    return sha256(repr(values).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Sound:
    """One sound. onset_s: when its first sample falls, in trial time, rounded to the nearest sample.

    audio: Pa at 1 m, float32, shape (samples,). truth: events that become known with it, in trial time; none may begin
    before `onset_s`.
    """

    onset_s: float
    audio: NDArray[np.float32]
    truth: tuple[Event, ...] = ()


class SoundStream:
    """The audio of one source in one trial: read it to the end, then look at what was heard.

    sounds: in the order of their onsets, made as they are needed, endless if need be; they may overlap. measured: drawn
    figures of the trial, kept under `{name}_{key}`. cluster: equal for trials that sound alike.
    Raises ValueError when a sound comes out of order.
    """

    segments: tuple[Segment, ...] = ()  # no recordings

    def __init__(
        self,
        name: str,
        sounds: Iterable[Sound],
        rate_hz: int,
        duration_s: float,
        *,
        cluster: str,
        measured: Mapping[str, float] = {},
    ) -> None:
        self.name, self.rate_hz, self.samples = name, rate_hz, round(duration_s * rate_hz)
        self.cluster = cluster
        self.measured = {f"{name}_{key}": float(value) for key, value in measured.items()}
        self._coming = iter(sounds)
        self._heard: list[tuple[int, NDArray[np.float32]]] = []
        self._truth: list[Event] = []
        self._latest, self._read = 0, 0
        self._next = self._fetch()

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples in Pa at 1 m, float32, shape (samples,); zeros after the end of the trial.

        The way a trial is cut into reads changes no bit: sounds are added in the order of their onsets.
        """
        out = np.zeros(samples, np.float32)
        begin, end = self._read, min(self._read + samples, self.samples)
        while self._next is not None and self._latest < end:
            self._heard.append((self._latest, self._next.audio))
            self._next = self._fetch()
        for at, audio in self._heard:
            first, last = max(at, begin), min(at + len(audio), end)
            out[first - begin : last - begin] += audio[first - at : last - at]
        self._heard = [(at, audio) for at, audio in self._heard if at + len(audio) > end]
        self._read = max(begin, end)
        return out

    def chunks(self, samples: int) -> Iterator[NDArray[np.float32]]:
        """The whole trial in reads of `samples`; the last may be shorter."""
        while self._read < self.samples:
            yield self.read(min(samples, self.samples - self._read))

    @property
    def over(self) -> bool:
        """Whether nothing is left to be heard."""
        return self._next is None and not self._heard

    @property
    def truth(self) -> tuple[Event, ...]:
        """Events begun so far, as they leave the source, by onset; cut at the end of the trial."""
        end_s = self.samples / self.rate_hz
        begun = [e for e in self._truth if e.onset_s < self._read / self.rate_hz]
        return tuple(
            replace(e, offset_s=min(e.offset_s, end_s)) for e in sorted(begun, key=lambda e: e.onset_s)
        )

    def _fetch(self) -> Sound | None:
        sound = next(self._coming, None)
        if sound is None:
            return None
        at = round(sound.onset_s * self.rate_hz)
        if at < self._latest:
            raise ValueError(f"{self.name}: a sound at {sound.onset_s:g} s comes after a later one")
        self._latest = at
        if at >= self.samples:
            self._coming = iter(())
            return None
        self._truth += sound.truth
        return sound
