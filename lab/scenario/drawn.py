"""Values that are not yet a number: a distribution, drawn once a trial, a turn, or a sweep, one cell per value.

A TOML table whose only key is one of `KINDS` stands for such a value wherever a plain value may stand:

    {uniform = [low, high]}                    low <= x < high
    {log_uniform = [low, high]}                uniform in log x; both above 0
    {normal = {mean, sd, low, high}}           truncated to low..high, drawn through the inverse CDF
    {choice = [a, b, ...]}                     each equally likely; any plain values
    {turn = [a, b, ...]}                       one after the other, trial by trial, round and round; any plain values
    {turn = {values = [a, b, ...], each = 3}}  the same, each for three trials running: turns of 1, 3, 9 ... make a grid
    {turn = {count = 40}}                      0, 1 ... 39 in turn
    {sweep = [a, b, ...]}                      not drawn: one cell each; scalars
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

KINDS = ("uniform", "normal", "log_uniform", "choice", "turn", "sweep")
Scalar = bool | int | float | str


class Malformed(ValueError):
    """Something in a file that cannot be understood; who reads the file adds its name."""


@dataclass(frozen=True)
class Uniform:
    low: float
    high: float

    def corners(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def draw(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    low: float
    high: float

    def corners(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def draw(self, rng: np.random.Generator) -> float:
        value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Normal:
    """Normal (mean, sd) cut off at low and high."""

    mean: float
    sd: float
    low: float
    high: float

    def corners(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def draw(self, rng: np.random.Generator) -> float:
        below, above = ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        value = self.mean + self.sd * float(ndtri(rng.uniform(below, above)))
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Choice:
    options: tuple[Any, ...]

    def corners(self) -> tuple[Any, ...]:
        return self.options

    def draw(self, rng: np.random.Generator) -> Any:
        return self.options[int(rng.integers(len(self.options)))]


@dataclass(frozen=True)
class Turn:
    """Values that trials take in order. each: trials running that take one."""

    options: Sequence[Any]
    each: int = 1

    def corners(self) -> tuple[Any, ...]:
        if isinstance(self.options, range):
            return (self.options[0], self.options[-1])
        return tuple(self.options)

    def at(self, index: int) -> Any:
        """Of trial number `index`, from 0; of room or placement number `index` for what belongs to these."""
        return self.options[index // self.each % len(self.options)]


@dataclass(frozen=True)
class Sweep:
    values: tuple[Scalar, ...]


Distribution = Uniform | LogUniform | Normal | Choice | Turn


def is_drawn(value: object) -> bool:
    """Whether a TOML value stands for a distribution or a sweep."""
    return isinstance(value, dict) and bool(value) and set(value) <= set(KINDS)


def parse(table: Mapping[str, Any]) -> Distribution | Sweep:
    """Read a table for which `is_drawn` holds. Raises Malformed."""
    if len(table) > 1:
        raise Malformed(f"says {' and '.join(table)}; a value is one of {', '.join(KINDS)}")
    ((kind, content),) = table.items()
    if kind == "uniform":
        return Uniform(*_range(kind, content))
    if kind == "log_uniform":
        low, high = _range(kind, content)
        if low <= 0:
            raise Malformed(f"log_uniform = {content}: both ends must be above 0")
        return LogUniform(low, high)
    if kind == "normal":
        return _normal(content)
    if kind == "turn" and isinstance(content, dict):
        return _held(content)
    if not isinstance(content, list) or not content:
        raise Malformed(f"{kind} = {content!r}: a list of at least one value")
    if any(isinstance(item, dict) for item in content) and kind != "sweep":
        raise Malformed(f"{kind} holds plain values; use [[variant]] to switch whole tables")
    if kind == "choice":
        return Choice(tuple(content))
    if kind == "turn":
        return Turn(tuple(content))
    if not all(isinstance(item, Scalar) for item in content):
        raise Malformed("sweep holds numbers, strings or booleans; use [[variant]] for lists and tables")
    if len(set(content)) < len(content):
        raise Malformed(f"sweep = {content!r}: each value once")
    return Sweep(tuple(content))


def options(value: Any) -> tuple[Any, ...]:
    """The values that a plain value, a choice or a sweep can take; empty for None."""
    if value is None:
        return ()
    if not is_drawn(value):
        return (value,)
    parsed = parse(value)
    return parsed.values if isinstance(parsed, Sweep) else parsed.corners()


def _held(content: dict[str, Any]) -> Turn:
    each, values, count = content.get("each", 1), content.get("values"), content.get("count")
    known = set(content) <= {"values", "count", "each"} and (values is None) != (count is None)
    if not known or not all(type(n) is int and n >= 1 for n in (each, count or 1)):
        raise Malformed(
            f"turn = {content!r}: a list, or a table of values or count, and each (1 or more trials)"
        )
    turn = parse({"turn": values}) if count is None else Turn(range(count))
    return replace(turn, each=each)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _range(kind: str, content: object) -> tuple[float, float]:
    if not (isinstance(content, list) and len(content) == 2 and all(map(_number, content))):
        raise Malformed(f"{kind} = {content!r}: two numbers, [low, high]")
    low, high = map(float, content)
    if not low < high:
        raise Malformed(f"{kind} = {content!r}: low must be below high")
    return low, high


def _normal(content: object) -> Normal:
    names = ("mean", "sd", "low", "high")
    if not (isinstance(content, dict) and set(content) == set(names) and all(map(_number, content.values()))):
        raise Malformed(f"normal = {content!r}: a table of four numbers, mean, sd, low and high")
    normal = Normal(*(float(content[name]) for name in names))
    if normal.sd <= 0:
        raise Malformed(f"normal: sd = {content['sd']!r} must be above 0")
    if not normal.low <= normal.mean <= normal.high or normal.low == normal.high:
        raise Malformed(f"normal: needs low <= mean <= high and low < high, got {content!r}")
    return normal
