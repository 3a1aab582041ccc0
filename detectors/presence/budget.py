"""What the detector costs a signal processor: multiply-accumulates per hop of 50 ms, stage by stage, and bytes of weights.

    cycles a hop = MACs / MACS_PER_CYCLE <= CLOCK_HZ x SHARE x HOP_S = 2.0 million

A complex product counts 4, a complex times a real 2, an FFT of N points 5 N lg2(N) / 2 (half of its 5 N lg2 N operations are
sums). Two MACs a cycle is what audio processors of this class do in 32 bits; the network's, in 8 bits, run at four a cycle and more.
Products of 32 bits may be summed in the wider accumulators of such processors, but a factorisation of what is loaded by 1e-7 takes numbers
of 64 bits: its MACs are told apart, with the cycles that each may take where all the rest is done at two a cycle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.presence import alignment, distortion, features
from detectors.presence.front_end import HOP_S, RATE_HZ, lowpass
from detectors.presence.lines import FAR, MOST, NEAR

CLOCK_HZ, SHARE = 400e6, 0.10
MACS_PER_CYCLE = 2
WEIGHTS_BYTES = 256 * 1024
PARAMETERS = 200_000
PLAYBACK_HZ = 48_000


@dataclass(frozen=True)
class Stage:
    """macs: per hop, a mean. playing: whether it runs only while the device plays. more: in the hop that costs most. wide: in 64 bits."""

    name: str
    macs: int
    playing: bool = False
    more: int = 0
    wide: int = 0


def stages(channels: int, input_hz: int | None, parameters: int) -> tuple[Stage, ...]:
    """channels: M. input_hz: rate of the converter, None for a baseband. parameters: of the network, each used once a hop."""
    n = round(HOP_S * RATE_HZ)
    far, near = _fft(FAR.hops * n), _fft(NEAR.hops)
    rows = []
    if input_hz is not None:
        taps = len(lowpass(input_hz, RATE_HZ))
        rows.append(Stage("front end", channels * n * (2 * taps + 4)))
    rows += [
        Stage("hearing", channels * n * 2),
        Stage(
            "distortion removal",
            _distortion(channels, n),
            playing=True,
            more=_rest(_look(1 + 2 * channels, n), alignment.EVERY_HOPS),
            wide=_solved(2 * channels),
        ),
        Stage("clutter filter", channels * n * 8),
        Stage(
            "lines",
            channels * (n * 8 * MOST + far // FAR.step + n + near // NEAR.step),
            more=channels * (_rest(far, FAR.step) + _rest(near, NEAR.step)),
        ),
        Stage("Doppler map", _map(channels, n)),
        Stage("classifier", parameters),
        Stage("context and power", 50),
    ]
    return tuple(rows)


def macs(rows: tuple[Stage, ...], playing: bool = True) -> int:
    return sum(row.macs for row in rows if playing or not row.playing)


def worst(rows: tuple[Stage, ...]) -> int:
    """Of the hop in which all comes together that is done only now and then, while something plays."""
    return sum(row.macs + row.more for row in rows)


def share_of_clock(count: int) -> float:
    """Of so many MACs a hop: of a processor of CLOCK_HZ, to be held against SHARE."""
    return count / MACS_PER_CYCLE / HOP_S / CLOCK_HZ


def cycles_left(count: int, wide: int) -> float:
    """For each of the `wide` MACs of 64 bits among so many in all, within SHARE."""
    return (SHARE * CLOCK_HZ * HOP_S - (count - wide) / MACS_PER_CYCLE) / wide


def _fft(count: int) -> int:
    return math.ceil(2.5 * count * math.log2(count))


def _distortion(channels: int, n: int) -> int:
    """Playback brought to the envelope's rate; least squares once a hop: products of all columns (half, they are symmetric), a
    factorisation; what is found by the learnt weights, and by those of this hop and the last in what goes on; microphones against
    each other: two covariances, and each time what is left; whether microphones and playback are together."""
    columns = sum(len(lags) for lags in distortion.LAGS)
    outputs = 2 * channels
    playback = n * len(distortion._below(PLAYBACK_HZ, RATE_HZ))
    products = columns * (columns + 1) // 2 * n + columns * outputs * n
    found = 3 * columns * outputs * n
    against = 5 * outputs**2 * n
    return (
        playback
        + products
        + _solved(outputs)
        + found
        + against
        + 20 * outputs * n
        + _alignment(1 + outputs, n)
    )


def _solved(outputs: int) -> int:
    columns = sum(len(lags) for lags in distortion.LAGS)
    return columns**3 // 6 + columns**2 * outputs


def _alignment(rows: int, n: int) -> int:
    """Means of a few samples in every hop, and every now and then a look."""
    return rows * n // alignment.STEP + _look(rows, n) // alignment.EVERY_HOPS


def _look(rows: int, n: int) -> int:
    """A window, transforms there and back, and products of spectra."""
    count = alignment.WINDOW_HOPS * n // alignment.STEP
    size = count + round(alignment.REACH_S * RATE_HZ / alignment.STEP)
    return rows * (2 * count + _fft(size) + 4 * size)


def _rest(count: int, every: int) -> int:
    """Of what is done at once in one hop of so many, beyond its mean."""
    return count - count // every


def _map(channels: int, n: int) -> int:
    frames = (
        _fft(features._FRAME) + 2 * features._FRAME + _fft(features._SLOW_FRAME) + 2 * features._SLOW_FRAME
    )
    decimated = n // features._STEP * 2 * 80
    flicker = _fft(features._FLICKER_FRAME) // 2
    pairs = channels * (features._FRAME + features._SLOW_FRAME) * 4
    return channels * (frames + decimated + 10 * n) + flicker + pairs + 20 * features.BANDS


def table(channels: int, input_hz: int | None, parameters: int) -> str:
    """Markdown: stage, MACs a hop, share of the clock."""
    rows = stages(channels, input_hz, parameters)
    lines = ["| stage | MACs a hop | share of 400 MHz |", "|---|---:|---:|"]
    for row in rows:
        note = " (while playing)" if row.playing else ""
        lines.append(_line(row.name + note, row.macs))
    lines.append(_line("in all, silent", macs(rows, playing=False)))
    lines.append(_line("in all, playing", macs(rows)))
    lines.append(_line("the hop that costs most, playing", worst(rows)))
    wide = sum(row.wide for row in rows)
    most = tuple(cycles_left(count, wide) for count in (macs(rows), worst(rows)))
    said = (
        f"All at two MACs a cycle. The factorisation in the removal of distortion, {wide:,} of them, takes 64 bits: within {SHARE:.0%} each of these "
        f"may take {most[0]:.1f} cycles, {most[1]:.1f} in the hop that costs most, which needs a processor with a unit for such numbers."
    )
    return "\n".join([*lines, "", said])


def _line(name: str, count: int) -> str:
    return f"| {name} | {count:,} | {share_of_clock(count):.2%} |"
