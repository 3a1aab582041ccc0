"""The `$` settings of GRBL 1.1: defaults, what may be stored, how they are printed."""

from __future__ import annotations

# pulse, idle delay, masks and inversions; report mask; junction deviation, arc tolerance, inches; limits and
# homing; spindle; then by axis: steps/mm, fastest mm/min, acceleration mm/s^2, travel mm.
DEFAULTS: dict[int, float] = {
    0: 10,
    1: 25,
    2: 0,
    3: 0,
    4: 0,
    5: 0,
    6: 0,
    10: 1,
    11: 0.010,
    12: 0.002,
    13: 0,
    20: 0,
    21: 0,
    22: 0,
    23: 0,
    24: 25.0,
    25: 500.0,
    26: 250,
    27: 1.0,
    30: 1000,
    31: 0,
    32: 0,
    **{100 + axis: 250.0 for axis in range(3)},
    **{110 + axis: 500.0 for axis in range(3)},
    **{120 + axis: 10.0 for axis in range(3)},
    **{130 + axis: 200.0 for axis in range(3)},
}
_FLAGS = frozenset({4, 5, 6, 13, 20, 21, 22, 32})
_WHOLE = frozenset({0, 1, 2, 3, 10, 23, 26, 30, 31}) | _FLAGS


class Settings:
    """Values by number; `settings[110]`."""

    def __init__(self, changes: dict[int, float] | None = None) -> None:
        self._values = DEFAULTS | (changes or {})

    def __getitem__(self, number: int) -> float:
        return self._values[number]

    def axes(self, first: int) -> tuple[float, float, float]:
        return self._values[first], self._values[first + 1], self._values[first + 2]

    def store(self, number: int, value: float) -> int:
        """Store a setting; 0, or the number of the error."""
        if value < 0:
            return 4
        if number not in self._values:
            return 3
        if number == 0 and value < 3:
            return 6
        if number == 20 and value and not self._values[22]:
            return 10
        if number == 22 and not value:
            self._values[20] = 0
        if number == 32 and value:
            return 17
        self._values[number] = float(bool(value)) if number in _FLAGS else value
        return 0

    def lines(self) -> list[str]:
        """As printed by `$$`."""
        return [f"${n}={v:.0f}" if n in _WHOLE else f"${n}={v:.3f}" for n, v in self._values.items()]
