"""What the device stage costs a signal processor: multiply-accumulates per hop of 100 ms, learnt numbers, bytes in int8.

    cycles a hop = MACs / MACS_PER_CYCLE <= CLOCK_HZ x SHARE x HOP_S = 2.0 million

Each learnt number of the network is used once a frame. An FFT of N points counts 5 N lg2(N) / 2 and a real one half of that; a complex
product counts 4. Two MACs a cycle is what audio processors of this class do in 32 bits; the network's, in 8 bits, run at four a cycle
and more. Groups of beeps are fitted only where a tone has just ended, and are not in the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.sound_events import tones
from detectors.sound_events.features import CHANNELS, FRAMES_PER_HOP, HOP, HOP_S, MELS, RATE_HZ, WINDOW
from detectors.sound_events.front_end import lowpass
from detectors.sound_events.network import EMBEDDING, INPUTS

CLOCK_HZ, SHARE = 400e6, 0.05
MACS_PER_CYCLE = 2
PARAMETERS = 300_000  # of base and heads together, at most
INT8_BYTES = 512 * 1024  # of their files
ENTRANCE, HIDDEN = 64, 32  # widths of the base's first layer and of a head's


@dataclass(frozen=True)
class Stage:
    """macs: per hop. parameters: learnt numbers."""

    name: str
    macs: int
    parameters: int = 0


def stages(input_hz: int, heads: int) -> tuple[Stage, ...]:
    """input_hz: rate of the microphone. heads: how many events are listened to."""
    rows = []
    if input_hz != RATE_HZ:
        rows.append(Stage("decimation", HOP * len(lowpass(input_hz))))
    mel = 2 * (WINDOW // 2) + 4 * CHANNELS * MELS  # two triangles hold each bin
    shown = tones.CHANNELS * 8
    rows += [
        Stage("log-mel", FRAMES_PER_HOP * (_spectrum(WINDOW) + mel)),
        _learned("base", _base(1), _base(0)),
        _learned(f"{heads} heads", heads * _head(1), heads * _head(0)),
        Stage("tones", tones.FRAMES_PER_HOP * (_spectrum(tones.WINDOW) + shown)),
        Stage("evidence", 100 * heads),
    ]
    return tuple(rows)


def macs(rows: tuple[Stage, ...]) -> int:
    return sum(row.macs for row in rows)


def parameters(rows: tuple[Stage, ...]) -> int:
    return sum(row.parameters for row in rows)


def share_of_clock(rows: tuple[Stage, ...]) -> float:
    """Of a processor of CLOCK_HZ, to be held against SHARE."""
    return macs(rows) / MACS_PER_CYCLE / HOP_S / CLOCK_HZ


def table(input_hz: int, heads: int) -> str:
    """Markdown: stage, MACs a hop, share of the clock, learnt numbers."""
    rows = stages(input_hz, heads)
    lines = ["| stage | MACs a hop | share of 400 MHz | learnt numbers |", "|---|---:|---:|---:|"]
    for row in rows:
        lines.append(f"| {row.name} | {row.macs:,} | {share_of_clock((row,)):.2%} | {row.parameters:,} |")
    lines.append(f"| in all | {macs(rows):,} | {share_of_clock(rows):.2%} | {parameters(rows):,} |")
    return "\n".join(lines)


def _learned(name: str, learnt: int, products: int) -> Stage:
    return Stage(name, FRAMES_PER_HOP * products, learnt)


def _base(biases: int) -> int:
    """A dense layer and two LSTM; an LSTM of ONNX has a bias of its input and one of its recurrence."""
    dense = INPUTS * ENTRANCE + biases * ENTRANCE
    recurrent = sum(4 * EMBEDDING * (width + EMBEDDING + 2 * biases) for width in (ENTRANCE, EMBEDDING))
    return dense + recurrent


def _head(biases: int) -> int:
    return EMBEDDING * HIDDEN + HIDDEN + biases * (HIDDEN + 1)


def _spectrum(points: int) -> int:
    """Window, real FFT, power."""
    return points + math.ceil(1.25 * points * math.log2(points)) + 2 * (points // 2)
