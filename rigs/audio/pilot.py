"""The pilot: a chirp at the head and the tail of every capture, by which it is aligned.

    quiet_s | silence_s | pilot | silence_s | body ... | silence_s | pilot | listen_s | quiet_s

A linear chirp of bandwidth B and length T has an autocorrelation of width 1/B and stands 10 log10(B T) dB above noise of
equal power: 34 dB for 0.25 fs and 0.1 s at 96 kHz. Its ends are tapered, so that a loudspeaker does not click.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pilot:
    """low, high: edges of the chirp as fractions of the sampling rate, 0 < low < high < 0.5; lower them where the
    loudspeaker ends lower. duration_s: of the chirp. silence_s: before and after it. level_dbfs: RMS of the chirp.
    listen_s: how late it may arrive. quiet_s: of nothing else at both ends, in which the background is heard."""

    low: float = 0.2
    high: float = 0.45
    duration_s: float = 0.1
    silence_s: float = 0.5
    listen_s: float = 0.5
    level_dbfs: float = -12.0
    quiet_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high < 0.5:
            raise ValueError(f"pilot edges {self.low} to {self.high}: allowed is 0 < low < high < 0.5")
        if (
            min(self.duration_s, self.silence_s, self.listen_s) <= 0.0
            or self.quiet_s < 0.0
            or self.level_dbfs > -3.1
        ):
            raise ValueError("pilot: durations must be positive and the level at most -3.1 dBFS")

    @property
    def around_s(self) -> float:
        """What a capture is longer than its body."""
        return 2.0 * self.quiet_s + 3.0 * self.silence_s + 2.0 * self.duration_s + self.listen_s

    def samples(self, rate_hz: int) -> int:
        return round(self.duration_s * rate_hz)

    def silence(self, rate_hz: int) -> int:
        return round(self.silence_s * rate_hz)

    def listen(self, rate_hz: int) -> int:
        return round(self.listen_s * rate_hz)

    def quiet(self, rate_hz: int) -> int:
        return round(self.quiet_s * rate_hz)

    def before(self, rate_hz: int) -> int:
        """Samples from the start of a capture to its first pilot."""
        return self.quiet(rate_hz) + self.silence(rate_hz)

    def chirp(self, rate_hz: int) -> NDArray[np.float32]:
        """The chirp, shape (samples,)."""
        return np.ascontiguousarray(self.analytic(rate_hz).real, dtype=np.float32)

    def analytic(self, rate_hz: int) -> NDArray[np.complex128]:
        """The chirp and its quadrature: correlating with it gives an envelope that knows no polarity."""
        n = self.samples(rate_hz)
        t = np.arange(n)
        phase = 2.0 * np.pi * (self.low * t + 0.5 * (self.high - self.low) / n * t**2)
        wave = scipy.signal.windows.tukey(n, 0.25) * np.exp(1j * phase)
        return wave * (10.0 ** (self.level_dbfs / 20.0) / np.sqrt(np.mean(np.square(wave.real))))

    def head(self, rate_hz: int, outputs: int, output: int) -> NDArray[np.float32]:
        """What is played before the body, shape (outputs, n); the pilot sounds on one output."""
        before, n = self.before(rate_hz), self.samples(rate_hz)
        played = np.zeros((outputs, before + n + self.silence(rate_hz)), np.float32)
        played[output, before : before + n] = self.chirp(rate_hz)
        return played

    def tail(self, rate_hz: int, outputs: int, output: int) -> NDArray[np.float32]:
        """What is played after the body, shape (outputs, n)."""
        silence, n = self.silence(rate_hz), self.samples(rate_hz)
        after = self.listen(rate_hz) + self.quiet(rate_hz)
        played = np.zeros((outputs, silence + n + after), np.float32)
        played[output, silence : silence + n] = self.chirp(rate_hz)
        return played
