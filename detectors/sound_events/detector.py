"""The sound-event detector: alarms, breaking glass, footsteps and doors, by a small network and by the rhythm of what beeps.

    microphone -> front end -> log-mel -> base -> heads ---+-> evidence -> device scores -> cascade -> scores of both
                       +-----> patterns of beeps ----------+                                   +-> clips -> verifier

Everything goes hop by hop, 100 ms each, so that how the stream is cut into blocks changes no bit. A hop of which nothing was heard (lost
samples, a microphone that is off) has no score. After SILENT_S of it the network begins anew; a rhythm goes on counting, so that
a gap in the middle of an alarm costs a beep and not the alarm.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from detectors.errors import DetectorError
from detectors.interface import AUDIBLE, DEVICE, Block, ScoreTrack, StreamFormat, StreamNeed
from detectors.sound_events.cascade import Cascade
from detectors.sound_events.evidence import WITH_PATTERN, Evidence
from detectors.sound_events.features import HOP_S, LogMel
from detectors.sound_events.front_end import RATES_HZ, FrontEnd, Hop
from detectors.sound_events.network import Network
from detectors.sound_events.patterns import PatternEvidence
from detectors.sound_events.questions import Questions
from detectors.sound_events.settings import SoundEventSettings
from detectors.sound_events.uploads import Uploads

CASCADE = "cascade"
SILENT_S = 1.0
# How far back an alarm speaks of; alarms with a rhythm: `window_s`.
SPAN_S = {"footsteps": 4.0}
SUDDEN_SPAN_S = 1.0


class SoundEventDetector:
    """Scores of every chosen event each 100 ms, several at once if need be; an alarm at 0.5.

    network: heads for every event that has no rhythm. verifier: makes the questions of one session, None without a second stage.
    Raises DetectorError for an event that can be neither heard nor counted.
    """

    needs: Mapping[str, StreamNeed] = {AUDIBLE: StreamNeed(RATES_HZ, 1)}

    def __init__(
        self,
        name: str,
        network: Network,
        settings: SoundEventSettings | None = None,
        verifier: Callable[[], Questions] | None = None,
    ) -> None:
        self.name = name
        self.settings = settings or SoundEventSettings()
        self.labels = self.settings.events
        self.stages = (DEVICE,) if verifier is None else (DEVICE, CASCADE)
        for label in self.labels:
            if label not in WITH_PATTERN and label not in network.heads:
                raise DetectorError(
                    f"settings.events: {label} has no head; there are heads of {', '.join(network.heads) or 'nothing'}"
                )
        self._network, self._make_questions = network, verifier
        self._cascade: Cascade | None = None
        self._evidence = self._fresh_evidence()

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        form = formats.get(AUDIBLE)
        if form is None or form.rate_hz not in RATES_HZ:
            raise DetectorError(f"{self.name}: needs {AUDIBLE} at {RATES_HZ}, got {form}")
        self._front_end = FrontEnd(form.rate_hz)
        self._log_mel = LogMel()
        self._memory = self._network.start()
        self._patterns = PatternEvidence(self.settings.window_s)
        self._evidence = self._fresh_evidence()
        if self._cascade is not None:
            self._cascade.questions.close()
        self._cascade = None
        if self._make_questions is not None:
            self._cascade = Cascade(self.labels, self._make_questions(), self.settings.asked)
        self.away = self.settings.away
        self._silent_hops = 0
        self._hops = 0
        self._scores = {stage: array("f") for stage in self.stages}  # a day of them takes 24 MB a stage

    @property
    def uploads(self) -> Uploads:
        """What has left the device since `open`."""
        return Uploads() if self._cascade is None else self._cascade.questions.uploads

    @property
    def measured(self) -> dict[str, float]:
        """Figures of the session: clips that left the device, seconds of audio in them, questions without an answer."""
        uploads = self.uploads
        return {
            "uploads": float(uploads.clips),
            "uploaded_s": uploads.seconds,
            "unanswered": float(uploads.unanswered),
        }

    def feed(self, block: Block) -> None:
        for hop in self._front_end.cut(block.streams[AUDIBLE][0]):
            self._step(hop)

    def tracks(self) -> Sequence[ScoreTrack]:
        return [
            ScoreTrack(self.name, label, HOP_S, HOP_S, column.copy(), stage, self._span_s(label))
            for stage, scores in self._scores.items()
            for label, column in zip(
                self.labels, np.array(scores, np.float32).reshape(-1, len(self.labels)).T, strict=True
            )
        ]

    def _step(self, hop: Hop) -> None:
        frames = self._log_mel.push(hop.samples)
        patterns = self._patterns.push(hop.samples)
        self._silent_hops = 0 if hop.heard else self._silent_hops + 1
        if self._silent_hops * HOP_S >= SILENT_S:
            self._memory, logits = self._network.start(), {}
        else:
            logits, self._memory = self._network.step(frames, self._memory)
        scored = self._evidence.push(patterns, logits)
        scores = [
            scored[label] if hop.heard and self.settings.notifies(label, self.away) else np.nan
            for label in self.labels
        ]
        self._hops += 1
        self._scores[DEVICE].extend(scores)
        if self._cascade is not None:
            self._scores[CASCADE].extend(self._cascade.step(self._hops * HOP_S, hop.samples, scores))

    def _fresh_evidence(self) -> Evidence:
        sensitivity = {label: self.settings.sensitivity_of(label) for label in self.labels}
        return Evidence(self.labels, self.settings.window_s, sensitivity)

    def _span_s(self, label: str) -> float:
        return self.settings.window_s if label in WITH_PATTERN else SPAN_S.get(label, SUDDEN_SPAN_S)
