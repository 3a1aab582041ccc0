"""What the loudspeakers of a bench play in one trial, block by block, and what is known of it.

    source (Pa at 1 m) -> full scale of its output -> sampling rate of the bench

The level of a noise that is stated by an SNR is the plan's; what the room adds is measured, not assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from lab.acoustics.levels import pa_from_db_spl
from lab.bench.physical.plan import RigPlan
from lab.errors import BadInput
from lab.scenario.trial import Trial
from lab.sources.media import MediaSpec, MediaStream, open_media
from lab.sources.noise import NoiseSpec, NoiseStream
from rigs.rig_file import RigFile
from rigs.rig_tables import Output

BLOCK_S = 0.5


class Clipped(BadInput):
    """A source would reach past full scale of its output."""


class Playback:
    """The sources of a planned trial on the outputs of a bench, in constant memory.

    corpus: folder of recordings, None for the user's cache. `media` tells truth and segments once `blocks` has
    ended. noises_db_spl: level of each noise at the device, 50 Hz-7 kHz.
    """

    def __init__(self, plan: RigPlan, rig: RigFile, corpus: Path | None = None) -> None:
        trial, self._rig = plan.trial, rig
        self._source_rate = trial.spec.device.audible.rate_hz
        self._samples = round(trial.spec.duration_s * self._source_rate)
        self.media: dict[str, MediaStream] = {}
        self.noises_db_spl: dict[str, float] = {}
        self._voices: list[tuple[int, _Voice]] = []
        sources = {source.name: source for source in trial.spec.sources}
        channels = [output.channel for output in rig.audio.outputs]
        for sound in plan.sounds:
            source = sources[sound.source]
            if isinstance(source, MediaSpec):
                stream = self.media[source.name] = _open(source, trial, corpus)
                voice = _Voice(stream.read, sound.output, 1.0)
            else:
                level = self.noises_db_spl[source.name] = sound.level_db_spl
                noise = _noise(source, trial, corpus)
                voice = _Voice(
                    lambda n, noise=noise: noise.read(n)[0], sound.output, float(pa_from_db_spl(level))
                )
            self._voices.append((channels.index(sound.output.channel), voice))

    @property
    def seconds(self) -> float:
        return self._samples / self._source_rate

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """(outputs, n) float32 at the bench's rate, full scale +/-1. Raises Clipped."""
        outputs, rate_hz = len(self._rig.audio.outputs), self._rig.audio.rate_hz
        converter = None
        if rate_hz != self._source_rate:
            converter = soxr.ResampleStream(
                self._source_rate, rate_hz, outputs, dtype="float32", quality="VHQ"
            )
        block, at = round(BLOCK_S * self._source_rate), 0
        while at < self._samples:
            n = min(block, self._samples - at)
            frames = np.zeros((n, outputs), np.float32)
            for channel, voice in self._voices:
                frames[:, channel] += voice.read(n)
            at += n
            if converter is not None:
                frames = converter.resample_chunk(frames, last=at >= self._samples)
            peak = float(np.max(np.abs(frames), initial=0.0))
            if peak > 1.0:
                over = 20.0 * math.log10(peak)
                raise Clipped(f"playback would clip by {over:.1f} dB at {at / self._source_rate:.1f} s")
            if len(frames):
                yield np.ascontiguousarray(frames.T)


class _Voice:
    """One source on one output. gain: Pa per unit of what `read` gives."""

    def __init__(self, read, output: Output, gain: float) -> None:
        full_scale_pa = math.sqrt(2.0) * float(pa_from_db_spl(output.full_scale_db_spl))
        self._read, self._gain = read, np.float32(gain / full_scale_pa)

    def read(self, samples: int) -> NDArray[np.float32]:
        return self._read(samples) * self._gain


def _open(source: MediaSpec, trial: Trial, corpus: Path | None) -> MediaStream:
    """The stream that the simulated bench plays from the same seed."""
    return open_media(
        source,
        seed=trial.seed_of("sources", source.name, "media"),
        rate_hz=trial.spec.device.audible.rate_hz,
        duration_s=trial.spec.duration_s,
        split=trial.spec.split,
        folder=corpus,
    )


def _noise(source: NoiseSpec, trial: Trial, corpus: Path | None) -> NoiseStream:
    return NoiseStream(
        source,
        channels=1,
        rate_hz=trial.spec.device.audible.rate_hz,
        seed=trial.seed_of("sources", source.name, "noise"),
        split=trial.spec.split,
        folder=corpus,
    )
