"""Things that are struck: a short force upon a body with a few resonances.

A body answers an impulse with  p(t) = sum_k g_k exp(-t / tau_k) sin(2 pi f_k t), and a blow with that, convolved with the
force of its contact, one period of 1 - cos over the time of contact T (Hertz' law of contact gives nearly that shape). The
force has fallen by 6 dB at 1 / T and by 60 dB at about 8 / T: soft things sound dull on any body.

A thin plate of thickness h has  c_B = sqrt(E / (12 rho (1 - nu^2))) h  (m^2/s), and resonances
    simply supported, sides a and b: f_mn = (pi / 2) c_B (m^2 / a^2 + n^2 / b^2)
    free, a square of side s:        f_1 = 13.5 / (2 pi) c_B / s^2, then 1.45, 1.80, 2.60, 4.56, 4.80, 5.2 times that
A free bar has f_1 = 1.028 h / L^2 sqrt(E / rho), then 2.757, 5.404, 8.933, 13.34, 18.6 times that
(A. W. Leissa, Vibration of Plates, NASA SP-160, 1969; R. D. Blevins, Formulas for Natural Frequency and Mode Shape, 1979).

All is computed at 48 kHz whatever the rate of the trial, and brought to that rate with a sharp low-pass, so nothing
folds and a sound is the same at every rate.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled

RATE_HZ = 48_000
TOP_HZ = 21_000.0  # no body here rings above
FREE_PLATE = np.array([1.0, 1.45, 1.80, 2.60, 4.56, 4.80, 5.2])
FREE_BAR = np.array([1.0, 2.757, 5.404, 8.933, 13.34, 18.6])
SHORTEST_CONTACT_S = 2.0 / RATE_HZ
_GONE = 9.2  # decay times until -80 dB


def strike(
    out: NDArray[np.float64],
    at_s: ArrayLike,
    contact_s: ArrayLike,
    hz: ArrayLike,
    tau_s: ArrayLike,
    gain: ArrayLike,
) -> None:
    """Add blows to `out`, (samples,) at 48 kHz.

    at_s, contact_s: (S,), or one number for all; times of contact below two samples count as two. hz, tau_s, gain: (S, M), the
    resonances each blow excites, or (M,) for all; gain 0 for none. What begins after the end is not heard.
    """
    at = np.atleast_1d(np.asarray(at_s, dtype=np.float64))
    contact = np.maximum(
        np.broadcast_to(np.asarray(contact_s, dtype=np.float64), at.shape), SHORTEST_CONTACT_S
    )
    modes = np.atleast_2d(np.asarray(hz, dtype=np.float64)).shape[-1]
    wide = [np.ascontiguousarray(np.broadcast_to(a, (len(at), modes)), np.float64) for a in (hz, tau_s, gain)]
    _add(out, at, np.ascontiguousarray(contact), *wide)


@compiled
def _add(out, at_s, contact_s, hz, tau_s, gain):
    for s in range(at_s.size):
        first = math.ceil(at_s[s] * RATE_HZ)
        if first < 0 or first >= out.size:
            continue
        offset = first / RATE_HZ - at_s[s]
        pushed = int(contact_s[s] * RATE_HZ) + 2
        for m in range(hz.shape[1]):
            f, tau, g = hz[s, m], tau_s[s, m], gain[s, m]
            # Beyond 12 / T a contact excites 75 dB less than below 1 / T.
            if g == 0.0 or f <= 0.0 or f > TOP_HZ or f * contact_s[s] > 12.0:
                continue
            fall = math.exp(-1.0 / (tau * RATE_HZ))
            w = 2.0 * math.pi * f / RATE_HZ
            b, c = 2.0 * fall * math.cos(w), -fall * fall
            g *= fall * math.sin(w) / (contact_s[s] * RATE_HZ)
            y1, y2 = 0.0, 0.0
            last = min(out.size - first, pushed + int(_GONE * tau * RATE_HZ) + 1)
            # The recursion answers an impulse at once, the body a sample later: its sine begins at 0.
            for i in range(min(pushed, last)):
                t = (offset + (i - 1) / RATE_HZ) / contact_s[s]
                x = g * (1.0 - math.cos(2.0 * math.pi * t)) if 0.0 <= t < 1.0 else 0.0
                y = x + b * y1 + c * y2
                y2, y1 = y1, y
                out[first + i] += y
            for i in range(pushed, last):
                y = b * y1 + c * y2
                y2, y1 = y1, y
                out[first + i] += y


def supported_plate(bending_m2_s: float, a_m: float, b_m: float, most_hz: float) -> NDArray[np.float64]:
    """Resonances in Hz of a simply supported plate up to `most_hz`, rising; bending_m2_s: c_B above."""
    scale = math.pi / 2.0 * bending_m2_s
    m = np.arange(1, 2 + int(a_m * math.sqrt(most_hz / scale)))
    n = np.arange(1, 2 + int(b_m * math.sqrt(most_hz / scale)))
    found = scale * (m[:, None] ** 2 / a_m**2 + n[None] ** 2 / b_m**2)
    return np.sort(found[found <= most_hz])


def band_noise(rng: np.random.Generator, samples: int, hz: ArrayLike, db: ArrayLike) -> NDArray[np.float64]:
    """Gaussian noise of unit RMS at 48 kHz whose density follows `db` at `hz` (rising), straight over log frequency."""
    n = scipy.fft.next_fast_len(max(samples, 64), real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(n))
    frequency = np.maximum(np.arange(len(spectrum)) * (RATE_HZ / n), 1.0)
    level = np.interp(np.log(frequency), np.log(np.asarray(hz, dtype=np.float64)), db)
    level[frequency > TOP_HZ] = -200.0
    noise = scipy.fft.irfft(spectrum * 10.0 ** (level / 20.0), n)[:samples]
    return noise / max(1e-30, float(np.sqrt(np.mean(noise**2))))


def energy(audio: NDArray) -> float:
    """Sum of squares."""
    return float(np.dot(audio, audio))


def mixed(parts: list[tuple[NDArray[np.float64], float]]) -> NDArray[np.float64]:
    """Sum of sounds, each given its share of the energy; a silent one is left out."""
    out = np.zeros(max(len(audio) for audio, _ in parts))
    for audio, share in parts:
        if share > 0.0 and (held := energy(audio)) > 0.0:
            out[: len(audio)] += audio * math.sqrt(share / held)
    return out
