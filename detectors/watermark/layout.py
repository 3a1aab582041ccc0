"""What embedder and detector agree on besides the key: rate, band, block length and window.

A mark is N segments of M blocks. Block m carries the same noise vector in every segment; a key of
+/- signs turns some of them over. Everything happens at 16 kHz, whatever the host's rate.
"""

from __future__ import annotations

import numpy as np
from scipy.signal.windows import tukey

RATE_HZ = 16_000
BLOCK_SAMPLES = 512  # 32 ms
LOW_HZ = 500.0
HIGH_HZ = 6500.0
# Flat over half the block; without the taper a host's loud low end leaks over the whole band.
BLOCK_WINDOW = tukey(BLOCK_SAMPLES, 0.5).astype(np.float32)


def mark_samples(segments: int, blocks: int) -> int:
    """Length of one mark in samples at 16 kHz."""
    return segments * blocks * BLOCK_SAMPLES
