"""What is recorded: found in time by its pilots, watched, kept, and handed on while it runs."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rigs.audio.alignment import Alignment, PilotFix, find_pilot, judge, no_path
from rigs.audio.playback import Feed
from rigs.audio.spec import AudioSpec
from rigs.audio.storage import Writer
from rigs.audio.verdict import AudioVerdict, Defect, Finding
from rigs.audio.watch import ExactWatch, Watch
from rigs.errors import AudioFault


class Recorder:
    """The body as it comes in: sample 0 is the body's first, whatever the lag."""

    def __init__(self, most: int, wanted: Callable[[], None]) -> None:
        self._most = most
        self._wanted = wanted
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._queued = 0
        self._ended = False
        self._overrun = False
        self._changed = threading.Condition()

    def get(self, frames: int, timeout_s: float = 60.0) -> NDArray[np.float32] | None:
        """The next (channels, frames); shorter at the end, then None. A capture that cannot be aligned ends at once: see
        its verdict. Raises AudioFault if nothing comes for `timeout_s`."""
        self._wanted()
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._ended or self._overrun or self._queued >= frames, timeout_s
            ):
                raise AudioFault(f"recorder: the sound card delivered too little within {timeout_s:g} s")
            if self._overrun:
                raise AudioFault(f"recorder: {self._most} samples waited and nobody took them")
            if not self._queued:
                return None
            taken, wanted = [], frames
            while wanted and self._blocks:
                block = self._blocks.popleft()
                if block.shape[1] > wanted:
                    self._blocks.appendleft(block[:, wanted:])
                    block = block[:, :wanted]
                taken.append(block)
                wanted -= block.shape[1]
            self._queued -= frames - wanted
        return np.concatenate(taken, axis=1)

    @property
    def queued(self) -> int:
        """Frames that wait to be taken."""
        return self._queued

    def _put(self, block: NDArray[np.float32]) -> None:
        with self._changed:
            self._overrun |= self._queued > self._most
            if not self._overrun:
                self._blocks.append(block)
                self._queued += block.shape[1]
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Recording:
    """Takes (recorded, played) blocks in order and knows at the end what they are worth."""

    def __init__(self, spec: AudioSpec, feed: Feed, writer: Writer | None, sinks: list) -> None:
        pilot, rate_hz = spec.pilot, spec.rate_hz
        self._spec, self._feed, self._writer = spec, feed, writer
        self._sinks = sinks
        self._watch = Watch(spec)
        self._exact = ExactWatch(spec) if spec.exact else None
        self._lead: list[NDArray] = []
        self._lead_from = 0
        self._lead_frames = pilot.before(rate_hz) + pilot.samples(rate_hz) + pilot.listen(rate_hz)
        self._recent: deque[NDArray] = deque()
        self._recent_frames = (
            pilot.before(rate_hz) + pilot.samples(rate_hz) + pilot.listen(rate_hz) + 65_536 + 4 * spec.block
        )
        self._head: PilotFix | None = None
        self._lag: int | None = None
        self._findings: list[Finding] = []
        self.received = 0
        self.delivered = 0

    @property
    def lag(self) -> int | None:
        """Samples from playing to hearing, None until the first pilot was found."""
        return self._lag

    @property
    def body_at(self) -> int | None:
        """Where the body begins in what was recorded, samples."""
        if self._lag is None or self._feed.body_start is None:
            return None
        return self._feed.body_start + self._lag

    @property
    def quiet(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Samples (from, to) of the background before and after, once the tail was heard; None where there is none."""
        feed, pilot, rate_hz = self._feed, self._spec.pilot, self._spec.rate_hz
        if feed.tail_pilot is None or feed.stopped or self._lag is None or not pilot.quiet_s:
            return None
        heard = feed.head_pilot + self._lag
        # The card wakes up first, and the last pilot dies away first.
        before = (heard - pilot.before(rate_hz) + pilot.silence(rate_hz) // 2, heard)
        after = feed.tail_pilot + pilot.samples(rate_hz) + pilot.listen(rate_hz)
        return before, (after, self.received)

    def feed(self, recorded: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        start = self.received
        self.received += recorded.shape[1]
        self._keep(recorded)
        self._watch.feed(recorded)
        if self._feed.head_start is None or self.received <= self._feed.head_start:
            return
        if self._exact:
            self._exact.feed(recorded, played)
        if self._head is None:
            if not self._lead:
                self._lead_from = start
            self._lead.append(recorded)
            if self.received < self._feed.head_start + self._lead_frames:
                return
            self._find_head()
            recorded, start = np.concatenate(self._lead, axis=1), self._lead_from
            self._lead.clear()
        self._hand_on(recorded, start)

    def _keep(self, recorded: NDArray[np.float32]) -> None:
        if self._writer:
            try:
                self._writer.write(recorded)
            except AudioFault as fault:
                self.fail(Defect.DISK, str(fault))
                self._writer = None
        reference = recorded[self._spec.reference_input]
        self._recent.append(reference)
        while sum(map(len, self._recent)) - len(self._recent[0]) > self._recent_frames:
            self._recent.popleft()

    def _find_head(self) -> None:
        spec = self._spec
        searched = np.concatenate([block[spec.reference_input] for block in self._lead])
        first = self._feed.head_pilot - self._lead_from
        length = spec.pilot.samples(spec.rate_hz) + spec.pilot.listen(spec.rate_hz)
        self._head = find_pilot(searched[first : first + length], spec.pilot, spec.rate_hz)
        if self._head.ratio_db < spec.peak_ratio_db:
            self._feed.stop()
            return
        self._lag = round(self._head.position)
        if self._exact:
            self._exact.set_lag(self._lag)

    def _hand_on(self, recorded: NDArray[np.float32], start: int) -> None:
        begin = self.body_at
        if begin is None or not self._sinks:
            return
        first = max(start, begin)
        last = min(start + recorded.shape[1], begin + self._feed.body_frames)
        if first < last:
            body = recorded[:, first - start : last - start]
            self.delivered += body.shape[1]
            for sink in self._sinks:
                sink(body)

    def fail(self, defect: Defect, detail: str) -> None:
        """Note a defect that ends the capture; what is recorded so far is kept."""
        self._findings.append(Finding(defect, detail))
        self._feed.stop()

    def finish(self) -> tuple[Alignment, AudioVerdict]:
        """Close the file; align and judge."""
        if self._writer:
            try:
                self._writer.close()
            except AudioFault as fault:
                self.fail(Defect.DISK, str(fault))
        spec, feed = self._spec, self._feed
        alignment = self._align()
        findings = list(self._findings)
        if self._head is not None and self._lag is None:
            findings.append(no_path(self._head.ratio_db, spec))
        elif feed.tail_pilot is None or self._lag is None or self._findings:
            if not findings:
                findings.append(Finding(Defect.INTERRUPTED, f"after {self.received / spec.rate_hz:.1f} s"))
        else:
            findings += judge(alignment, spec, feed.tail_pilot - feed.head_pilot)
        if feed.starved:
            seconds = feed.starved / spec.rate_hz
            findings.append(
                Finding(Defect.STARVED, f"{seconds:.3f} s of silence were played where sound was due")
            )
        findings += self._watch.findings(spec.rate_hz)
        if self._exact:
            findings += self._exact.findings(spec.rate_hz)
        return alignment, AudioVerdict(tuple(findings))

    def _align(self) -> Alignment:
        head, feed, spec = self._head, self._feed, self._spec
        if head is None or self._lag is None:
            return Alignment(math.nan, math.nan, head.ratio_db if head else 0.0)
        if feed.tail_pilot is None or feed.stopped:
            return Alignment(head.position, math.nan, head.ratio_db, gain_db=head.gain_db)
        recent = np.concatenate(self._recent)
        # As far back as the silence before the pilot reaches: so much may be lost and still be measured.
        earliest = feed.tail_pilot + self._lag - spec.pilot.silence(spec.rate_hz)
        kept_from = self.received - len(recent)
        earliest = max(earliest, kept_from)
        tail = find_pilot(recent[earliest - kept_from :], spec.pilot, spec.rate_hz)
        if tail.ratio_db < spec.peak_ratio_db:
            return Alignment(head.position, math.nan, head.ratio_db, gain_db=head.gain_db)
        tail_lag = earliest + tail.position - feed.tail_pilot
        return Alignment(
            lag_samples=head.position,
            skew_ppm=1e6 * (tail_lag - head.position) / (feed.tail_pilot - feed.head_pilot),
            peak_ratio_db=min(head.ratio_db, tail.ratio_db),
            tail_lag_samples=tail_lag,
            gain_db=(head.gain_db + tail.gain_db) / 2.0,
        )
