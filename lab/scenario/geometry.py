"""Whether everything fits into the room, tried with many seeds before the first trial."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.acoustics.placement import place_device, place_source
from lab.errors import BadInput
from lab.scenario.model import Scenario

TRIES = 16


def check_geometry(scenario: Scenario, seen: set[Any]) -> None:
    """Raises BadInput, naming the largest distance possible, when something cannot stand where it should.

    seen: what has been tried already; corners that differ in other things need no second try.
    """
    places = [place for place in map(_place, scenario.sources) if place is not None]
    what = (scenario.room.size_m, scenario.placement, tuple(map(str, places)))
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
    seen.add(what)


def _place(source: Any) -> dict[str, Any] | None:
    """Where a source stands, None for one that is all around."""
    keys = ("distance_m", "position_m", "rule")
    found = {key: getattr(source, key, None) for key in keys}
    if not any(value is not None for value in found.values()):
        return None
    if (height := getattr(source, "height", None)) is not None:
        found["height"] = height
    return found | {"name": f"sources.{source.name}"}
