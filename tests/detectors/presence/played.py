"""What is played, a cone that follows it, and what that does to a carrier."""

import numpy as np
import scipy.signal

RATE, PLAYED, HOP = 4_000, 16_000, 200


def bass(seconds=12.0, seed=1):
    """Noise of 60 to 400 Hz, a tenth of full scale, at the playback's rate."""
    sos = scipy.signal.butter(2, (60.0, 400.0), "band", fs=PLAYED, output="sos")
    noise = scipy.signal.sosfilt(sos, np.random.default_rng(seed).standard_normal(round(seconds * PLAYED)))
    return (0.1 * noise / noise.std()).astype(np.float32)


def cone(playback, resonance_hz=170.0, q=1.1):
    """Displacement by a resonance of its own, RMS 1, at the envelope's rate, 4 ms late."""
    w = 2 * np.pi * resonance_hz
    b, a = scipy.signal.bilinear([w * w], [1.0, w / q, w * w], fs=PLAYED)
    moved = scipy.signal.lfilter(b, a, playback)
    return np.roll(moved, 64)[:: PLAYED // RATE] / moved.std()


def heard(moved, channels=4, radians=0.1, gain=1.0, seed=2):
    """Direct path, five echoes and noise at each microphone; the cone turns each by another amount."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for late, level in zip((0, 9, 17, 30, 55, 76), (1.0, 0.02, 0.015, 0.01, 0.01, 0.005), strict=True):
        weight = level * np.exp(2j * np.pi * rng.uniform(size=(channels, 1)))
        turn = radians * (rng.uniform(-1.0, 1.0, (channels, 1)) if late == 0 else 1.0)
        total = total + weight * np.roll(gain * np.exp(1j * turn * moved), late)
    noise = 1e-5 * rng.standard_normal((2, channels, len(moved)))
    return (0.05 * (total + noise[0] + 1j * noise[1])).astype(np.complex64)
