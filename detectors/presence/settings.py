"""What a setting of a build file may be. A bad one ends in one DetectorError: the detector, `settings.<key>`, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from detectors.errors import DetectorError
from detectors.interface import StreamFormat

CARRIER_HZ = (20_000.0, 90_000.0)
LEVEL_DB_SPL = (40.0, 100.0)


@contextmanager
def of_detector(name: str) -> Iterator[None]:
    """Puts the detector's name before what a DetectorError says."""
    try:
        yield
    except DetectorError as error:
        raise DetectorError(f"{name}: {error}") from None


def known(settings: Iterable[str], allowed: Sequence[str]) -> None:
    """Raises DetectorError for a key that is not allowed."""
    unknown = sorted(set(settings) - set(allowed))
    if unknown:
        raise DetectorError(f"unknown settings.{unknown[0]}; allowed: {', '.join(allowed)}")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def within(key: str, value: Any, low: float, high: float, highest: str = "") -> None:
    """Raises DetectorError unless low <= value <= high. highest: what `high` is."""
    if not is_number(value) or not low <= value <= high:
        limit = f"{highest} = {high:g}" if highest else f"{high:g}"
        raise DetectorError(f"settings.{key}: {low:g} to {limit}, got {value!r}")


def pair_within(key: str, value: Any, low: float, high: float) -> None:
    """The same for a pair in ascending order."""
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
    if not pair or not low <= value[0] <= value[1] <= high:
        raise DetectorError(f"settings.{key}: [low, high] within {low:g} to {high:g}, got {value!r}")


def count(key: str, value: Any) -> None:
    """Raises DetectorError unless the value is a whole number from 1 on, or None."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise DetectorError(f"settings.{key}: a whole number from 1, got {value!r}")


def microphones(channels: int | None, form: StreamFormat) -> int:
    """How many of a stream's microphones are used, all for None. Raises DetectorError if it has fewer than asked for."""
    if channels is not None and channels > form.channels:
        raise DetectorError(f"settings.channels: 1 to {form.channels}, what the stream has, got {channels}")
    return channels or form.channels


def carrier_in(form: StreamFormat, hz: float, key: str = "carrier_hz") -> None:
    """Raises DetectorError for a carrier that a stream of samples does not hold."""
    if not hz < form.rate_hz / 2:
        raise DetectorError(
            f"settings.{key}: below {form.rate_hz / 2:g}, half the rate of the stream, got {hz:g}"
        )


def carrier_of(form: StreamFormat, wanted_hz: float | None) -> float:
    """That of a baseband. Raises DetectorError if it has none, or not the one wanted, None for any."""
    if form.carrier_hz is None:
        raise DetectorError(f"needs a baseband about a carrier, got {form}")
    if wanted_hz not in (None, form.carrier_hz):
        raise DetectorError(
            f"settings.carrier_hz = {wanted_hz:g}: the device's baseband is about {form.carrier_hz:g} Hz"
        )
    return form.carrier_hz
