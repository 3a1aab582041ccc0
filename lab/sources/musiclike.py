"""Procedural audio that sounds like music: key, chords, bass, melody, strings and drums, all from a seed.

One seed is one piece. Pieces differ in tempo, mode, instruments and density; some have no drums. Timing
and loudness are human: no two bars are the same to the sample, as they are in `clicks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.sources.drums import add_hits, bar_pattern, kit
from lab.sources.instruments import Voice, add_notes, add_plucks, add_room

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
# Degrees of the scale, one chord a bar: turns that much popular and older music is built on.
PROGRESSIONS = (
    (0, 4, 5, 3),
    (0, 5, 3, 4),
    (0, 3, 4, 0),
    (5, 3, 0, 4),
    (0, 3, 0, 4),
    (1, 4, 0, 0),
    (0, 2, 3, 4),
)
STRINGS = Voice(roll_off=1.1, attack_s=0.09, decay_s=1.5, sustain=0.8, vibrato=0.004)
REED = Voice(roll_off=1.0, attack_s=0.03, decay_s=0.6, sustain=0.7, vibrato=0.003, odd_only=True)
BRASS = Voice(roll_off=0.8, attack_s=0.045, decay_s=0.5, sustain=0.75, vibrato=0.003)
KEYS = Voice(roll_off=1.3, attack_s=0.004, decay_s=0.7, sustain=0.0)
BASS = Voice(roll_off=1.4, attack_s=0.01, decay_s=0.5, sustain=0.35)


@dataclass(frozen=True)
class Piece:
    """What stays the same through a piece. root: MIDI note of the key's tonic, around 48."""

    beat_s: float
    root: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]
    drummed: bool
    plucked: bool
    bowed: bool
    lead: Voice
    swing: float


def compose(rng: np.random.Generator) -> Piece:
    drummed = bool(rng.random() < 0.65)
    plucked = bool(rng.random() < 0.6)
    return Piece(
        beat_s=60.0 / float(rng.uniform(68, 148)),
        root=int(rng.integers(43, 55)),
        scale=MAJOR if rng.random() < 0.6 else MINOR,
        chords=PROGRESSIONS[rng.integers(len(PROGRESSIONS))],
        drummed=drummed,
        plucked=plucked,
        bowed=bool(rng.random() < 0.6) or not (drummed or plucked),
        lead=(REED, BRASS, KEYS, STRINGS)[rng.integers(4)],
        swing=float(rng.choice([0.0, 0.0, 0.12])),
    )


def music_like(seed: int, rate_hz: int, seconds: float) -> NDArray[np.float32]:
    """One piece for `seconds`; float32, shape (samples,), peak 0.5, at any rate from 8 kHz up."""
    rng = np.random.default_rng(seed)
    piece = compose(rng)
    out = np.zeros(round(seconds * rate_hz), np.float32)
    bar = 4 * piece.beat_s
    bars = int(np.ceil(seconds / bar)) + 1
    lead_in = float(rng.uniform(0, bar))  # a listener may come in anywhere
    starts = [i * bar - lead_in for i in range(bars)]
    chords = [_chord(piece, piece.chords[i % len(piece.chords)]) for i in range(bars)]
    add_notes(out, _notes(_bass(rng, piece, chords, starts), rate_hz, 0.34), BASS, rate_hz, rng)
    if piece.bowed:
        held = [
            (t + 0.01 * rng.random(), bar * 1.02, note)
            for t, c in zip(starts, chords, strict=True)
            for note in c
        ]
        add_notes(out, _notes(held, rate_hz, 0.09), STRINGS, rate_hz, rng)
    if piece.plucked:
        add_plucks(
            out, _notes(_arpeggio(rng, piece, chords, starts), rate_hz, 0.5), rng.uniform(0, 1), rate_hz, rng
        )
    add_notes(out, _notes(_melody(rng, piece, chords, starts), rate_hz, 0.22), piece.lead, rate_hz, rng)
    if piece.drummed:
        add_hits(out, _drumming(rng, piece, starts, rate_hz), kit(rng), rate_hz, rng)
    add_room(out, float(rng.uniform(0.08, 0.3)), rate_hz)
    out *= 0.5 / max(1e-9, float(np.max(np.abs(out))))
    return out


Played = tuple[float, float, float]  # start in s, duration in s, MIDI note


def _notes(played: list[Played], rate_hz: int, gain: float) -> list[list[float]]:
    return [
        [round(t * rate_hz), round(d * rate_hz), 440.0 * 2 ** ((m - 69) / 12), gain] for t, d, m in played
    ]


def _pitch(piece: Piece, degree: int) -> int:
    octave, step = divmod(degree, len(piece.scale))
    return piece.root + 12 * octave + piece.scale[step]


def _chord(piece: Piece, degree: int) -> list[int]:
    return [_pitch(piece, degree + third) for third in (0, 2, 4)]


def _bass(
    rng: np.random.Generator, piece: Piece, chords: list[list[int]], starts: list[float]
) -> list[Played]:
    steps = [(0, 2), (2, 2)] if rng.random() < 0.5 else [(0, 1), (1, 1), (2, 1), (3, 1)]
    return [
        (
            t + beat * piece.beat_s + 0.006 * rng.random(),
            0.92 * beats * piece.beat_s,
            chord[0 if beat < 2 else 2] - 12,
        )
        for t, chord in zip(starts, chords, strict=True)
        for beat, beats in steps
    ]


def _arpeggio(
    rng: np.random.Generator, piece: Piece, chords: list[list[int]], starts: list[float]
) -> list[Played]:
    order = rng.permutation([0, 1, 2, 1, 2, 0, 1, 2])
    played = []
    for t, chord in zip(starts, chords, strict=True):
        for i, which in enumerate(order):
            late = piece.swing * piece.beat_s * (i % 2) + 0.008 * rng.random()
            played.append((t + 0.5 * i * piece.beat_s + late, 1.6 * piece.beat_s, chord[which] + 12))
    return played


def _melody(
    rng: np.random.Generator, piece: Piece, chords: list[list[int]], starts: list[float]
) -> list[Played]:
    degree, played = 14, []
    for t, chord in zip(starts, chords, strict=True):
        beat = 0.0
        while beat < 4.0:
            beats = float(min(rng.choice([0.5, 0.5, 1.0, 1.0, 1.5, 2.0]), 4.0 - beat))
            if rng.random() > 0.18:
                degree = int(np.clip(degree + rng.integers(-2, 3), 9, 20))
                # Strong beats fall on the chord, as a tune's do.
                note = chord[rng.integers(3)] + 12 if beat == 0.0 else _pitch(piece, degree)
                played.append(
                    (t + beat * piece.beat_s + 0.01 * rng.random(), 0.95 * beats * piece.beat_s, note)
                )
            beat += beats
    return played


def _drumming(rng: np.random.Generator, piece: Piece, starts: list[float], rate_hz: int) -> list[tuple]:
    pattern = bar_pattern(rng)
    hits = []
    for t in starts:
        for step, drum, velocity in pattern:
            late = piece.swing * piece.beat_s * 0.5 * (step % 2) + 0.004 * rng.standard_normal()
            loud = velocity * rng.uniform(0.8, 1.0) * 0.6
            hits.append((round((t + step * piece.beat_s / 4 + late) * rate_hz), drum, loud))
    return hits
