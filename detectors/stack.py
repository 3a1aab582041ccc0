"""The full detector stack of one build: blocks in, emission out, scores and events at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from detectors.answers import check_tracks
from detectors.build import Build
from detectors.construct import construct
from detectors.errors import DetectorError, fault
from detectors.interface import (
    DEVICE,
    SILENT,
    Block,
    Detector,
    Emission,
    Event,
    ScoreTrack,
    StackOutput,
    StreamFormat,
    StreamNeed,
    alarm_indices,
    refractory_hops,
)

Answer = TypeVar("Answer")


class Stack:
    """Runs every detector of a build on the same blocks.

    A capture is cut into blocks by the bench; the scores do not depend on how. What the code of a detector raises is a
    DetectorFault that names it.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self.detectors: dict[str, Detector] = {spec.name: construct(spec, build) for spec in build.detectors}
        self._emission, self._heard_s = SILENT, 0.0

    @property
    def needs(self) -> dict[str, StreamNeed]:
        """What all detectors together want of each stream: common rates, the largest channel count."""
        merged: dict[str, StreamNeed] = {}
        for name, detector in self.detectors.items():
            for stream, need in detector.needs.items():
                have = merged.get(stream, need)
                rates = tuple(rate for rate in have.rates_hz if rate in need.rates_hz)
                if not rates:
                    raise DetectorError(
                        f"{self.build.path}: {name} wants {stream} at {need.rates_hz} Hz, "
                        f"another detector at {have.rates_hz} Hz"
                    )
                every = have.channels is None or need.channels is None
                merged[stream] = StreamNeed(rates, None if every else max(have.channels, need.channels))
        return merged

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """(detector, label) of everything this stack can report."""
        return tuple((name, label) for name, d in self.detectors.items() for label in d.labels)

    @property
    def subjects(self) -> tuple[tuple[str, str, str], ...]:
        """(detector, label, stage) of every score track."""
        stages = {name: getattr(d, "stages", (DEVICE,)) for name, d in self.detectors.items()}
        return tuple((name, label, stage) for name, label in self.labels for stage in stages[name])

    @property
    def measured(self) -> dict[str, float]:
        """What detectors count of a session, by `detector.name`."""
        return {
            f"{name}.{key}": value
            for name, detector in self.detectors.items()
            for key, value in getattr(detector, "measured", {}).items()
        }

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        self._emission, self._heard_s = SILENT, 0.0
        for name, detector in self.detectors.items():
            self._asked(name, detector.open, formats)

    def feed(self, block: Block) -> Emission:
        """Give every detector the block; answer the emission wanted from the next block on."""
        self._heard_s = (block.start + block.length) / block.clock_hz
        for name, detector in self.detectors.items():
            wanted = self._asked(name, detector.feed, block)
            if wanted is not None:
                self._emission = wanted
        return self._emission

    def finish(self) -> StackOutput:
        tracks: list[ScoreTrack] = []
        events: list[Event] = []
        for name, detector in self.detectors.items():
            spec = self.build[name]
            answered = self._asked(name, _tracks, detector)
            check_tracks(answered, detector, name, self._heard_s, self._where(name))
            tracks.extend(answered)
            for track in answered:
                events.extend(events_of(track, spec.threshold, spec.refractory_s))
        events.sort(key=lambda event: (event.offset_s, event.label))
        return StackOutput(tuple(tracks), tuple(events))

    def _asked(self, name: str, call: Callable[..., Answer], *arguments: object) -> Answer:
        try:
            return call(*arguments)
        except DetectorError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - anything may come out of it
            raise fault(self._where(name), error) from None

    def _where(self, name: str) -> str:
        return f"{self.build.path}: detector {name!r}"


def _tracks(detector: Detector) -> tuple[ScoreTrack, ...]:
    return tuple(detector.tracks())


def events_of(track: ScoreTrack, threshold: float, refractory_s: float) -> list[Event]:
    """The alarms of one score track: score >= threshold, at least `refractory_s` apart."""
    fired = alarm_indices(track.scores, threshold, refractory_hops(refractory_s, track.hop_s))
    events = []
    for index in fired:
        decided = track.start_s + track.hop_s * int(index)
        events.append(
            Event(
                onset_s=max(0.0, decided - track.span_s),
                offset_s=decided,
                label=track.label,
                score=float(track.scores[index]),
                detector=track.detector,
                stage=track.stage,
            )
        )
    return events
