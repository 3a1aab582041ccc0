"""Self-correlation of a stream under a key, one step a hop, at constant cost.

With block vectors y[n, m] (N segments, M blocks, K coefficients) and Gram entries
G_m[n, n'] = <y[n, m], y[n', m]>:

    C = sum_m sum_{n < n'} s[n, m] s[n', m] G_m[n, n'],      T = C / sqrt(sum_m sum_{n < n'} G_m[n, n']^2)

Over random keys, given the audio, T has mean 0 and variance 1 whatever the audio is. An entry depends on
a frame and its lag only, so every hop computes N - 1 new products and looks the others up.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> np.float32:
    total = np.float32(0.0)
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy")
def advance(
    vectors: NDArray[np.float32],
    products: NDArray[np.float32],
    hop: int,
    signs: NDArray[np.int8],
    hops_per_block: int,
    longest_lag: int,
) -> float:
    """Take the frame of hop `hop` into account and return T of the mark that would end with it.

    vectors: ring, shape (ring, K), row hop % ring holds the newest frame. products: ring, shape (ring, N),
    column j holds the product of a frame with the one j segments before. longest_lag: segments; pairs
    further apart are left out. Rows of frames before the session are zero.
    """
    ring = vectors.shape[0]
    segments, blocks = signs.shape
    segment_hops = blocks * hops_per_block
    newest = hop % ring
    for j in range(1, longest_lag + 1):
        products[newest, j] = _dot(vectors[newest], vectors[(hop - j * segment_hops) % ring])
    correlation = 0.0
    energy = 0.0
    for n in range(1, segments):
        for m in range(blocks):
            age = ((segments - 1 - n) * blocks + (blocks - 1 - m)) * hops_per_block
            row = (hop - age) % ring
            for j in range(1, min(n, longest_lag) + 1):
                product = float(products[row, j])
                correlation += signs[n, m] * signs[n - j, m] * product
                energy += product * product
    if energy > 0.0:
        return correlation / np.sqrt(energy)
    return 0.0


@njit(cache=True, error_model="numpy")
def lag_products(vectors: NDArray[np.float32], segments: int, segment_hops: int) -> NDArray[np.float32]:
    """All products of a whole recording at once: entry [hop, j] of a frame with the one j segments before."""
    out = np.zeros((vectors.shape[0], segments), np.float32)
    for hop in range(vectors.shape[0]):
        for j in range(1, min(segments - 1, hop // segment_hops) + 1):
            out[hop, j] = _dot(vectors[hop], vectors[hop - j * segment_hops])
    return out
