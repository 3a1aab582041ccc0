"""Procedural audio that sounds like speech: no words, but its sources, resonances and rhythm.

A source-filter synthesiser after Klatt (1980): a glottal pulse train and noise pass a cascade of five
formant resonators, frication and bursts pass one of their own. Syllables (stops, fricatives, nasals,
liquids around a vowel) come at 3-6 a second in phrases with a falling pitch and pauses between them.
Everything follows from the seed; one seed is one speaker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from lab.sources.kernels import kernel, noise_state, uniform

FRAMES_PER_S = 400
SHELF_HZ = 2000.0  # stands in for the formants above the fifth, which lift what lies below them
# Formants 1-3 in Hz, averages of 33 men: Peterson and Barney, JASA 24 (1952) 175-184, table II.
VOWELS = np.array(
    [
        [270, 2290, 3010], [390, 1990, 2550], [530, 1840, 2480], [660, 1720, 2410], [730, 1090, 2440],
        [570, 840, 2410], [440, 1020, 2240], [300, 870, 2240], [640, 1190, 2390], [490, 1350, 1690],
    ],
    float,
)  # fmt: skip
STOPS = np.array(
    [[250, 800, 2200, 1200], [250, 1750, 2600, 4200], [250, 2000, 2300, 2200]], float
)  # last: burst
FRICATIVES = np.array(
    [[6200, 1800, 0.9], [3300, 1500, 1.0], [5200, 5000, 0.25], [5800, 4000, 0.2]]
)  # Hz, Hz, gain
LIQUIDS = np.array([[360, 1200, 2700], [330, 1100, 1550], [300, 700, 2200], [270, 2200, 2950]], float)
NASALS = np.array([[270, 1000, 2200], [270, 1600, 2500]], float)


@dataclass(frozen=True)
class Speaker:
    """Pitch in Hz, vocal tract scale (1: an average man), speed in syllables a second, and timbre."""

    f0_hz: float
    tract: float
    syllables_per_s: float
    open_quotient: float
    tilt_hz: float
    breath: float
    liveliness: float


def speaker(rng: np.random.Generator) -> Speaker:
    """Draw a voice: half low, half high, with a tract to match."""
    high = rng.random() < 0.5
    return Speaker(
        f0_hz=float(rng.uniform(165, 260) if high else rng.uniform(85, 150)),
        tract=float(rng.uniform(1.10, 1.25) if high else rng.uniform(0.93, 1.08)),
        syllables_per_s=float(rng.uniform(3.2, 6.0)),
        open_quotient=float(rng.uniform(0.45, 0.7)),
        tilt_hz=float(rng.uniform(3500, 12000)),
        breath=float(rng.uniform(0.02, 0.09)),
        liveliness=float(rng.uniform(0.08, 0.25)),
    )


def speech_like(seed: int, rate_hz: int, seconds: float) -> NDArray[np.float32]:
    """One speaker for `seconds`; float32, shape (samples,), peak 0.5, at any rate from 8 kHz up."""
    rng = np.random.default_rng(seed)
    voice = speaker(rng)
    samples = round(seconds * rate_hz)
    frames = int(np.ceil(seconds * FRAMES_PER_S)) + 2
    tracks = _tracks(_phones(rng, voice, seconds + 0.1), voice, rng, frames)
    out = np.empty(samples, np.float32)
    _synthesise(
        tracks, float(rate_hz), voice.open_quotient, voice.tilt_hz, voice.breath, noise_state(rng), out
    )
    out *= 0.5 / max(1e-9, float(np.max(np.abs(out))))
    return out


# A phone is [seconds, voicing, aspiration, frication, friction Hz, friction width Hz, F1, F2, F3, pitch factor]


def _phones(rng: np.random.Generator, voice: Speaker, seconds: float) -> list[list[float]]:
    phones: list[list[float]] = []
    length = 0.0
    while length < seconds:
        start = len(phones)
        count = int(rng.integers(4, 15))
        loud, question = rng.uniform(0.7, 1.0), rng.random() < 0.2
        for syllable in range(count):
            stressed = rng.random() < 0.4
            line = 1.12 - 0.28 * syllable / count + (voice.liveliness * rng.random() if stressed else 0.0)
            if question and syllable >= count - 2:
                line += 0.25
            slow = 1.5 if syllable == count - 1 else 1.25 if stressed else 0.85
            phones += _syllable(rng, slow / voice.syllables_per_s, loud * (1.0 if stressed else 0.7), line)
        phones.append([rng.uniform(0.12, 0.7), 0, 0.004, 0, 3000, 3000, 500, 1500, 2500, 1.0])
        length += sum(p[0] for p in phones[start:])
    return phones


def _syllable(rng: np.random.Generator, seconds: float, loud: float, pitch: float) -> list[list[float]]:
    vowel = VOWELS[rng.integers(len(VOWELS))]
    glide = VOWELS[rng.integers(len(VOWELS))] if rng.random() < 0.25 else vowel
    phones = _consonant(rng, vowel, loud, pitch)
    coda = _consonant(rng, vowel, 0.6 * loud, pitch) if rng.random() < 0.35 else []
    left = max(0.06, seconds - sum(p[0] for p in phones + coda))
    phones.append([0.6 * left, loud, 0.01, 0, 3000, 3000, *vowel, pitch])
    phones.append([0.4 * left, 0.85 * loud, 0.01, 0, 3000, 3000, *(0.4 * vowel + 0.6 * glide), pitch * 0.98])
    return phones + coda


def _consonant(rng: np.random.Generator, vowel: NDArray, loud: float, pitch: float) -> list[list[float]]:
    kind, voiced = rng.random(), rng.random() < 0.45
    if kind < 0.36:
        f1, f2, f3, burst = STOPS[rng.integers(3)]
        place = [f1, f2, f3, pitch]
        closure = [rng.uniform(0.035, 0.08), 0.06 * voiced, 0, 0, burst, 1500, *place]
        release = [rng.uniform(0.006, 0.014), 0.1 * voiced, 0.1, 0.8 * loud, burst, 1800, *place]
        tail = (
            []
            if voiced
            else [[rng.uniform(0.02, 0.05), 0, 0.35 * loud, 0, burst, 1500, f1 + 200, f2, f3, pitch]]
        )
        return [closure, release, *tail]
    if kind < 0.6:
        centre, width, gain = FRICATIVES[rng.integers(len(FRICATIVES))]
        gain *= loud * (0.5 if voiced else 0.8)
        seconds = rng.uniform(0.05, 0.09) if voiced else rng.uniform(0.07, 0.14)
        return [
            [
                seconds,
                0.35 * loud * voiced,
                0.01,
                gain,
                centre,
                width,
                350,
                0.5 * (vowel[1] + 1600),
                2500,
                pitch,
            ]
        ]
    if kind < 0.74:
        return [[rng.uniform(0.05, 0.09), 0.45 * loud, 0, 0, 3000, 3000, *NASALS[rng.integers(2)], pitch]]
    if kind < 0.9:
        return [[rng.uniform(0.04, 0.08), 0.65 * loud, 0, 0, 3000, 3000, *LIQUIDS[rng.integers(4)], pitch]]
    return [[rng.uniform(0.03, 0.06), 0, 0.3 * loud, 0, 3000, 3000, *vowel, pitch]] if kind < 0.95 else []


def _tracks(phones: list[list[float]], voice: Speaker, rng: np.random.Generator, frames: int) -> NDArray:
    """Phones to smooth controls at 400 frames a second; shape (frames, 9): pitch in Hz, three gains, the
    friction's centre and width, formants 1-3."""
    table = np.array(phones)
    ends = np.round(np.cumsum(table[:, 0]) * FRAMES_PER_S).astype(int)
    steps = np.repeat(table, np.diff(ends, prepend=0), axis=0)[:frames]
    out = np.empty((frames, 9))
    drift = uniform_filter1d(rng.standard_normal(frames), 60) * 0.12  # no voice holds a pitch
    out[:, 0] = voice.f0_hz * uniform_filter1d(uniform_filter1d(steps[:, 9], 36), 24) * (1.0 + drift)
    out[:, 1:3] = uniform_filter1d(uniform_filter1d(steps[:, 1:3], 7, axis=0), 5, axis=0)
    out[:, 3] = uniform_filter1d(steps[:, 3], 3)
    out[:, 4:6] = steps[:, 4:6]
    # Formants glide: coarticulation takes some 50 ms.
    out[:, 6:9] = voice.tract * uniform_filter1d(uniform_filter1d(steps[:, 6:9], 18, axis=0), 12, axis=0)
    return out


@kernel
def _resonator(centre_hz, width_hz, rate_hz):
    """Klatt's two-pole resonator: y = a x + b y1 + c y2 with unit gain at 0 Hz."""
    r = np.exp(-np.pi * width_hz / rate_hz)
    b = 2.0 * r * np.cos(2.0 * np.pi * min(centre_hz, 0.48 * rate_hz) / rate_hz)
    c = -r * r
    return 1.0 - b - c, b, c


@kernel
def _synthesise(tracks, rate_hz, open_quotient, tilt_hz, breath, state, out):
    a, b, c = np.zeros(5), np.zeros(5), np.zeros(5)
    y1, y2 = np.zeros(5), np.zeros(5)
    widths = np.array([70.0, 95.0, 140.0, 250.0, 320.0])
    top = np.array([3500.0, 4700.0])  # formants 4 and 5 hardly move
    fb = fc = fg = f1 = f2 = 0.0
    tilt = np.exp(-2.0 * np.pi * tilt_hz / rate_hz)
    shelf = 1.0 - np.exp(-2.0 * np.pi * SHELF_HZ / rate_hz)
    phase, shimmer, jitter, source, low = 0.0, 1.0, 1.0, 0.0, 0.0
    tract = tracks[0, 8] / 2500.0
    frame = -1
    for i in range(out.size):
        position = i * (FRAMES_PER_S / rate_hz)
        now = int(position)
        part = position - now
        if now != frame:
            frame = now
            for k in range(3):
                a[k], b[k], c[k] = _resonator(tracks[now, 6 + k], widths[k], rate_hz)
            for k in range(2):
                a[3 + k], b[3 + k], c[3 + k] = _resonator(top[k] * max(tract, 0.9), widths[3 + k], rate_hz)
            _, fb, fc = _resonator(tracks[now, 4], tracks[now, 5], rate_hz)
            # White noise through it keeps about its power whatever the width.
            fg = np.sqrt(max(1e-6, 1.0 - np.exp(-2.0 * np.pi * tracks[now, 5] / rate_hz))) * 0.4
        nxt = min(now + 1, tracks.shape[0] - 1)
        pitch = tracks[now, 0] + part * (tracks[nxt, 0] - tracks[now, 0])
        voiced = tracks[now, 1] + part * (tracks[nxt, 1] - tracks[now, 1])
        hiss = tracks[now, 2] + part * (tracks[nxt, 2] - tracks[now, 2])
        friction = tracks[now, 3] + part * (tracks[nxt, 3] - tracks[now, 3])
        phase += pitch * jitter / rate_hz
        if phase >= 1.0:
            phase -= 1.0
            jitter = 1.0 + 0.012 * uniform(state)
            shimmer = 1.0 + 0.06 * uniform(state)
        # Derivative of the flow t^2 - t^3 while the glottis is open: rises, then shuts at once.
        pulse = 0.0
        opening = phase / open_quotient
        if opening < 1.0:
            pulse = shimmer * (2.0 * opening - 3.0 * opening * opening)
        noise = uniform(state)
        source = (1.0 - tilt) * (voiced * pulse) + tilt * source
        x = source + noise * (0.0004 + hiss * 0.25 + voiced * breath * (1.0 if opening < 1.0 else 0.3))
        for k in range(5):
            y = a[k] * x + b[k] * y1[k] + c[k] * y2[k]
            y2[k] = y1[k]
            y1[k] = y
            x = y
        f = fg * noise * friction + fb * f1 + fc * f2
        f2 = f1
        f1 = f
        low += shelf * (x - low)
        out[i] = x + 2.0 * (x - low) + 0.8 * (f - 0.6 * f2)
