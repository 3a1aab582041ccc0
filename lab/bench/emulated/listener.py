"""What the firmware does with sound: its microphones' converter, the build's stack, a report for each alarm.

Nothing here is told what is true. Scores, and the alarms read off them, are those that the stack gives for the same
samples in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import soxr
from numpy.typing import NDArray

from detectors.build import Build
from detectors.interface import (
    AUDIBLE,
    DEVICE,
    PLAYBACK,
    Block,
    ScoreTrack,
    StreamFormat,
    StreamNeed,
    alarm_indices,
    refractory_hops,
)
from detectors.stack import Stack
from lab.acoustics.device import ConverterSpec
from lab.acoustics.microphone import Microphone
from lab.errors import BadInput

HEARD = (AUDIBLE, PLAYBACK)
LOOK_S = 0.25  # how often the scores are looked at
PART = 48_000


class LiveAlarms:
    """The alarms of one score track while it grows: the same ones as of the whole track."""

    def __init__(self, refractory_s: float) -> None:
        self._refractory_s = refractory_s
        self._next = 0  # the first hop that may still fire

    def fresh(self, track: ScoreTrack, threshold: float) -> list[int]:
        """Hops that fire, among those not looked at yet."""
        apart = refractory_hops(self._refractory_s, track.hop_s)
        fired = [self._next + int(hop) for hop in alarm_indices(track.scores[self._next :], threshold, apart)]
        self._next = max([self._next, len(track.scores), *(hop + apart for hop in fired)])
        return fired


class Listener:
    """The stack of a build behind a converter.

    converter, channels: of the microphones that the stack listens to. rate_hz: of the sound card.
    thresholds: label -> score, looked up at each look; a label that is missing has the build's own.
    report: called with (label, score, moment of decision in s of what was heard since this listener began).
    Raises BadInput when the stack wants what this device does not hear.
    """

    def __init__(
        self,
        build: Build,
        converter: ConverterSpec,
        channels: int,
        rate_hz: int,
        thresholds: Mapping[str, float],
        report: Callable[[str, float, float], None],
    ) -> None:
        self.converter, self.channels = converter, channels
        self._build = build
        self._thresholds = thresholds
        self._report = report
        self._bridge = None
        if rate_hz != converter.rate_hz:
            self._bridge = soxr.ResampleStream(rate_hz, converter.rate_hz, channels, dtype="float32")
        self._stack = Stack(build)
        self._formats = _formats(self._stack, converter, channels)
        self._stack.open(self._formats)
        self._alarms: dict[tuple[str, str], LiveAlarms] = {}
        self._heard = self._looked = 0
        self.microphones = Microphone(converter, channels, np.random.default_rng())

    def feed(self, pressure_pa: NDArray[np.float32]) -> None:
        """The next samples at the microphones, (channels, n) in Pa at the sound card's rate."""
        if self._bridge is not None:
            frames = np.ascontiguousarray(pressure_pa.T)
            pressure_pa = np.ascontiguousarray(self._bridge.resample_chunk(frames).T)
        length = pressure_pa.shape[1]
        if length == 0:
            return
        streams = {}
        if AUDIBLE in self._formats:
            streams[AUDIBLE] = self.microphones.process(pressure_pa)
        if PLAYBACK in self._formats:
            streams[PLAYBACK] = np.zeros((1, length), np.float32)
        self._stack.feed(Block(self._heard, length, self.converter.rate_hz, streams))
        self._heard += length
        if self._heard - self._looked >= LOOK_S * self.converter.rate_hz:
            self._look()

    def skip(self, samples: int) -> None:
        """So many samples, at the sound card's rate, were not heard: silence keeps the time right."""
        while samples > 0:
            self.feed(np.zeros((self.channels, min(samples, PART)), np.float32))
            samples -= PART

    def _look(self) -> None:
        self._looked = self._heard
        for name, detector in self._stack.detectors.items():
            spec = self._build[name]
            # Where a second stage confirms what the first has flagged, the last one is what is reported.
            decides = getattr(detector, "stages", (DEVICE,))[-1]
            for track in detector.tracks():
                if track.stage != decides:
                    continue
                alarms = self._alarms.setdefault((name, track.label), LiveAlarms(spec.refractory_s))
                threshold = self._thresholds.get(track.label, spec.threshold)
                for hop in alarms.fresh(track, threshold):
                    at_s = track.start_s + track.hop_s * hop
                    self._report(track.label, float(track.scores[hop]), at_s)


def usual_converter(needs: Mapping[str, StreamNeed]) -> tuple[ConverterSpec, int]:
    """Microphones that suit a stack, and their number, for a device that no scenario describes yet."""
    need = needs.get(AUDIBLE, StreamNeed((16_000,), 1))
    rate_hz = need.rates_hz[0]
    return ConverterSpec(rate_hz=rate_hz, band_hz=(20.0, 0.45 * rate_hz)), need.channels or 1


def channels_wanted(needs: Mapping[str, StreamNeed], available: int) -> int:
    """How many of a device's microphones a stack listens to."""
    need = needs.get(AUDIBLE, StreamNeed((), 1))
    return available if need.channels is None else need.channels


def _formats(stack: Stack, converter: ConverterSpec, channels: int) -> dict[str, StreamFormat]:
    needs = stack.needs
    for name in needs:
        if name not in HEARD:
            raise BadInput(f"{stack.build.id}: wants {name}; the virtual device hears {', '.join(HEARD)}")
    for name, need in needs.items():
        if converter.rate_hz not in need.rates_hz:
            raise BadInput(
                f"{stack.build.id}: wants {name} at {' or '.join(map(str, need.rates_hz))} Hz, "
                f"the device runs at {converter.rate_hz}"
            )
        if name == AUDIBLE and need.channels is not None and need.channels > channels:
            raise BadInput(
                f"{stack.build.id}: listens to {need.channels} microphones, the device has {channels}"
            )
    return {name: StreamFormat(converter.rate_hz, 1 if name == PLAYBACK else channels) for name in needs}
