"""How much may come in: a rate of clips, and how many are judged or wait at once."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TokenBucket:
    """Holds `per_minute` at most and fills at that rate; each clip takes one. Full at first."""

    per_minute: int
    _held: float = field(init=False)
    _filled_s: float | None = None

    def __post_init__(self) -> None:
        self._held = float(self.per_minute)

    def wait_s(self, now_s: float) -> float:
        """Take one: 0, or how long it will be until there is one again. now_s: on a clock that never goes back."""
        if self._filled_s is not None:
            grown = (now_s - self._filled_s) * self.per_minute / 60.0
            self._held = min(float(self.per_minute), self._held + grown)
        self._filled_s = now_s
        if self._held < 1.0:
            return (1.0 - self._held) * 60.0 / self.per_minute
        self._held -= 1.0
        return 0.0


@dataclass
class Places:
    """Clips that are judged or wait for it, counted by `with`; whether there is a place is asked before."""

    total: int
    taken: int = 0

    @property
    def full(self) -> bool:
        return self.taken >= self.total

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1
