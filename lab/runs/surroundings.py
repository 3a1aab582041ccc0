"""The air and the noise that trials were heard in, as instruments read them or as a simulated room was drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lab.bench.protocol import Origin
from lab.store.records import TrialRecord

DRAWN = ("temperature_c", "humidity_percent", "pressure_kpa")
MEASURED = ("temperature_c", "humidity_percent", "background_dba", "room_dba")
NAMES = {"room_dba": "microphone_dba"}
WHEN = ("before", "after")


def surroundings(records: Iterable[TrialRecord], origin: Origin) -> dict[str, tuple[float, float]]:
    """Key with its unit -> least and most of all trials; nothing of what is not known. background_dba: by the level meter, microphone_dba:
    by the loudest microphone."""
    found: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if origin is Origin.SIMULATED:
            room = record.drawn.get("room", {})
            values = [(key, room.get(key)) for key in DRAWN]
        else:
            values = [(key, record.measured.get(f"{key}_{when}")) for key in MEASURED for when in WHEN]
        for key, value in values:
            if value is not None:
                found[NAMES.get(key, key)].append(value)
    return {key: (min(values), max(values)) for key, values in found.items()}
