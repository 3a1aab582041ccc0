"""Tones for procedural music: wavetable voices (bowed, blown, bass), plucked strings, and a small room.

Notes are rows [first sample, samples, frequency in Hz, gain], added into a buffer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.sources.kernels import kernel, noise_state, uniform

TABLE = 2048


@dataclass(frozen=True)
class Voice:
    """How a wavetable note behaves: times in s, vibrato in Hz and as a fraction of the pitch.

    roll_off: harmonic k has amplitude k**-roll_off, times a seeded unevenness. sustain: 0 plucked to 1 bowed.
    """

    roll_off: float
    attack_s: float
    decay_s: float
    sustain: float
    vibrato_hz: float = 5.5
    vibrato: float = 0.0
    odd_only: bool = False


def add_notes(
    out: NDArray[np.float32], notes: list[list[float]], voice: Voice, rate_hz: int, rng: np.random.Generator
) -> None:
    """Add wavetable notes; each starts bright and darkens with its decay."""
    if not notes:
        return
    table = np.array(notes, float)
    top = int(np.clip(0.45 * rate_hz / table[:, 2].max(), 1, 30))
    k = np.arange(1, top + 1)
    partials = k**-voice.roll_off * rng.uniform(0.4, 1.0, top)
    if voice.odd_only:
        partials[1::2] *= 0.08
    phases = rng.uniform(0, 2 * np.pi, top)
    turn = 2 * np.pi * np.arange(TABLE + 1) / TABLE
    waves = np.sin(np.outer(turn, k) + phases)
    bright, dark = waves @ partials, waves @ (partials / k)
    scale = 1.0 / np.sqrt(np.mean(bright**2))
    _add_notes(
        out, table, (bright * scale).astype(np.float32), (dark * scale).astype(np.float32), voice.attack_s,
        voice.decay_s, voice.sustain, voice.vibrato_hz, voice.vibrato, float(rate_hz), noise_state(rng),
    )  # fmt: skip


def add_plucks(
    out: NDArray[np.float32], notes: list[list[float]], damping: float, rate_hz: int, rng: np.random.Generator
) -> None:
    """Add plucked strings (Karplus and Strong, Computer Music Journal 7(2), 1983). damping: 0 to 1."""
    if notes:
        _add_plucks(out, np.array(notes, float), damping, float(rate_hz), noise_state(rng))


def add_room(out: NDArray[np.float32], wet: float, rate_hz: int) -> None:
    """Blur `out` in place with a small artificial room (four combs, one allpass; Schroeder 1962)."""
    delays = np.array([0.0297, 0.0371, 0.0411, 0.0437]) * rate_hz
    _add_room(out, wet, delays.astype(np.int64), int(0.005 * rate_hz))


@kernel
def _add_notes(out, notes, bright, dark, attack_s, decay_s, sustain, vibrato_hz, vibrato, rate_hz, state):
    for n in range(notes.shape[0]):
        first, length = int(notes[n, 0]), int(notes[n, 1])
        step, gain = TABLE * notes[n, 2] / rate_hz, notes[n, 3]
        release = max(1.0, min(0.08 * rate_hz, 0.5 * length))
        attack = max(1.0, attack_s * rate_hz)
        fall = np.exp(-1.0 / (decay_s * rate_hz))
        decay = 1.0
        position = TABLE * 0.5 * (1.0 + uniform(state))
        sway_step = 2.0 * np.pi * vibrato_hz * (1.0 + 0.1 * uniform(state)) / rate_hz
        sway = 0.0
        bend = 1.0
        for i in range(min(length, out.size - first)):
            if i & 31 == 0:  # vibrato moves slowly: update it 32 samples at a time
                bend = 1.0 + vibrato * np.sin(sway)
                sway += 32.0 * sway_step
            position += step * bend
            if position >= TABLE:
                position -= TABLE
            j = int(position)
            part = position - j
            b = bright[j] + part * (bright[j + 1] - bright[j])
            d = dark[j] + part * (dark[j + 1] - dark[j])
            decay *= fall
            envelope = sustain + (1.0 - sustain) * decay
            if i < attack:
                envelope *= i / attack
            if length - i < release:
                envelope *= (length - i) / release
            if first + i >= 0:
                out[first + i] += gain * envelope * (d + decay * (b - d))


@kernel
def _add_plucks(out, notes, damping, rate_hz, state):
    line = np.zeros(4096)
    for n in range(notes.shape[0]):
        first, length, gain = int(notes[n, 0]), int(notes[n, 1]), notes[n, 3]
        period = rate_hz / notes[n, 2] - 0.5
        size = min(4095, max(2, int(period)))
        part = period - size
        tune = (1.0 - part) / (1.0 + part)  # first-order allpass makes up the fraction of a sample
        soft = 0.0
        for k in range(size):
            soft += 0.6 * (uniform(state) - soft)
            line[k] = soft
        loss = 0.5 * (1.0 - 0.004 * damping)
        last = x1 = y1 = 0.0
        at = 0
        release = 0.02 * rate_hz
        for i in range(min(length, out.size - first)):
            x = loss * (line[at] + last)
            last = line[at]
            y = tune * x + x1 - tune * y1
            x1 = x
            y1 = y
            line[at] = y
            at += 1
            if at == size:
                at = 0
            end = min(1.0, (length - i) / release)
            if first + i >= 0:
                out[first + i] += gain * end * y


@kernel
def _add_room(out, wet, delays, ahead):
    combs = np.zeros((4, delays.max() + 1))
    passed = np.zeros(ahead + 1)
    at = np.zeros(4, np.int64)
    ap = 0
    for i in range(out.size):
        x = out[i]
        total = 0.0
        for k in range(4):
            y = combs[k, at[k]]
            combs[k, at[k]] = x + 0.77 * y
            at[k] += 1
            if at[k] == delays[k]:
                at[k] = 0
            total += y
        held = passed[ap]
        passed[ap] = 0.25 * total + 0.6 * held
        ap += 1
        if ap == ahead:
            ap = 0
        out[i] = x + wet * (held - 0.6 * passed[ap - 1])
