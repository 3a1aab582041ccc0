"""The detector's statistic against the closed form, on a host that meets its assumptions.

White Gaussian blocks y[n, m] = s[n, m] a v[m] + e of K coefficients, r = a^2 / sigma^2, P = N (N - 1) / 2 pairs:

    d' = mean(T | mark) = r sqrt(P M K) / sqrt(1 + c),   sd(T | none) = 1

The unstudentised d' is r sqrt(P M K). Studentising divides by the data's own energy, whose mark part makes
E G^2 grow from K to K (1 + 2 r) + (r K)^2, so c = 2 r + r^2 K. Residual over 400 draws: below 2 %.
"""

import numpy as np
import pytest

from detectors.watermark.correlation import advance, lag_products
from detectors.watermark.key import load_named

KEY = load_named("reference")
SEGMENTS, BLOCKS, COEFFICIENTS = 16, 4, 384
PAIRS = SEGMENTS * (SEGMENTS - 1) // 2


def draws(r: float, count: int, seed: int) -> np.ndarray:
    """T of `count` marks, one vector a block, through the streaming kernel."""
    rng = np.random.default_rng(seed)
    scores = np.empty(count)
    for i in range(count):
        y = rng.standard_normal((SEGMENTS, BLOCKS, COEFFICIENTS))
        v = rng.standard_normal((BLOCKS, COEFFICIENTS))
        v *= np.sqrt(r * COEFFICIENTS) / np.linalg.norm(v, axis=1, keepdims=True)
        y += KEY.signs[:, :, None] * v
        frames = y.reshape(-1, COEFFICIENTS).astype(np.float32)
        ring, products = np.zeros_like(frames), np.zeros((len(frames), SEGMENTS), np.float32)
        for hop, frame in enumerate(frames):
            ring[hop] = frame
            scores[i] = advance(ring, products, hop, KEY.signs, 1, SEGMENTS - 1)
    return scores


@pytest.mark.parametrize("r_db", [-20.0, -17.0, -14.0])
def test_mean_score_follows_the_closed_form(r_db):
    r = 10 ** (r_db / 10)
    expected = r * np.sqrt(PAIRS * BLOCKS * COEFFICIENTS) / np.sqrt(1 + 2 * r + r**2 * COEFFICIENTS)
    assert draws(r, 400, seed=7).mean() == pytest.approx(expected, rel=0.02)


def test_without_a_mark_the_score_is_standard():
    scores = draws(0.0, 1000, seed=8)
    assert abs(scores.mean()) < 4 / np.sqrt(1000)
    assert scores.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * 1000))


def test_the_streaming_score_is_the_sum_over_all_pairs():
    rng = np.random.default_rng(11)
    y = rng.standard_normal((SEGMENTS, BLOCKS, 20))
    c = energy = 0.0
    for m in range(BLOCKS):
        gram = y[:, m] @ y[:, m].T
        for n in range(SEGMENTS):
            for other in range(n):
                c += KEY.signs[n, m] * KEY.signs[other, m] * gram[n, other]
                energy += gram[n, other] ** 2
    frames = y.reshape(-1, 20).astype(np.float32)
    ring, products = np.zeros_like(frames), np.zeros((len(frames), SEGMENTS), np.float32)
    for hop, frame in enumerate(frames):
        ring[hop] = frame
        score = advance(ring, products, hop, KEY.signs, 1, SEGMENTS - 1)
    assert score == pytest.approx(c / np.sqrt(energy), rel=1e-4)
    assert np.allclose(lag_products(frames, SEGMENTS, BLOCKS), products, atol=1e-4)
