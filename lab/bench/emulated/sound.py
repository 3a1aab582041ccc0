"""The virtual device at a real sound card: PortAudio hands it what is played and takes what its room returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab.bench.emulated.wiring import Wiring
from rigs.audio.devices import find_device, portaudio
from rigs.audio.spec import AudioSpec
from rigs.errors import AudioFault


class SoundCard:
    """Calls `hear` with each block, (loudspeakers, n), in the audio thread, and plays its answer, (microphones, n).

    The room is computed in that thread on purpose: in a synchronous JACK server the clock then waits for it, and
    nothing is ever lost or late. Raises AudioFault when the card is not there or does not run at this rate.
    """

    def __init__(self, wiring: Wiring, hear: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._hear = hear
        self._in = [one.channel - 1 for one in wiring.loudspeakers]
        self._out = [one.channel - 1 for one in wiring.microphones]
        self._broken: BaseException | None = None
        spec = AudioSpec(
            device=wiring.device,
            host_api=wiring.host_api,
            rate_hz=wiring.rate_hz,
            outputs=len(self._out),
            inputs=len(self._in),
            output_map=tuple(one + 1 for one in self._out),
            input_map=tuple(one + 1 for one in self._in),
        )
        device = find_device(spec)
        sounddevice = portaudio()
        try:
            self._stream: Any = sounddevice.Stream(
                samplerate=wiring.rate_hz,
                blocksize=0,
                device=(device.index, device.index),
                channels=(max(spec.input_map), max(spec.output_map)),
                dtype="float32",
                callback=self._callback,
                clip_off=True,
                dither_off=True,
            )
        except sounddevice.PortAudioError as error:
            raise AudioFault(f"{device}: does not open at {wiring.rate_hz} Hz: {error}") from error

    def __enter__(self) -> Self:
        self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def check(self) -> None:
        """Raises AudioFault when sound has stopped, and whatever `hear` raised."""
        if self._broken is not None:
            raise self._broken
        if not self._stream.active:
            raise AudioFault("virtual device: the sound card has stopped")

    def _callback(
        self, indata: NDArray, outdata: NDArray, _frames: int, _time: object, _status: object
    ) -> None:
        outdata.fill(0.0)
        try:
            outdata[:, self._out] = self._hear(np.ascontiguousarray(indata[:, self._in].T)).T
        except BaseException as error:  # PortAudio would print it and go on
            self._broken = error
            raise portaudio().CallbackAbort from error
