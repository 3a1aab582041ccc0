"""How many alarms at any threshold, exactly and in few numbers.

At a threshold t the alarms of `detectors.interface.alarm_indices` are the largest set of hops with a score
of at least t that lie a refractory time apart (taking the earliest each time is optimal on a line).
A lower threshold only adds hops, so the number of alarms N(t) never falls as t falls, and it is described by
the levels at which it rises: level k is the highest t with N(t) >= k.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def alarm_levels(
    scores: NDArray, counted: NDArray[np.bool_], hops: int, keep: int
) -> tuple[list[tuple[int, float]], float | None]:
    """The highest levels of the alarms among the hops that are `counted`.

    scores: shape (n,); NaN is no alarm at any threshold. counted: shape (n,). The refractory time does not
    reach across a stretch that is not counted. hops: refractory time, >= 1. keep: at least so many
    levels, if there are as many.

    Returns (index of the first hop with that score, level) from the highest level down, and the floor
    at which the list ends, None when it is complete.
    """
    at = np.flatnonzero(counted & np.isfinite(scores))
    if len(at) == 0 or keep < 1:
        return [], None
    stretch = np.cumsum(~counted & np.concatenate([[True], counted[:-1]]))
    apart = at + stretch[at] * hops  # stretches moved apart: no refractory time between them
    values = scores[at]
    steps = np.unique(values)[::-1]

    def alarms(step: int) -> int:
        return _packed(apart[values >= steps[step]], hops)

    last = _first_with(alarms, keep, len(steps))
    floor = None if last == len(steps) - 1 else float(steps[last])
    strong = values >= steps[last]
    apart, values, at = apart[strong], values[strong], at[strong]
    levels = [float(steps[step]) for step, rise in _rises(alarms, last) for _ in range(rise)]
    return [(int(at[np.argmax(values == level)]), level) for level in levels], floor


def _packed(positions: NDArray, gap: int) -> int:
    """Size of the largest subset of sorted positions that lie `gap` apart."""
    taken, place = 0, 0
    while place < len(positions):
        taken += 1
        place = int(np.searchsorted(positions, positions[place] + gap))
    return taken


def _first_with(alarms: Callable[[int], int], wanted: int, steps: int) -> int:
    """The first step with `wanted` alarms, else the last step."""
    low, high = 0, steps - 1
    while low < high:
        middle = (low + high) // 2
        if alarms(middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def _rises(alarms: Callable[[int], int], last: int) -> list[tuple[int, int]]:
    """(step, by how much the count rises there), by bisection of [0, last]."""
    found: list[tuple[int, int]] = []
    pending = [(-1, 0, last, alarms(last))]
    while pending:
        low, at_low, high, at_high = pending.pop()
        if at_high == at_low:
            continue
        if high == low + 1:
            found.append((high, at_high - at_low))
            continue
        middle = (low + high) // 2
        at_middle = alarms(middle)
        pending += [(middle, at_middle, high, at_high), (low, at_low, middle, at_middle)]
    return found
