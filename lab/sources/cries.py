"""A dog that barks and a baby that cries: loud, pitched, and again and again, as alarms are, but never as steady.

bark: 0.07 to 0.25 s, pitch rises by a third and falls, 250 to 1100 Hz by size of the dog, half voice and half noise; one to eight
barks 0.25 to 0.8 s apart, then a while of nothing. cry: 0.6 to 2 s on 300 to 600 Hz, rising then falling, harmonics strong around 1 and
3 kHz, hoarse at times, with a gasp between two cries (a baby's cry has 400 to 500 Hz and lasts 1 to 1.5 s: Wasz-Hoeckert et al., The Infant Cry,
1968). Ranges beyond that are engineering choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.sources.draws import between
from lab.sources.steady import shaped

TOP_HZ = 7600.0
Cry = tuple[float, NDArray[np.float64]]  # what comes before it in s, its audio; loudest about 1


def dog(rng: np.random.Generator, rate_hz: int) -> Iterator[Cry]:
    """One dog, for ever."""
    pitch_hz, mouth_hz = between(rng, 250.0, 1100.0), between(rng, 600.0, 1800.0)
    length_s, every_s = between(rng, 0.07, 0.25), between(rng, 0.25, 0.8)
    rough = float(rng.uniform(0.2, 0.7))
    wait_s = 0.0
    while True:
        for _ in range(int(rng.integers(1, 9))):
            n = round(length_s * float(rng.uniform(0.8, 1.2)) * rate_hz)
            along = np.arange(n) / n
            hz = pitch_hz * math.exp(0.08 * rng.standard_normal()) * (1.0 + 0.3 * np.sin(np.pi * along))
            voice = _voice(hz, rate_hz, (mouth_hz, 2.4 * mouth_hz), rng)
            breath = shaped(
                rng, n, rate_hz, (100.0, mouth_hz, 4.0 * mouth_hz, TOP_HZ), (-18.0, 0.0, -9.0, -22.0)
            )
            audio = ((1.0 - rough) * voice + rough * breath) * np.sin(np.pi * along**0.6) ** 1.5
            yield wait_s, audio * math.exp(0.2 * rng.standard_normal())
            wait_s = max(0.05, every_s * float(rng.uniform(0.8, 1.3)) - n / rate_hz)
        wait_s = float(rng.uniform(0.8, 6.0))


def baby(rng: np.random.Generator, rate_hz: int) -> Iterator[Cry]:
    """One baby, for ever."""
    pitch_hz, hoarse = between(rng, 320.0, 560.0), float(rng.uniform(0.02, 0.25))
    formants = between(rng, 900.0, 1500.0), between(rng, 2600.0, 3800.0)
    while True:
        n = round(between(rng, 0.6, 2.0) * rate_hz)
        along = np.arange(n) / n
        arch = np.sin(np.pi * along ** float(rng.uniform(0.5, 0.9)))
        tremor = 0.02 * np.sin(2.0 * np.pi * float(rng.uniform(4.0, 9.0)) * np.arange(n) / rate_hz)
        hz = pitch_hz * math.exp(0.06 * rng.standard_normal()) * (0.85 + 0.3 * arch + tremor)
        breath = shaped(rng, n, rate_hz, (200.0, 1200.0, 4000.0, TOP_HZ), (-20.0, -3.0, 0.0, -8.0))
        loud = hoarse * (3.0 if rng.random() < 0.2 else 1.0)
        cry = (_voice(hz, rate_hz, formants, rng) + loud * breath) * np.minimum(1.0, 12.0 * along) * arch**0.5
        yield float(rng.uniform(0.05, 0.25)), cry * math.exp(0.15 * rng.standard_normal())
        m = round(float(rng.uniform(0.15, 0.4)) * rate_hz)
        gasp = shaped(rng, m, rate_hz, (200.0, 1500.0, 3500.0, TOP_HZ), (-20.0, -4.0, 0.0, -6.0))
        yield float(rng.uniform(0.02, 0.1)), 0.12 * gasp * np.hanning(m)


def _voice(
    hz: NDArray[np.float64], rate_hz: int, formants_hz: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Harmonics of a pitch that changes, (n,), loudest near two formants; unit RMS."""
    turn = 2.0 * np.pi * np.cumsum(hz) / rate_hz
    highest = min(TOP_HZ, 0.45 * rate_hz)
    out = np.zeros(len(hz))
    for k in range(1, max(2, int(highest / hz.max()) + 1)):
        at_hz = k * float(hz.mean())
        gain = sum(1.0 / (1.0 + ((at_hz - formant) / (0.35 * formant)) ** 2) for formant in formants_hz)
        out += (0.05 + gain) / math.sqrt(k) * np.sin(k * turn + float(rng.uniform(0.0, 2.0 * np.pi)))
    return out / max(1e-9, float(np.sqrt(np.mean(out**2))))
