"""Hours that the ledger holds of a row in draws made before, elsewhere: they count beside those that are stored here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.runs.evidence import EvidenceRow
from lab.store import ledger
from lab.store.counts import pooled
from lab.verdicts.exposure import NOTHING, Exposure


@dataclass(frozen=True)
class Published:
    """entries: of the ledger, simulated and of audio that has no end, of which no two trials hear the same. seeds: of the draws that
    count."""

    entries: tuple[ledger.Entry, ...] = ()
    seeds: tuple[int, ...] = ()

    @classmethod
    def of(cls, path: Path | None, seeds: tuple[int, ...]) -> Published:
        """path: of a ledger; None or one that is not there: nothing is published."""
        if path is None or not seeds:
            return cls()
        found = (
            entry
            for entry in ledger.read(path).entries
            if entry.origin == "simulated" and entry.scope is None and entry.audio_hours is None
        )
        return cls(tuple(found), seeds)

    def exposure(self, row: EvidenceRow, detector: str, stage: str) -> Exposure:
        """What this build heard by a stage of a detector in the cells of a row of hours, a bout for each alarm; nothing for a row of
        trials or with draws of its own."""
        if row.spec.hours is None or row.spec.seed is not None:
            return NOTHING
        now, cells = row.build.parts.get(detector), [dict(cell.values) for cell in row.cells]
        parts = [
            counts
            for entry in self.entries
            if entry.current and (entry.scenario_hash, entry.build_hash) == (row.scenario.hash, now)
            for share in entry.shares
            if share.seed in self.seeds
            for counts in share.rows
            if (counts.detector, counts.stage, counts.label) == (detector, stage, row.spec.label)
            and counts.cell in cells
        ]
        if not parts:
            return NOTHING
        all_of_it = pooled(parts, None)
        return Exposure(
            all_of_it.false_alarms,
            all_of_it.hours,
            all_of_it.distinct_hours,
            3600.0 * all_of_it.active_hours,
            all_of_it.active_squared_s2 or 0.0,
            all_of_it.longest_s or 0.0,
            all_of_it.false_alarms,
            all_of_it.count_squared,
            all_of_it.most,
        )

    def hours(self, row: EvidenceRow) -> float:
        """Hours of listening to a row that every detector under this build's name has as it is now, each of its stages."""
        stages = {
            (counts.detector, counts.stage)
            for entry in self.entries
            if (entry.scenario, entry.build) == (row.scenario.id, row.build.id)
            for share in entry.shares
            for counts in share.rows
            if counts.label == row.spec.label and counts.detector in row.build.parts
        }
        return min((self.exposure(row, *stage).hours for stage in stages), default=0.0)
