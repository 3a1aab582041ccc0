"""Whether everything fits into the room, tried with many seeds before the first trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.placement import place_device, place_source
from lab.acoustics.ultrasonic.product import control_rate_hz
from lab.acoustics.ultrasonic.stage import Carrier
from lab.errors import BadInput
from lab.movers.catalogue import make_mover
from lab.movers.mover import Mover, Surroundings
from lab.scenario.course import check_falls, check_steps, course_of
from lab.scenario.model import Scenario
from lab.sources.catalogue import stands_somewhere

TRIES = 16
MOVING_TRIES = (
    4  # a mover takes milliseconds to lay out; where there are many corners, each is a try of its own
)


def check_geometry(scenario: Scenario, seen: set[Any]) -> None:
    """Raises BadInput, naming the largest distance possible, when something cannot stand where it should.

    seen: what has been tried already; corners that differ in other things need no second try.
    """
    places = [place for place in map(_place, scenario.sources) if place is not None]
    going = [one for one in scenario.sources if stands_somewhere(one) and not one_place(one)]
    what = (
        scenario.room.size_m,
        scenario.placement,
        tuple(map(str, places)),
        tuple((one.name, one.moves, getattr(one, "path_m", None), getattr(one, "of", None)) for one in going),
        scenario.movers,
        scenario.doorways,
        scenario.duration_s,
    )
    if what in seen:
        return
    farthest = max(places, key=lambda place: place["distance_m"] or 0.0, default={"distance_m": None})
    reach_m = farthest["distance_m"] or 0.0
    for attempt in range(TRIES):
        rng = np.random.default_rng(attempt)
        try:
            device_m = place_device(scenario.placement, scenario.room.size_m, rng, reach_m)
        except BadInput as error:
            # It was asked to reach a distance without knowing whose that is.
            whose = f"{farthest['name']}." if str(error).startswith("distance_m") else ""
            raise BadInput(f"{whose}{error}") from None
        for place in places:
            place_source(scenario.room.size_m, device_m, rng, **place)
        if (attempt - len(seen)) % TRIES < max(1, MOVING_TRIES - len(seen)):
            movers = lay_out(scenario, device_m, lambda _, rng=rng: rng)
            _check_speeds(scenario, movers)
            for source in going:
                if (whose := getattr(source, "of", None)) is not None:
                    check_falls(source, scenario, next(one for one in movers if one.name == whose))
                elif source.moves is None:
                    check_steps(source, scenario, device_m)
                else:
                    course_of(source, scenario, device_m, rng)
    seen.add(what)


def lay_out(
    scenario: Scenario, device_m: NDArray[np.float64], rng_of: Callable[[str], np.random.Generator]
) -> tuple[Mover, ...]:
    """The movers of a scenario around a device, in file order. rng_of: by a mover's name.

    Raises BadInput for a doorway outside its wall or a mover that does not fit.
    """
    size = scenario.room.size_m
    for door in scenario.doorways:
        along = size[1] if door.wall in ("west", "east") else size[0]
        if not door.width_m / 2 <= door.along_m <= along - door.width_m / 2:
            raise BadInput(
                f"doorways.{door.name}.along_m = {door.along_m:g}: a doorway of {door.width_m:g} m fits into the "
                f"{door.wall} wall from {door.width_m / 2:g} to {along - door.width_m / 2:g} m"
            )
        if door.height_m > size[2]:
            raise BadInput(
                f"doorways.{door.name}.height_m = {door.height_m:g}: the room is {size[2]:g} m high"
            )
    around = Surroundings(size, device_m, scenario.duration_s, scenario.doorways)
    return tuple(make_mover(spec, around, rng_of(spec.name)) for spec in scenario.movers)


def _check_speeds(scenario: Scenario, movers: tuple[Mover, ...]) -> None:
    """Raises BadInput for a mover that is faster than the highest control rate carries."""
    device = scenario.device.ultrasonic
    if device is None:
        return  # the model lets nothing move
    carrier = Carrier.in_air(device.baseband_carrier_hz, scenario.room.climate)
    for mover in movers:
        try:
            control_rate_hz(mover.top_speed_m_s, carrier)
        except BadInput as error:
            raise BadInput(f"movers.{mover.name}: {error}") from None


def one_place(source: Any) -> bool:
    """Whether a source stays where it is: it does not move, nor walk along a path or with a walker."""
    return source.moves is None and all(getattr(source, key, None) is None for key in ("path_m", "of"))


def _place(source: Any) -> dict[str, Any] | None:
    """Where a source stands, None for one that is all around."""
    keys = ("distance_m", "position_m", "rule")
    found = {key: getattr(source, key, None) for key in keys}
    if not any(value is not None for value in found.values()):
        return None
    if (height := getattr(source, "height", None)) is not None:
        found["height"] = height
    return found | {"name": f"sources.{source.name}"}
