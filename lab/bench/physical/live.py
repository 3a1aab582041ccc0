"""A trial whose device emits: the stack listens and commands while sound runs.

    played    |<- 50 ms ->|<- DELAY ->| ...         the body of the capture, sample by sample as played
    heard     ...  block k of the capture, put back by the lag that the first pilot had: sample n is what was played at n
    emission  commanded after block k, in force DELAY after its end

In simulation a command holds from the end of the block on. Here what it answers has yet to come back: a block is whole one lag after its
end, so a command can hold one lag later at the earliest. The bench makes it DELAY_S always, whatever the lag, and refuses a lag of which
less than HEADROOM_S is left; the stack is told nothing of it, as a device is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.interface import PLAYBACK, SILENT, ULTRASONIC, Block, Emission, StreamFormat
from lab.bench.physical.emission import check_emission
from lab.bench.physical.execute import HearingClock, Take, quiet_of
from lab.bench.physical.hearing import heard_above
from lab.bench.physical.plan import RigPlan
from lab.bench.physical.strokes import Strokes
from lab.bench.physical.tone import FADE_S, TonePlayer
from lab.bench.protocol import CaptureFacts
from rigs.audio import AudioSpec, Duplex
from rigs.errors import AudioFault
from rigs.rig_file import RigFile

BLOCK_S = 0.05
DELAY_S = 0.05
HEADROOM_S = 0.02
PLAYBACK_HZ = 16_000
LOOK_S = 0.01


class LiveTake:
    """Sound of one trial while it runs: a tone out, microphones in, aligned. A context in which the sound card is open.

    path: of the whole capture. stop_with: is given what stops the sound, for a guardian.
    """

    def __init__(
        self,
        spec: AudioSpec,
        plan: RigPlan,
        rig: RigFile,
        path: Path,
        stop_with: Callable[[Callable[[str], None]], None],
    ) -> None:
        self._spec, self._plan, self._rig, self._path = spec, plan, rig, path
        self._frames = round(plan.trial.spec.duration_s * spec.rate_hz)
        self._output = [output.channel for output in rig.audio.outputs].index(plan.tone.channel)
        self.clock = HearingClock(spec.rate_hz)
        self.tone = TonePlayer(spec.rate_hz, 2.0**0.5 * 20e-6 * 10.0 ** (plan.tone.full_scale_db_spl / 20.0))
        self._put = self._got = 0
        self._fault: str | None = None
        seconds = plan.trial.spec.duration_s + FADE_S + spec.pilot.around_s
        self._duplex = Duplex(spec, path, live=True, on_block=self.clock.take, expected_s=seconds)
        self._stop_with = stop_with
        self.body_after_pilot_s = 0.0

    def __enter__(self) -> Self:
        """Plays the first pilot and waits until it was heard."""
        self._duplex.__enter__()
        self._stop_with(lambda _reason: self._duplex.stop())
        try:
            self._begin()
        except BaseException:
            self._duplex.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *what: object) -> None:
        self._duplex.__exit__(*what)

    def _begin(self) -> None:
        while self._duplex.lag is None and self._duplex.running:
            time.sleep(LOOK_S)
        lag = self._duplex.lag
        if lag is None:
            self._fault = "no acoustic path"  # the verdict knows why
            return
        lag_s = lag / self._spec.rate_hz
        if lag_s > DELAY_S - HEADROOM_S:
            self._fault = (
                f"wrong lag: {1000.0 * lag_s:.1f} ms from playing to hearing, at most {1000.0 * (DELAY_S - HEADROOM_S):.0f} "
                "where a device emits; take smaller buffers"
            )
            return
        self._play(round((BLOCK_S + DELAY_S) * self._spec.rate_hz))

    def next(self, emission: Emission) -> NDArray[np.float32] | None:
        """Play this from DELAY_S after the last block on; answers the next block, (inputs, n), None at the end or when sound stopped."""
        if self._fault is not None or self._got >= self._frames:
            return None
        want = min(round(BLOCK_S * self._spec.rate_hz), self._frames - self._got)
        try:
            if self._got:
                if self._put < self._frames:
                    self.tone.command(emission)
                self._play(round(BLOCK_S * self._spec.rate_hz))
            block = self._duplex.recorder.get(want)
        except AudioFault as fault:
            self._fault = str(fault)
            return None
        if block is None:
            self._fault = "interrupted"
            return None
        self._got += block.shape[1]
        return block

    @property
    def at_s(self) -> float:
        """How much of the trial was handed out."""
        return self._got / self._spec.rate_hz

    def finish(self) -> Take:
        """Hear the last pilot, align and judge."""
        if self._fault is not None or self._got < self._frames:
            self._fault = self._fault or "interrupted"
            self._duplex.stop()
        alignment, verdict = self._duplex.result()
        self.body_after_pilot_s = (self._duplex.body_after_pilot or 0) / self._spec.rate_hz
        reason = None if verdict.valid else verdict.reason
        return Take(
            path=self._path,
            rate_hz=self._spec.rate_hz,
            alignment=alignment,
            clock=self.clock,
            body_at=self._duplex.body_at,
            body_frames=min(self._duplex.body_frames, self._frames),
            invalid=self._fault or reason,
            quiet=quiet_of(self._spec, self._path, self._duplex.quiet),
        )

    def _play(self, samples: int) -> None:
        """Queue so much more of the trial; behind its last sample the tone dies away, and playback ends."""
        samples = min(samples, self._frames - self._put)
        if samples <= 0:
            return
        self._duplex.player.put(self._samples(samples))
        self._put += samples
        if self._put == self._frames:
            self.tone.command(SILENT)
            self._duplex.player.put(self._samples(round(FADE_S * self._spec.rate_hz)))
            self._duplex.player.finish()

    def _samples(self, samples: int) -> NDArray[np.float32]:
        block = np.zeros((self._spec.outputs, samples), np.float32)
        block[self._output] = self.tone.read(samples)
        return block


class LiveSession:
    """Implements `lab.bench.protocol.Session`: every block is played, heard and handed out while the trial runs.

    streams: `ultrasonic`, and `playback` if wanted, which is silent: the device plays nothing but its tone. strokes: the stage's while it
    runs. conclude: puts everything away and knows the facts, called once. Raises BadInput for a command beyond the rig file's limit.
    """

    def __init__(
        self,
        take: LiveTake,
        plan: RigPlan,
        rig: RigFile,
        streams: tuple[str, ...],
        build_id: str,
        strokes: Strokes,
        conclude: Callable[[], CaptureFacts],
        close: Callable[[], None],
    ) -> None:
        self.clock_hz = rig.audio.rate_hz
        rates = {ULTRASONIC: self.clock_hz, PLAYBACK: PLAYBACK_HZ}
        self.formats: Mapping[str, StreamFormat] = {
            name: StreamFormat(rates[name], plan.channels if name == ULTRASONIC else 1) for name in streams
        }
        self._take, self._plan, self._rig, self._build_id = take, plan, rig, build_id
        self._strokes, self._conclude, self._close = strokes, conclude, close
        self._position = 0
        self._facts: CaptureFacts | None = None

    def next(self, emission: Emission) -> Block | None:
        if self._facts is not None:
            return None
        device = self._plan.trial.spec.device
        check_emission(emission, self._rig, device, self._build_id)
        self._strokes.due(self._take.at_s)
        heard = self._take.next(emission)
        if heard is None:
            self._facts = self._conclude()
            return None
        length = heard.shape[1]
        streams = {}
        if ULTRASONIC in self.formats:
            streams[ULTRASONIC] = heard_above(device, self._plan.channels, self._rig, heard)
        if PLAYBACK in self.formats:
            streams[PLAYBACK] = np.zeros((1, length * PLAYBACK_HZ // self.clock_hz), np.float32)
        block = Block(self._position, length, self.clock_hz, streams)
        self._position += length
        return block

    def facts(self) -> CaptureFacts:
        if self._facts is None:
            self._facts = self._conclude()
        return self._facts

    def close(self) -> None:
        """Silence, whatever happened; safe to call twice."""
        self._close()
