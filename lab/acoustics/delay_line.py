"""Delay lines: what a moving source sends along many paths, added up at the microphones.

A source at x(te) is heard at t = te + r(te) / c over each path, so each path is a delay that changes as the source moves:

    y_m(t) = sum_i G_i(r) s(te) / r,     r = |x(te) - x_mi|,   te + r / c = t

x_mi: image i of microphone m, which stands still (reciprocity), so nothing is mirrored again as the source moves. G_i: what
walls and air leave, by band; it is written in a few spectral shapes U_k, so that s is filtered once by each shape, and a
path is a sum of these with weights that change slowly. Times are solved every BLOCK samples and run straight between: at 1.5 m/s,
1 m away, 1e-6 m off at 16 kHz. Signals are held at four times their rate and read through four taps, cubic in the fraction.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lab.acoustics.compiled import fused

BLOCK = 32  # samples over which a delay is a straight line
OVERSAMPLING = 4
TAPS = 4
BAND = 0.95  # of half the rate: what the taps are fitted to
FASTEST_M_S = 2.5  # what the taps still reach within a block
BANK_TAPS = 512
LEAD = BANK_TAPS // 2  # samples by which the bank looks ahead


@cache
def farrow(mach: float) -> NDArray[np.float32]:
    """Coefficients c (TAPS, 4) of w_t(d) = sum_k c_tk d^k, the weight of sample t - 1 at the fraction d.

    Least squares of sum_t w_t(d) exp(jw(t - 1)) against exp(jwd) over the band that oversampling leaves (C. W. Farrow, A continuously
    variable digital delay element, 1988). Within a block d leaves 0 to 1 by half of what the delay changes at this mach:
    -67 dB of white noise at 1.6 m/s, -65 dB at 2.4 m/s.
    """
    overreach = 0.5 * OVERSAMPLING * BLOCK * mach
    w = np.linspace(0.0, BAND * np.pi / OVERSAMPLING, 60)[:, None]
    d = np.linspace(-overreach, 1.0 + overreach, 81)
    columns = [np.exp(1j * w * (t - 1)) * d**k for t in range(TAPS) for k in range(4)]
    matrix = np.stack([column.ravel() for column in columns], axis=1)
    wanted = np.exp(1j * w * d).ravel()
    found = np.linalg.lstsq(
        np.vstack([matrix.real, matrix.imag]), np.concatenate([wanted.real, wanted.imag]), rcond=None
    )[0]
    return found.reshape(TAPS, 4).astype(np.float32)


def shaping_bank(shapes: NDArray) -> NDArray[np.float32]:
    """Filters that shape a signal and oversample it, (K * OVERSAMPLING, BANK_TAPS), late by LEAD samples.

    shapes: (K, F), real spectra from 0 Hz to half the rate. Row k OVERSAMPLING + p gives the signal of shape k p / OVERSAMPLING
    of a sample later than row k OVERSAMPLING.
    """
    shapes = np.asarray(shapes, dtype=np.float64)
    length = 2 * (shapes.shape[1] - 1)
    turns = np.arange(shapes.shape[1]) / length
    at = np.arange(BANK_TAPS) - LEAD
    rows = []
    for shape in shapes:
        for phase in range(OVERSAMPLING):
            early = phase / OVERSAMPLING
            whole = scipy.fft.irfft(shape * np.exp(2j * np.pi * turns * early), length)
            inside = np.clip(1.0 - ((at + early) / LEAD) ** 2, 0.0, 1.0)
            rows.append(whole[at] * np.i0(8.0 * np.sqrt(inside)) / np.i0(8.0))
    return np.array(rows, dtype=np.float32)


@fused
def add_paths(out, window, held, course, lag, images, knots_per_m, start, end, taps, mixed):
    """Add to out (M, n) what all paths bring in n samples, a multiple of BLOCK. Returns False when the source is too fast.

    window: (K, OVERSAMPLING, held + n + spare), the shaped source; index `held` is emitted with the first sample of out.
    course: (3, J), where the source is every BLOCK samples; index `lag` is the moment of the first sample, J > lag + n / BLOCK + 1.
    images: (M, N, 3). knots_per_m: steps of the course that sound takes for a metre. start, end: (N, K), weights of the shapes at
    the first sample and just after the last. mixed: scratch, (OVERSAMPLING, longer than n by what Doppler and the spread of the
    microphones need).
    """
    channels, count = images.shape[0], images.shape[1]
    knots = out.shape[1] // BLOCK + 1
    distance = np.empty(course.shape[1])
    read = np.empty((channels, knots))
    gain = np.empty((channels, knots), dtype=np.float32)
    for i in range(count):
        low, high = np.inf, -np.inf
        for m in range(channels):
            if not _follow(read[m], gain[m], distance, course, lag, images[m, i], knots_per_m):
                return False
            low = min(low, read[m, 0])
            high = max(high, read[m, knots - 1])
        # Two samples on either side are for the taps.
        first = int(np.floor(low / OVERSAMPLING)) - 2
        length = int(np.ceil(high / OVERSAMPLING)) + 4 - first
        offset = held + first
        if length > mixed.shape[1] or offset < 0 or offset + length > window.shape[2]:
            return False
        begun = np.float32(low / OVERSAMPLING - first)
        _mix(mixed, window, offset, length, start[i], end[i], begun, out.shape[1])
        for m in range(channels):
            _read(out[m], mixed, first, read[m], gain[m], taps)
    return True


@fused
def _follow(read, gain, distance, course, lag, image, knots_per_m):
    """When what is heard every BLOCK samples was emitted, in samples of the window after its index `held`, times OVERSAMPLING; and 1 / r."""
    x, y, z = image[0], image[1], image[2]
    for j in range(len(distance)):
        dx, dy, dz = course[0, j] - x, course[1, j] - y, course[2, j] - z
        distance[j] = np.sqrt(dx * dx + dy * dy + dz * dz)
    for k in range(len(read)):
        # The parabola through three lengths of the course; each round leaves v / c of the error of the last.
        j = lag + k - int(distance[lag + k] * knots_per_m + 0.5)
        if j < 1 or j + 1 >= len(distance):
            return False
        r = middle = distance[j]
        slope = 0.5 * (distance[j + 1] - distance[j - 1])
        bend = 0.5 * (distance[j + 1] + distance[j - 1]) - middle
        u = 0.0
        for _ in range(3):
            u = (lag + k - j) - knots_per_m * r
            r = middle + u * (slope + u * bend)
        read[k] = (j - lag + u) * (OVERSAMPLING * BLOCK)
        gain[k] = 1.0 / r
    return True


@fused
def _mix(mixed, window, offset, length, start, end, begun, samples):
    """The sum of the shapes with weights that run straight from start to end over `samples`, `begun` samples after the first."""
    for p in range(OVERSAMPLING):
        row = mixed[p, :length]
        for k in range(len(start)):
            source = window[k, p, offset : offset + length]
            slope = np.float32((end[k] - start[k]) / samples)
            value = np.float32(start[k]) - slope * begun
            if k == 0:
                for n in range(length):
                    row[n] = (value + slope * np.float32(n)) * source[n]
            else:
                for n in range(length):
                    row[n] += (value + slope * np.float32(n)) * source[n]


@fused
def _read(out, mixed, first, read, gain, taps):
    """Add one path to out (n,), block by block, in steps of OVERSAMPLING and a little that is the Doppler shift."""
    a0, b0, c0, d0 = taps[0, 0], taps[0, 1], taps[0, 2], taps[0, 3]
    a1, b1, c1, d1 = taps[1, 0], taps[1, 1], taps[1, 2], taps[1, 3]
    a2, b2, c2, d2 = taps[2, 0], taps[2, 1], taps[2, 2], taps[2, 3]
    a3, b3, c3, d3 = taps[3, 0], taps[3, 1], taps[3, 2], taps[3, 3]
    width, signal = mixed.shape[1], mixed.reshape(-1)
    for b in range(len(read) - 1):
        step = (read[b + 1] - read[b]) / BLOCK - OVERSAMPLING
        at = read[b] - first * OVERSAMPLING
        # The fraction is within 0 to 1 at the middle of the block.
        base = int(np.floor(at + 0.5 * BLOCK * step))
        fraction, advance = np.float32(at - base), np.float32(step)
        level = gain[b]
        growth = (gain[b + 1] - level) / np.float32(BLOCK)
        # Unsigned, or each load is checked for counting from the end, three times slower.
        i0 = np.uint64((base - 1 & 3) * width + (base - 1 >> 2))
        i1 = np.uint64((base & 3) * width + (base >> 2))
        i2 = np.uint64((base + 1 & 3) * width + (base + 1 >> 2))
        i3 = np.uint64((base + 2 & 3) * width + (base + 2 >> 2))
        o = np.uint64(b * BLOCK)
        for k in range(BLOCK):
            n = np.uint64(k)
            u = fraction + advance * np.float32(k)
            w0 = a0 + u * (b0 + u * (c0 + u * d0))
            w1 = a1 + u * (b1 + u * (c1 + u * d1))
            w2 = a2 + u * (b2 + u * (c2 + u * d2))
            w3 = a3 + u * (b3 + u * (c3 + u * d3))
            heard = w0 * signal[i0 + n] + w1 * signal[i1 + n] + w2 * signal[i2 + n] + w3 * signal[i3 + n]
            out[o + n] += (level + growth * np.float32(k)) * heard
