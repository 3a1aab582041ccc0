"""The presence detector: calibrates, emits a tone, listens for what moves, says who is there.

    hop -> clean -> mixer -> hearing -> distortion removal -> clutter filter -> lines -> Doppler map -> classifier -> context -> scores
                                                                                                  power -> emission

Everything goes by hops of 50 ms, so that how a stream is cut into blocks changes no bit. Hops that have come together take each stage
together, as far as none of them can change the tone. A hop that cannot be used has no score (NaN), and neither have the SETTLE_S after it,
in which filters forget what was. New filters and maps take START_S, and so does a network that has heard nothing for as long, settling
included: it listens from the first hop on, but is not asked, as one that knows nothing of the room takes a curtain for somebody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import (
    BASEBAND,
    PLAYBACK,
    SILENT,
    ULTRASONIC,
    Block,
    Emission,
    ScoreTrack,
    StreamFormat,
    StreamNeed,
)
from detectors.presence.alignment import REACH_S
from detectors.presence.arrivals import Arrivals
from detectors.presence.calibration import Calibrated, Calibration, CalibrationSettings
from detectors.presence.clutter import ClutterFilter
from detectors.presence.context import LABELS, Context, ContextSettings, Occupancy
from detectors.presence.distortion import DistortionRemover
from detectors.presence.features import DopplerMap
from detectors.presence.front_end import HOP_S, RATE_HZ, Mixer
from detectors.presence.hearing import Hearing, Verdict, clean
from detectors.presence.hiss import Hiss
from detectors.presence.lines import LineNotch
from detectors.presence.listener import Listener, MotionClassifier
from detectors.presence.power import Power, PowerSettings
from detectors.presence.recalibration import Recalibration
from detectors.presence.settings import count, microphones, of_detector

PLAYBACK_HZ = (16_000, 48_000)
SETTLE_S = 1.0  # after a gap
START_S = 3.0  # of new filters and maps: the removal adapts, backgrounds are learnt, by the network as well
TOGETHER_S = 2.0  # of a new removal alone
SPAN_S = 1.0  # how far back the maps look
NOT_SENSING = (np.nan,) * len(LABELS)
QUIET_HOPS = 40  # of silence after which there is no distortion left
MOST_HOPS = 40  # taken together, 1 MB of frames


class Phase(Enum):
    CALIBRATING = "calibrating"
    SETTLING = "settling"
    SENSING = "sensing"
    RESTING = "resting"  # the tone is off
    DEAF = "deaf"  # nothing that could be used


@dataclass(frozen=True)
class PresenceSettings:
    """channels: microphones used, from 1, None for all. Further settings see the parts. Raises DetectorError naming the key."""

    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    power: PowerSettings = field(default_factory=PowerSettings)
    channels: int | None = None

    def __post_init__(self) -> None:
        count("channels", self.channels)
        Power(self.power, Context(self.context, HOP_S), HOP_S)  # refuses what does not fit


class _Heard(NamedTuple):
    """A hop that can be used: envelope (M, n) of the microphones that live, played (n,), whether that is anything, and what the
    microphones usually hear of the carrier."""

    envelope: NDArray[np.complex64]
    played: NDArray[np.float32] | None
    playing: bool
    carrier: float


class _Told(NamedTuple):
    """What the network makes of a hop: its probabilities, None where it was not asked. sensing: whether it counts as listened to.
    settling: what was heard before it is forgotten."""

    sensing: bool
    settling: bool
    probabilities: Sequence[float] | None = None


class PresenceDetector:
    """Scores `presence`, `major_motion`, `minor_motion` and `vacancy` every 50 ms; an alarm at 0.5.

    classifier: makes one for a session. streams: `ultrasonic` or `baseband`, and `playback` for the removal of its distortion.
    """

    labels = LABELS

    def __init__(
        self,
        name: str,
        streams: Sequence[str],
        classifier: Callable[[], MotionClassifier],
        settings: PresenceSettings | None = None,
    ) -> None:
        heard = [stream for stream in streams if stream in (BASEBAND, ULTRASONIC)]
        if len(heard) != 1 or set(streams) - {*heard, PLAYBACK}:
            raise DetectorError(
                f"streams: one of {BASEBAND}, {ULTRASONIC}, and {PLAYBACK} if wanted, got {', '.join(streams)}"
            )
        self.name, self.stream = name, heard[0]
        self.settings = settings or PresenceSettings()
        self._make_classifier = classifier
        rates = (RATE_HZ,) if self.stream == BASEBAND else (96_000, 192_000)
        self.needs: dict[str, StreamNeed] = {self.stream: StreamNeed(rates, self.settings.channels)}
        if PLAYBACK in streams:
            self.needs[PLAYBACK] = StreamNeed(PLAYBACK_HZ, 1)

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        for stream, need in self.needs.items():
            form = formats.get(stream)
            if form is None or form.rate_hz not in need.rates_hz:
                raise DetectorError(f"{self.name}: needs {stream} at {need.rates_hz}, got {form}")
        form = formats[self.stream]
        asked = self.settings.calibration
        with of_detector(self.name):
            self._channels = microphones(self.settings.channels, form)
            baseband = self.stream == BASEBAND
            self._calibration_settings = asked.of_baseband(form) if baseband else asked.of_samples(form)
        self._rate_hz = form.rate_hz
        kind = np.complex64 if baseband else np.float32
        self._playback_hz = formats[PLAYBACK].rate_hz if PLAYBACK in self.needs else None
        self._arrivals = Arrivals(self._channels, form.rate_hz, kind, self._playback_hz)
        self._context = Context(self.settings.context, HOP_S)
        self._power = Power(self.settings.power, self._context, HOP_S)
        self._listener = Listener(self._make_classifier())
        self._scores: list[tuple[float, ...]] = []
        self.calibrations: list[Calibrated] = []
        self._calibrate()

    # What happened, for reports.
    @property
    def measured(self) -> dict[str, float]:
        """Seconds of the session with somebody there, and of them with the tone on."""
        occupied_s, tone_s = self._power.occupied_s
        return {"occupied_s": occupied_s, "occupied_tone_s": tone_s}

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def occupancy(self) -> Occupancy:
        return self._context.state

    @property
    def duty(self) -> float:
        """Share of the time since the first calibration in which the tone was on."""
        return self._power.duty

    @property
    def occupied_duty(self) -> float:
        """The same of the time with somebody there."""
        return self._power.occupied_duty

    @property
    def removed_db(self) -> float:
        """What the removal of the playback's distortion has taken out, as it says itself; 0 without playback."""
        return 0.0 if self._remover is None else float(self._remover.removed_db)

    @property
    def apart_s(self) -> float:
        """By how much microphones were found ahead of what is played, and are held back; below 0 the other way round."""
        return self._arrivals.late / RATE_HZ

    @property
    def alive(self) -> NDArray[np.bool_]:
        return self._hearing.alive.copy()

    def feed(self, block: Block) -> Emission | None:
        played = block.streams[PLAYBACK][:1] if PLAYBACK in self.needs else None
        self._arrivals.push(block.streams[self.stream][: self._channels], played)
        while (waiting := self._arrivals.waiting) > 0:
            if self._phase in (Phase.CALIBRATING, Phase.RESTING):
                self._wait_for_tone(*self._arrivals.next())
                self._scores.append(NOT_SENSING)
            else:
                self._scores.extend(self._listen(min(waiting, self._certain_hops)))
        return self._emission

    @property
    def _certain_hops(self) -> int:
        """For so many hops the tone stays as it is, and playback beside what it does, but for what the last of them brings."""
        certain = min(MOST_HOPS, self._recalibration.certain_hops, self._power.certain_hops)
        return certain if self._remover is None else min(certain, self._remover.alignment.certain_hops)

    def tracks(self) -> Sequence[ScoreTrack]:
        scores = np.asarray(self._scores, np.float32).reshape(-1, len(LABELS))
        return [
            ScoreTrack(self.name, label, HOP_S, HOP_S, scores[:, index].copy(), span_s=SPAN_S)
            for index, label in enumerate(LABELS)
        ]

    def _wait_for_tone(self, raw: NDArray, played: NDArray[np.float32] | None) -> None:
        """A hop of a calibration, or of a rest."""
        self._recalibration.wait()
        self._listener.miss()
        self._context.idle()
        if self._phase is Phase.CALIBRATING:
            self._calibration.push(*clean(raw, toned=False))
            self._emission = self._calibration.emission
            if self._calibration.result is not None:
                self._start(self._calibration.result)
        elif self._power.step(False):
            self._emission = self.calibrations[-1].emission
            self._settle(Phase.SETTLING)
            self._hearing.pause()

    def _listen(self, most: int) -> list[tuple[float, ...]]:
        """Scores of the hops that come next, `most` of them, or up to the first that cannot be used or changes who listens."""
        run: list[_Heard] = []
        for _ in range(most):
            raw, played = self._arrivals.next()
            hop, usable = clean(raw)
            envelope = hop if self._mixer is None else self._mixer.mix(hop)
            playing = played is not None and bool(played.any())
            verdict = self._hearing.judge(envelope, usable, playing)
            if verdict is not Verdict.USE:
                break
            run.append(self._heard(envelope, played, playing))
        scores = self._sense(run) if run else []
        self._bring_together()
        if verdict is Verdict.REBUILD:
            self._build()
            scores += self._sense([self._heard(envelope, played, playing)])
        elif verdict is Verdict.SKIP:
            if usable.any():
                self._recalibration.deaf()
            self._settle(Phase.DEAF)
            self._listener.miss()
            self._context.idle()
            self._end_hop(sensing=False)
            scores.append(NOT_SENSING)
        return scores

    def _bring_together(self) -> None:
        """Where playback and microphones have come apart, one of them waits for the other from now on."""
        apart = 0 if self._remover is None else self._remover.alignment.told()
        late = self._arrivals.late + apart
        listening = self._phase in (Phase.SENSING, Phase.SETTLING)
        if apart and listening and abs(late) <= REACH_S * RATE_HZ:
            self._arrivals.hold(late)
            self._remover = DistortionRemover(self._remover.channels, RATE_HZ, self._playback_hz)
            self._settle(Phase.SETTLING, TOGETHER_S)

    def _heard(
        self, envelope: NDArray[np.complex64], played: NDArray[np.float32] | None, playing: bool
    ) -> _Heard:
        return _Heard(envelope[self._hearing.alive], played, playing, self._hearing.carrier)

    def _end_hop(self, sensing: bool) -> None:
        """What follows from a hop for the tone."""
        again = self._recalibration.due(self._context.state is Occupancy.VACANT)
        if not self._power.step(sensing):
            self._phase, self._emission = Phase.RESTING, SILENT
        elif again:
            self._calibrate()

    def _sense(self, run: Sequence[_Heard]) -> list[tuple[float, ...]]:
        """Scores of hops that can be used."""
        self._recalibration.heard()
        music = [self._music(one.playing) for one in run]
        moving = [
            self._clutter.process(self._without_distortion(*pair)) for pair in zip(run, music, strict=True)
        ]
        spectra = self._map.spectra(np.stack([self._notch.process(one) for one in moving]))
        scores: list[tuple[float, ...]] = []
        while (first := len(scores)) < len(run):
            maps, hissing = self._map.features(spectra, first)
            heard = [
                self._classify(features, hisses and not plays)
                for features, hisses, plays in zip(maps, hissing, music[first:], strict=False)
            ]
            for one, told in zip(run[first:], heard, strict=False):
                scores.append(self._conclude(told))
                if not one.playing:  # music turns the level of the carrier down
                    self._recalibration.carrier(one.carrier, told.sensing)
                self._end_hop(told.sensing)
        return scores

    def _classify(self, features: NDArray[np.float32], hiss: bool) -> _Told:
        """hiss: of what is no music, which makes a noise that the network knows."""
        self._heed(hiss)
        settling = self._phase is not Phase.SENSING
        if settling:
            unheard_s = (self._listener.unheard_hops + self._settle_hops) * HOP_S
            if unheard_s > START_S and not self._listener.new:
                self._listen_anew()
            self._settle_hops -= 1
            self._phase = Phase.SETTLING
            if self._settle_hops > 0:
                self._listener.hear(features, fit=self._listener.new and not hiss)
                return _Told(sensing=False, settling=True)
            self._phase, self._listener.new = Phase.SENSING, False
        return _Told(
            sensing=True, settling=settling, probabilities=self._listener.hear(features, fit=not hiss)
        )

    def _listen_anew(self) -> None:
        """The network forgets all, and listens for START_S before its word counts."""
        self._wait(Phase.SETTLING, START_S)
        self._listener.forget()

    def _conclude(self, told: _Told) -> tuple[float, ...]:
        if told.settling:
            self._context.idle()
        if told.probabilities is not None:
            return self._context.step(told.probabilities)
        if told.sensing:
            self._context.skip()
        return NOT_SENSING

    def _heed(self, hiss: bool) -> None:
        """What hisses hides whoever moves, and is no noise to get used to, nor is what comes a moment after it; unless it stays."""
        if self._hiss.heeded(hiss):
            self._map.unlearn()
            self._wait(Phase.SETTLING, SETTLE_S)

    def _music(self, playing: bool) -> bool:
        """Whether there is distortion to remove: while something plays, and for a moment after it."""
        if self._remover is None:
            return False
        self._silent_hops = 0 if playing else self._silent_hops + 1
        return self._silent_hops <= QUIET_HOPS

    def _without_distortion(self, one: _Heard, music: bool) -> NDArray[np.complex64]:
        """Where there is nothing to remove, what came last is kept: before there is again, it puts the filters in place."""
        if self._remover is None:
            return one.envelope
        if not music:
            self._skipped.append(one.envelope)
            return one.envelope
        while self._skipped:
            self._remover.process(self._skipped.popleft(), np.zeros_like(one.played))
        return self._remover.process(one.envelope, one.played)

    def _calibrate(self) -> None:
        self._phase = Phase.CALIBRATING
        self._calibration = Calibration(self._calibration_settings, self._rate_hz, self._channels, HOP_S)
        self._emission = self._calibration.emission
        self._recalibration = Recalibration()
        self._hearing = Hearing(np.ones(self._channels, bool))
        self._remover = None
        self._arrivals.hold(0)  # what is heard follows what is emitted

    def _start(self, result: Calibrated) -> None:
        self.calibrations.append(result)
        self._emission = result.emission
        self._hearing = Hearing(result.alive)
        self._mixer = None
        if self.stream == ULTRASONIC:
            self._mixer = Mixer(self._rate_hz, RATE_HZ, result.carrier_hz, self._channels)
        self._build()

    def _build(self) -> None:
        """Filters and maps for the microphones that live."""
        channels = int(self._hearing.alive.sum())
        self._remover = None
        if self._playback_hz is not None:
            self._remover = DistortionRemover(channels, RATE_HZ, self._playback_hz)
        self._silent_hops = 0
        self._hiss = Hiss()
        self._skipped: deque[NDArray[np.complex64]] = deque(maxlen=2)
        self._clutter = ClutterFilter(channels, RATE_HZ)
        self._notch = LineNotch(channels, RATE_HZ)
        self._map = DopplerMap(channels, RATE_HZ)
        self._recalibration.forget()
        self._listen_anew()

    def _settle(self, phase: Phase, seconds: float = SETTLE_S) -> None:
        """No score for a while, and what was heard is forgotten."""
        self._wait(phase, seconds)
        self._clutter.reset()

    def _wait(self, phase: Phase, seconds: float) -> None:
        """What is still to be waited for is not cut short."""
        left = self._settle_hops if self._phase in (Phase.SETTLING, Phase.DEAF) else 0
        self._phase, self._settle_hops = phase, max(left, round(seconds / HOP_S))
