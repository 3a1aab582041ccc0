"""An echo made audible: what moves around a tone above hearing, laid where people hear it."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

RATE_HZ, MIDDLE_HZ, REACH_HZ = 4_000, 1_000.0, 900.0
STILL_S = 0.1  # what does not change within is the loudspeaker and the room
TOLD = f"Echo of the tone: what moves, laid around {MIDDLE_HZ / 1000:g} kHz; towards the device above, away from it below."


def envelope_of(
    samples: NDArray[np.floating], rate_hz: int, band_hz: tuple[float, float]
) -> NDArray[np.complexfloating]:
    """What a converter recorded, about the strongest tone within band_hz, at RATE_HZ.

    samples: (n,) at rate_hz, a multiple of RATE_HZ. Returns (n RATE_HZ / rate_hz,), complex.
    """
    ratio = rate_hz // RATE_HZ
    assert ratio * RATE_HZ == rate_hz, rate_hz
    if len(samples) < rate_hz // 10:
        return np.zeros(0, np.complex128)
    frequency_hz = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    within = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    strength = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) * within
    tone_hz = frequency_hz[np.argmax(strength)]
    turns = tone_hz / rate_hz * np.arange(len(samples))
    return scipy.signal.resample_poly(2.0 * samples * np.exp(-2j * np.pi * (turns % 1.0)), 1, ratio)


def audible_echo(envelope: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    """envelope: (n,) about the carrier at RATE_HZ, of one microphone. Returns (n,) at the same rate: its still part is taken out, what is
    within REACH_HZ of the carrier lies around MIDDLE_HZ."""
    if not len(envelope):
        return np.zeros(0, np.float32)
    moving = envelope - scipy.ndimage.uniform_filter1d(envelope, round(STILL_S * RATE_HZ), mode="nearest")
    taps = scipy.signal.firwin(101, REACH_HZ, fs=RATE_HZ)
    near = scipy.signal.oaconvolve(moving, taps, mode="same")
    turns = MIDDLE_HZ / RATE_HZ * np.arange(len(near))
    return np.real(near * np.exp(2j * np.pi * (turns % 1.0))).astype(np.float32)
