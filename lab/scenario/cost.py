"""How long a scenario takes: a rough figure for people choosing what to run.

Measured with the reference build on one core of a 2020s server; a factor of two either way is no surprise.
"""

from __future__ import annotations

from lab.scenario.file import ScenarioFile
from lab.sources.media import MediaSpec

REAL_TIME = 250.0  # seconds of capture rendered and heard per second of one core
ABOVE_HEARING = 60.0  # the same, of the ultrasonic stream with one or two things that move
DAY = 150.0  # the same, of a day at home with the detector of sound events
MARK = 16.0  # seconds of watermark embedded and measured per second of one core
TRIAL_S = 0.1  # sources found, cut and levelled
ROOM_S = 0.8  # one room brought to its reverberation time, unless the cache has it
PATHS_S = 0.4  # impulse responses of one source at one place, unless the cache has them


def core_seconds(scenario: ScenarioFile, trials: int | None = None, hours: float | None = None) -> float:
    """Seconds of one core for all cells with an empty cache; divide by the number of processes."""
    per_cell = scenario.trials_per_cell(trials, hours)
    first = scenario.first
    media = [source for source in first.sources if isinstance(source, MediaSpec)]
    marked_s = sum(source.watermark.duration_s for source in media if source.watermark is not None)
    ultrasonic = first.device.ultrasonic is not None
    rendered_s = first.duration_s / (ABOVE_HEARING if ultrasonic else REAL_TIME if first.day is None else DAY)
    trial_s = TRIAL_S + rendered_s + marked_s / MARK
    places = min(per_cell, first.room.bank * first.room.placements)
    cell_s = per_cell * trial_s + places * len(media) * PATHS_S
    cells = scenario.cells()
    # Cells whose rooms say the same share them.
    rooms = {scenario.draw(cell, 0, 0).spec.room.model_dump_json() for cell in cells}
    heard = bool(first.sources)  # a room in which nothing is heard needs no reverberation time
    rooms_s = len(rooms) * min(per_cell, first.room.bank) * ROOM_S if heard else 0.0
    return len(cells) * cell_s + rooms_s
