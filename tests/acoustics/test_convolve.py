import tracemalloc

import numpy as np
import pytest
from scipy.signal import fftconvolve

from lab.acoustics.convolve import FrameFilter, OverlapSave


class Source:
    """A stored signal, read piece by piece."""

    def __init__(self, signal):
        self.signal, self.position = signal, 0

    def __call__(self, n):
        self.position += n
        return self.signal[self.position - n : self.position]


def read_all(stream, sizes):
    return np.concatenate([stream.read(n) for n in sizes], axis=-1)


@pytest.fixture
def scene():
    rng = np.random.default_rng(3)
    filters = (rng.standard_normal((4, 1500)) * np.exp(-np.arange(1500) / 300.0)).astype(np.float32)
    return filters, rng.standard_normal(40000).astype(np.float32)


def test_is_the_convolution_without_delay(scene):
    filters, signal = scene
    heard = OverlapSave(filters, Source(signal)).read(20000)
    exact = fftconvolve(signal.astype(float)[None], filters.astype(float), axes=1)[:, :20000]
    error_db = 10.0 * np.log10(np.mean(np.square(heard - exact)) / np.mean(np.square(exact)))
    assert error_db < -120.0


@pytest.mark.parametrize("block", [1, 7, 160, 800, 4097, 16384])
def test_the_cut_into_blocks_changes_no_bit(scene, block):
    filters, signal = scene
    total = 3000 if block < 10 else 20000
    whole = OverlapSave(filters, Source(signal), frame=2048).read(total)
    sizes = [block] * (total // block) + [total % block]
    pieces = read_all(OverlapSave(filters, Source(signal), frame=2048), sizes)
    np.testing.assert_array_equal(pieces, whole)


def test_frame_length_changes_only_rounding(scene):
    filters, signal = scene
    short = OverlapSave(filters, Source(signal), frame=512).read(10000)
    long = OverlapSave(filters, Source(signal)).read(10000)
    np.testing.assert_allclose(short, long, atol=2e-5)


def test_a_source_that_ends_is_followed_by_its_reverberation_and_silence(scene):
    filters, _ = scene
    click = np.zeros(100, dtype=np.float32)
    click[0] = 1.0
    heard = OverlapSave(filters, Source(click)).read(5000)
    np.testing.assert_allclose(heard[:, :1500], filters, atol=1e-6)
    assert np.abs(heard[:, 1500:]).max() < 1e-6


def test_a_matrix_of_filters_mixes_its_inputs():
    rng = np.random.default_rng(5)
    filters, inputs = rng.standard_normal((2, 3, 64)), rng.standard_normal((3, 5000))
    stream = FrameFilter(filters, frame=500)
    heard = stream.process(inputs)[:, stream.latency :]
    exact = sum(fftconvolve(inputs[None, k], filters[:, k], axes=1) for k in range(3))
    np.testing.assert_allclose(heard, exact[:, : heard.shape[1]], atol=1e-4)


def test_memory_does_not_grow_with_the_length_of_the_stream(scene):
    filters, _ = scene
    block = np.ones(16000, dtype=np.float32)
    stream = OverlapSave(filters, lambda n: block[:n])
    for _ in range(5):
        stream.read(8000)
    tracemalloc.start()
    peaks = []
    for _ in range(2):
        tracemalloc.reset_peak()
        for _ in range(100):
            stream.read(8000)
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] <= peaks[0] * 1.05


def test_filters_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="taps"):
        FrameFilter(np.zeros(8))
