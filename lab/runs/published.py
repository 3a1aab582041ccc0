"""Hours that the ledger holds of a row in draws made before, elsewhere: they count beside those that are stored here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.runs.evidence import EvidenceRow
from lab.store import ledger
from lab.store.counts import Counts
from lab.verdicts.exposure import NOTHING, Sums


@dataclass(frozen=True)
class Published:
    """entries: of the ledger, those that are current and whose audio has no end; seeds: of the draws that count."""

    entries: tuple[ledger.Entry, ...] = ()
    seeds: tuple[int, ...] = ()

    @classmethod
    def of(cls, path: Path | None, seeds: tuple[int, ...]) -> Published:
        """path: of a ledger; None or one that is not there: nothing is published."""
        if path is None or not seeds:
            return cls()
        found = (one for one in ledger.read(path).entries if one.current and one.audio_hours is None)
        return cls(tuple(found), seeds)

    def sums(self, row: EvidenceRow, detector: str, stage: str) -> Sums:
        """What was heard by a stage of a detector in the cells of a row of hours; nothing for a row of trials."""
        if row.spec.hours is None:
            return NOTHING
        counts = [one for one in self._counts(row) if (one.detector, one.stage) == (detector, stage)]
        return Sums(
            sum(one.false_alarms for one in counts),
            sum(one.hours for one in counts),
            sum(one.distinct_hours for one in counts),
            3600.0 * sum(one.active_hours for one in counts),
        )

    def hours(self, row: EvidenceRow) -> float:
        """Hours of a row that every stage of every detector has heard."""
        stages = {(one.detector, one.stage) for one in self._counts(row)}
        return min((self.sums(row, *stage).hours for stage in stages), default=0.0)

    def _counts(self, row: EvidenceRow) -> list[Counts]:
        parts, cells = row.build.parts, [dict(cell.values) for cell in row.cells]
        return [
            counts
            for entry in self.entries
            if entry.scenario_hash == row.scenario.hash
            for share in entry.shares
            if share.seed in self.seeds
            for counts in share.rows
            if parts.get(counts.detector) == entry.build_hash
            and counts.label == row.spec.label
            and counts.cell in cells
        ]
