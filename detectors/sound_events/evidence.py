"""From evidence to scores: the rhythm of an alarm and what the network hears of it are added up; glass and doors count at once.

    score = 1 / (1 + exp(-(z + SHIFT (sensitivity - 0.5))))        z: log-odds, so that an alarm is raised at 0.5

Alarms with a rhythm: z = pattern + HEARD h, h: the network's highest smoothed log-odds while the pattern was heard (0 without a
network), within +/- HEARD_MOST. Without a pattern there is no smoke or CO alarm, however sure the network is; a legacy alarm,
which may sweep or sound without end, is raised by the network alone when it is sure over half of the window.
Glass, doors and knocks: z = mean of the network's log-odds over AT_ONCE_S. Footsteps: the mean of the STEPS highest of these, STEP_S
apart, of the last STEPS_WINDOW_S.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from detectors.errors import DetectorError

HOP_S = 0.1
WITH_PATTERN = ("smoke_alarm", "co_alarm", "legacy_smoke_alarm")
ALONE = ("legacy_smoke_alarm",)  # of these, what the network may raise without a pattern
REPEATED = ("footsteps",)
SHIFT = 6.0  # log-odds from the lowest to the highest sensitivity
HEARD, HEARD_MOST = 0.5, 4.0
AT_ONCE_S = 0.3
STEPS, STEP_S, STEPS_WINDOW_S = 3, 0.3, 4.0
WINDOW_S = (10.0, 30.0)
SILENT = -8.0  # log-odds of a label of which nothing is known


class Evidence:
    """Scores of `labels`, hop by hop. window_s: 10 to 30. sensitivity: 0 to 1 by label, 0.5 where none is given.

    Raises DetectorError for a window or sensitivity out of range, or one of a label that is not scored.
    """

    def __init__(
        self, labels: tuple[str, ...], window_s: float = 20.0, sensitivity: Mapping[str, float] = {}
    ) -> None:
        if not WINDOW_S[0] <= window_s <= WINDOW_S[1]:
            raise DetectorError(f"sound events: window_s: {WINDOW_S[0]:g} to {WINDOW_S[1]:g}, got {window_s}")
        for label, value in sensitivity.items():
            if label not in labels:
                raise DetectorError(f"sound events: sensitivity_{label}: scored are {', '.join(labels)}")
            if not 0.0 <= value <= 1.0:
                raise DetectorError(f"sound events: sensitivity_{label}: 0 to 1, got {value}")
        self.labels = labels
        self._window = round(window_s / HOP_S)
        self._shift = {label: SHIFT * (sensitivity.get(label, 0.5) - 0.5) for label in labels}
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._recent = {label: deque(maxlen=round(AT_ONCE_S / HOP_S)) for label in self.labels}
        self._smooth = {label: deque(maxlen=self._length(label)) for label in self.labels}

    def push(self, patterns: Mapping[str, float], logits: Mapping[str, float] = {}) -> dict[str, float]:
        """patterns: `PatternEvidence.push`. logits: of the heads there are, each the mean over the frames of the hop."""
        return {
            label: _logistic(
                self._log_odds(label, patterns.get(label), logits.get(label)) + self._shift[label]
            )
            for label in self.labels
        }

    def _log_odds(self, label: str, pattern: float | None, logit: float | None) -> float:
        smooth = self._smoothed(label, logit)
        if label not in WITH_PATTERN:
            return SILENT if smooth is None else self._steps(label) if label in REPEATED else smooth
        heard = 0.0 if smooth is None else max(self._smooth[label])
        found = SILENT if pattern is None else pattern + HEARD * min(max(heard, -HEARD_MOST), HEARD_MOST)
        if label in ALONE and smooth is not None:
            found = max(found, self._sustained(label))
        return found

    def _smoothed(self, label: str, logit: float | None) -> float | None:
        if logit is None:
            return None
        recent = self._recent[label]
        recent.append(logit)
        smooth = math.fsum(recent) / len(recent)
        self._smooth[label].append(smooth)
        return smooth

    def _sustained(self, label: str) -> float:
        """What half of the hops of a whole window reach."""
        kept = self._smooth[label]
        return sorted(kept)[len(kept) // 2] if len(kept) == kept.maxlen else SILENT

    def _steps(self, label: str) -> float:
        kept = list(self._smooth[label])
        apart = round(STEP_S / HOP_S)
        found = []
        for _ in range(STEPS):
            best = max(range(len(kept)), key=kept.__getitem__, default=None)
            if best is None:
                return SILENT
            found.append(max(kept[best], SILENT))
            for near in range(max(0, best - apart + 1), min(len(kept), best + apart)):
                kept[near] = SILENT
        return math.fsum(found) / STEPS

    def _length(self, label: str) -> int:
        return round(STEPS_WINDOW_S / HOP_S) if label in REPEATED else self._window


def _logistic(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(z, -60.0), 60.0)))
