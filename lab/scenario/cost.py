"""How long a scenario takes: a rough figure for people choosing what to run.

Measured on one core of a 2020s server, rooms not yet in the cache; a factor of two either way is no surprise.
"""

from __future__ import annotations

from lab.scenario.file import ScenarioFile

REAL_TIME = 100.0  # seconds of capture rendered and detected per second of one core
ROOM_S = 1.0  # one room brought to its reverberation time
PATHS_S = 0.3  # impulse responses of one source at one place


def core_seconds(scenario: ScenarioFile, trials: int | None = None, hours: float | None = None) -> float:
    """Seconds of one core for all cells; divide by the number of processes."""
    per_cell = scenario.trials_per_cell(trials, hours)
    first = scenario.first
    rooms = min(per_cell, first.room.bank)
    places = min(per_cell, first.room.bank * first.room.placements)
    heard = sum(1 for source in first.sources if source.kind != "noise")
    per_cell_s = per_cell * first.duration_s / REAL_TIME + places * heard * PATHS_S
    # Cells share a room where it is the same: only what the room says tells them apart.
    distinct = {one.spec.room.model_dump_json() for one in (scenario.draw(c, 0, 0) for c in scenario.cells())}
    return len(scenario.cells()) * per_cell_s + len(distinct) * rooms * ROOM_S
