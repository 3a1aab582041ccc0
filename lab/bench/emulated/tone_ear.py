"""Which tone a loudspeaker is fed, and how loud: its carrier and envelope out of the samples.

    x[n] = Re{S[n] exp(j w n)}   ->   w from  sum x[n] (x[n-1] + x[n+1]) = 2 cos w  sum x[n]^2,   S = 2 low-pass(x exp(-j w n))

A room is rendered about each carrier as a narrow band, so the twin must know it; samples of software hold no noise, and a frame of
10 ms gives it within 0.1 Hz also while the tone is ramped (rounded to whole Hz). One tone at a time: a bench lets one die away
before the next begins.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.emission import EmittedTone
from lab.acoustics.ultrasonic.filters import Oscillator, low_pass
from lab.acoustics.ultrasonic.passband import PASS, TONE_DB, TONE_TAPS

LOWEST_HZ = 25_000.0  # what lies lower is sound
SILENCE = 1e-14  # mean square of a frame that holds no tone
SAME_HZ = 5.0


class ToneEar:
    """rate_hz: of the samples. scene_rate_hz: of the envelopes, a divisor of it. pa: pressure at 1 m of a sample of 1.0.

    Takes the place of an `Emitter` in an ultrasonic scene: what was heard is what is emitted. Envelopes are `latency` samples late.
    """

    def __init__(self, rate_hz: int, scene_rate_hz: int, pa: float) -> None:
        self.rate_hz, self.ratio, self._pa = rate_hz, rate_hz // scene_rate_hz, pa
        edge = PASS * scene_rate_hz
        taps = TONE_TAPS * self.ratio
        self._low_pass = 2.0 * low_pass(rate_hz, edge, scene_rate_hz - edge, taps, TONE_DB)
        self.latency = taps // 2
        self._tones: dict[float, _Tone] = {}
        self._carrier_hz = 0.0
        self._at = 0
        self._heard: list[tuple[EmittedTone, ...]] = []

    def hear(self, samples: NDArray[np.float32]) -> bool:
        """The next frame, (n,) full scale, n a multiple of `ratio`; whether it holds a tone above hearing."""
        x = samples.astype(np.float64)
        found = carrier_of(x, self.rate_hz)
        if found is not None and abs(found - self._carrier_hz) > SAME_HZ:
            self._carrier_hz = float(round(found))
            self._tones.setdefault(
                self._carrier_hz, _Tone(Oscillator(self._carrier_hz, self.rate_hz), len(self._low_pass))
            )
        self._heard.append(
            tuple(
                EmittedTone(
                    carrier,
                    self._pa * self._envelope(tone, x if carrier == self._carrier_hz else None, len(x)),
                    False,
                )
                for carrier, tone in self._tones.items()
            )
        )
        self._at += len(x)
        return found is not None

    def read(self, samples: int) -> tuple[EmittedTone, ...]:
        """The envelopes of the oldest frame that has not been read; `samples` must be what it holds."""
        tones = self._heard.pop(0)
        assert all(len(tone.pressure_pa) == samples for tone in tones)
        return tones

    def _envelope(self, tone: _Tone, x: NDArray[np.float64] | None, count: int) -> NDArray[np.complex128]:
        """S at the scene's rate, (count / ratio,); x: None while another tone sounds."""
        if x is None and not tone.history.any():
            return np.zeros(count // self.ratio, np.complex128)
        mixed = (
            np.zeros(count, np.complex128)
            if x is None
            else x * np.conj(tone.oscillator.read(self._at, count))
        )
        whole = np.concatenate([tone.history, mixed])
        tone.history = whole[count:]
        first = len(tone.history)
        return scipy.signal.upfirdn(self._low_pass, whole, 1, self.ratio)[first // self.ratio :][
            : count // self.ratio
        ]


class _Tone:
    """One carrier that was ever heard: its oscillator, and the last mixed samples."""

    def __init__(self, oscillator: Oscillator, taps: int) -> None:
        self.oscillator = oscillator
        self.history = np.zeros(taps, np.complex128)


def carrier_of(x: NDArray[np.float64], rate_hz: int) -> float | None:
    """Frequency in Hz of the one tone in a frame (n,), None where there is none above hearing."""
    power = float(x[1:-1] @ x[1:-1])
    if power <= SILENCE * len(x):
        return None
    cosine = float(x[1:-1] @ (x[:-2] + x[2:])) / (2.0 * power)
    found = math.acos(min(1.0, max(-1.0, cosine))) * rate_hz / (2.0 * math.pi)
    return found if found >= LOWEST_HZ else None
