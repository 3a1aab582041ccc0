"""One full-duplex stream: playback and recording on one sample clock, through PortAudio, float32 only."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rigs.audio.alignment import Alignment
from rigs.audio.devices import find_device, portaudio
from rigs.audio.playback import Feed, Player, Source
from rigs.audio.recording import Recorder, Recording
from rigs.audio.spec import AudioSpec
from rigs.audio.storage import Writer
from rigs.audio.verdict import AudioVerdict, Defect
from rigs.errors import AudioFault

STALLED_S = 20.0  # without a block: the interface is gone
BACKLOG_S = 120.0  # of blocks for a reader that does not come
ARREARS = 1024  # blocks that may wait to be written; then the sound card waits, and what it loses is seen


class Duplex:
    """Plays and records until the body has ended and its tail was heard.

        with Duplex(spec, record_to=path) as duplex:
            duplex.player.put(block)            # float32 (outputs, n); waits while `ahead_s` is queued
            heard = duplex.recorder.get(4800)   # float32 (inputs, 4800), aligned with what was put
            duplex.player.finish()
            alignment, verdict = duplex.result()

    The sound card's callback only copies; a thread of its own writes, watches and hands on. Leaving the block stops the
    sound whatever happens. source: plays this instead of what the player is given. live: keep blocks for `recorder`.
    on_block: called with each (inputs, n) of the body. on_heard: with each that comes in at all, aligned or not. expected_s: for the
    check of the disk, made before anything plays. hold: stay silent until `begin`.
    """

    def __init__(
        self,
        spec: AudioSpec,
        record_to: Path | None = None,
        *,
        source: Source | None = None,
        live: bool = True,
        on_block: Callable[[NDArray[np.float32]], None] | None = None,
        on_heard: Callable[[NDArray[np.float32]], None] | None = None,
        expected_s: float | None = None,
        hold: bool = False,
    ) -> None:
        self.spec = spec
        self.player = Player(spec.outputs, max(1, round(spec.ahead_s * spec.rate_hz)), spec.patient_s)
        self.recorder = Recorder(round(BACKLOG_S * spec.rate_hz), self.player.hurry)
        self.flags = 0
        self._record_to = record_to
        self._expected_s = expected_s
        self._feed = Feed(spec, source or self.player)
        if not hold:
            self._feed.begin()
        self._on_heard = on_heard
        self._sinks = [sink for sink in (self.recorder._put if live else None, on_block) if sink]
        self._out = [number - 1 for number in spec.out_connectors]
        self._in = [number - 1 for number in spec.in_connectors]
        self._arrivals: deque[tuple[NDArray, NDArray]] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._broken: BaseException | None = None
        self._verdict: tuple[Alignment, AudioVerdict] | None = None
        self._worker = threading.Thread(target=self._work, name="audio", daemon=True)
        self._stream: Any = None

    @property
    def body_at(self) -> int | None:
        """Where the body begins in the recorded file, samples; None while unknown."""
        return self._recording.body_at

    @property
    def lag(self) -> int | None:
        """How many samples later what is played is heard; None until the first pilot was."""
        return self._recording.lag

    @property
    def running(self) -> bool:
        return not self._ended and not self._feed.over

    @property
    def body_after_pilot(self) -> int | None:
        """Samples from the beginning of the first pilot to that of the body, as played; None before the body."""
        begun = self._feed.body_start
        return None if begun is None else begun - self._feed.head_pilot

    @property
    def quiet(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Where the recorded file holds the background before and after, samples (from, to); see `Recording.quiet`."""
        return self._recording.quiet

    @property
    def body_frames(self) -> int:
        return self._feed.body_frames

    def __enter__(self) -> Self:
        spec = self.spec
        device = find_device(spec)
        writer = None
        if self._record_to is not None:
            writer = Writer(self._record_to, spec.rate_hz, spec.inputs, self._expected_s)
        self._recording = Recording(spec, self._feed, writer, self._sinks)
        sounddevice = portaudio()
        try:
            self._stream = sounddevice.Stream(
                samplerate=spec.rate_hz,
                blocksize=spec.block,
                device=(device.index, device.index),
                channels=(max(spec.in_connectors), max(spec.out_connectors)),
                dtype="float32",
                callback=self._callback,
                finished_callback=self._stopped,
                clip_off=True,
                dither_off=True,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            if self._stream is not None:
                self._stream.close()
            if writer:
                writer.discard()
            raise AudioFault(f"{device}: does not start at {spec.rate_hz} Hz: {error}") from error
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._stream is not None:
            self._stream.close()
            self._stopped()
        if self._worker.is_alive():
            self._worker.join()

    def begin(self) -> None:
        """Let a held stream play."""
        self._feed.begin()

    def stop(self) -> None:
        """Silence at the next block; what was recorded so far is kept and is invalid."""
        if not self._ended:
            self._feed.stop()
        self.player.finish()

    def result(self, timeout_s: float | None = None) -> tuple[Alignment, AudioVerdict]:
        """Wait for the end and judge. Raises AudioFault after `timeout_s`, and whatever `on_block` raised."""
        self._worker.join(timeout_s)
        if self._worker.is_alive():
            raise AudioFault(f"{self.spec.device}: the capture has not ended after {timeout_s:g} s")
        if self._broken:
            raise self._broken
        assert self._verdict is not None
        return self._verdict

    def _callback(
        self, indata: NDArray, outdata: NDArray, frames: int, _time: object, status: object
    ) -> None:
        sounddevice = portaudio()
        try:
            self.flags += bool(status)
            played = self._feed.take(frames)
            outdata.fill(0.0)
            outdata[:, self._out] = played.T
            self._arrived(np.ascontiguousarray(indata[:, self._in].T), played)
        except BaseException as error:  # PortAudio would print it and go on with noise
            self._broken = error
            outdata.fill(0.0)
            raise sounddevice.CallbackAbort from error
        if self._feed.over:
            raise sounddevice.CallbackStop

    def _arrived(self, recorded: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        with self._news:
            self._news.wait_for(lambda: len(self._arrivals) < ARREARS, timeout=5.0)
            self._arrivals.append((recorded, played))
            self._news.notify_all()

    def _stopped(self) -> None:
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _work(self) -> None:
        try:
            while (arrival := self._next()) is not None:
                if self._on_heard is not None:
                    self._on_heard(arrival[0])
                self._recording.feed(*arrival)
            self._verdict = self._recording.finish()
        except Exception as error:  # noqa: BLE001 - raised again by `result`, in the caller's thread
            self._broken = self._broken or error
            self._feed.stop()
        finally:
            self.player.finish()
            self.recorder._end()

    def _next(self) -> tuple[NDArray, NDArray] | None:
        with self._news:
            if not self._news.wait_for(lambda: self._arrivals or self._ended, STALLED_S):
                self._recording.fail(
                    Defect.INTERRUPTED, f"{self.spec.device} delivered nothing for {STALLED_S:g} s"
                )
                return None
            if not self._arrivals:
                return None
            self._news.notify_all()
            return self._arrivals.popleft()
