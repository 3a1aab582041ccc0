"""Whether a capture may be scored, and if not, why: an invalid capture is neither a miss nor a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Defect(StrEnum):
    NO_ACOUSTIC_PATH = "no acoustic path"
    WRONG_LAG = "wrong lag"
    LOST_BLOCK = "lost block"
    WRONG_LEVEL = "wrong level"
    CLIPPED = "clipped"
    CORRUPTED = "corrupted"
    STARVED = "playback ran dry"
    DISK = "disk"
    INTERRUPTED = "interrupted"
    CALIBRATION = "calibration"
    BACKGROUND = "background noise"


@dataclass(frozen=True)
class Finding:
    """One defect with its figures, in words a technician can act on."""

    defect: Defect
    detail: str

    def __str__(self) -> str:
        return f"{self.defect}: {self.detail}"


@dataclass(frozen=True)
class AudioVerdict:
    """Valid when nothing was found."""

    findings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.findings

    @property
    def reason(self) -> str:
        """All findings in one line, "" when valid."""
        return "; ".join(map(str, self.findings))

    def __contains__(self, defect: Defect) -> bool:
        return any(finding.defect is defect for finding in self.findings)

    def also(self, findings: Iterable[Finding]) -> AudioVerdict:
        return AudioVerdict(self.findings + tuple(findings))
