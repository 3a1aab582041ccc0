"""One trial on one clock: sound out, sound in, and when each sample was heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.bench.physical.playback import Clipped, Playback
from rigs.audio import Alignment, AudioSpec, Duplex
from rigs.audio.background import Background, background
from rigs.audio.storage import read_blocks
from rigs.errors import AudioFault

_READ_S = 1.0


@dataclass
class HearingClock:
    """When the samples of a capture's body were heard, on `time.monotonic_ns`.

    Blocks are handed on a little after they were heard, never before, so the earliest hand-over seen from any moment
    on bounds it best. A busy machine stretches an emulated sound card's clock; this follows.
    """

    rate_hz: int
    _frames: list[int] = field(default_factory=list)
    _at_ns: list[int] = field(default_factory=list)
    _seen: int = 0

    def take(self, block: NDArray[np.float32]) -> None:
        self._seen += block.shape[1]
        self._frames.append(self._seen)
        self._at_ns.append(time.monotonic_ns())

    @property
    def running(self) -> bool:
        """Whether the body of the capture has begun to be heard."""
        return bool(self._frames)

    def trial_s(self, monotonic_ns: int) -> float:
        """The moment of the trial that was heard at this time; NaN when nothing was heard."""
        if not self._frames:
            return float("nan")
        frames, at_ns = np.asarray(self._frames, np.float64), np.asarray(self._at_ns, np.float64)
        # Handing over a backlog makes a block look late; no later block can have been heard before it.
        late = at_ns - frames * (1e9 / self.rate_hz)
        heard_ns = frames * (1e9 / self.rate_hz) + np.minimum.accumulate(late[::-1])[::-1]
        if monotonic_ns <= heard_ns[0]:
            return float(frames[0] / self.rate_hz - (heard_ns[0] - monotonic_ns) * 1e-9)
        if monotonic_ns >= heard_ns[-1]:
            return float(frames[-1] / self.rate_hz + (monotonic_ns - heard_ns[-1]) * 1e-9)
        return float(np.interp(monotonic_ns, heard_ns, frames)) / self.rate_hz


@dataclass(frozen=True, eq=False)
class Take:
    """What came back of one playback. invalid: why it must not count. path: the whole capture, pilots included.

    quiet: the background before and after, None where it was not listened to.
    """

    path: Path
    rate_hz: int
    alignment: Alignment
    clock: HearingClock
    body_at: int | None
    body_frames: int
    invalid: str | None
    quiet: tuple[Background, Background] | None = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The body, (inputs, n) at the bench's rate; nothing where it was never found, what there is of an invalid take."""
        if self.body_at is None:
            return
        end = self.body_at + self.body_frames
        try:
            yield from read_blocks(self.path, round(_READ_S * self.rate_hz), self.body_at, end)
        except AudioFault:
            if self.invalid is None:
                raise


def play_and_record(
    spec: AudioSpec,
    playback: Playback,
    path: Path,
    on_body: Callable[[], None] = lambda: None,
    stop_with: Callable[[Callable[[str], None]], None] = lambda stop: None,
) -> Take:
    """Play a trial between its pilots and keep what comes back at `path`.

    on_body: called once, when the body of the trial has begun to be heard. stop_with: is given what stops the sound, for
    a guardian. What is wrong with the sound makes the take invalid; AudioFault means
    that nothing could be played or kept at all.
    """
    clock, invalid = HearingClock(spec.rate_hz), None
    expected_s = playback.seconds + spec.pilot.around_s
    with Duplex(spec, path, live=False, on_block=clock.take, expected_s=expected_s) as duplex:
        stop_with(lambda _reason: duplex.stop())
        begun = False
        try:
            for block in playback.blocks():
                duplex.player.put(block)
                if clock.running and not begun:
                    begun = True
                    on_body()
        except Clipped as error:
            invalid = str(error)
            duplex.stop()
        except AudioFault:
            pass  # playback has ended early: the verdict knows why
        duplex.player.finish()
        alignment, verdict = duplex.result()
        return Take(
            path=path,
            rate_hz=spec.rate_hz,
            alignment=alignment,
            clock=clock,
            body_at=duplex.body_at,
            body_frames=duplex.body_frames,
            invalid=invalid or (None if verdict.valid else verdict.reason),
            quiet=quiet_of(spec, path, duplex.quiet),
        )


def quiet_of(
    spec: AudioSpec, path: Path, spans: tuple[tuple[int, int], tuple[int, int]] | None
) -> tuple[Background, Background] | None:
    """The background before and after, from where a capture holds it; None where it does not."""
    if spans is None:
        return None
    before, after = (
        background(spec, read_blocks(path, round(_READ_S * spec.rate_hz), start, stop))
        for start, stop in spans
    )
    return before, after
