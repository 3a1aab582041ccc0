import numpy as np
import pytest

from rigs.audio.pilot import Pilot
from rigs.audio.spec import AudioSpec
from rigs.audio.watch import ExactWatch, Watch, clipped_runs

SPEC = AudioSpec(rate_hz=8000, outputs=2, inputs=2, pilot=Pilot(silence_s=0.1))


def noise(n=16_000, seed=0):
    return (1e-4 * np.random.default_rng(seed).standard_normal((2, n))).astype(np.float32)


def findings(signal, block=1000, spec=SPEC):
    watch = Watch(spec)
    for start in range(0, signal.shape[1], block):
        watch.feed(signal[:, start : start + block])
    return [str(one) for one in watch.findings(spec.rate_hz)]


@pytest.mark.parametrize("block", [1, 37, 64, 500, 1000, 16_000])
def test_a_silent_stretch_is_found_wherever_the_blocks_are_cut(block):
    signal = noise()
    signal[:, 4000:4200] = 0.0
    (found,) = findings(signal, block)
    assert "1 gaps without any noise, the first 199 samples long at 0.500 s" in found


def test_a_frozen_value_is_a_gap_too_and_so_is_one_at_the_end():
    signal = noise()
    signal[:, 8000:8100] = 0.25
    signal[:, -300:] = signal[:, -300:-299]
    (found,) = findings(signal)
    assert "2 gaps" in found


def test_silence_of_one_channel_is_no_gap():
    signal = noise()
    signal[0] = 0.0
    assert findings(signal) == []


def test_a_path_without_noise_may_be_silent():
    signal = noise()
    signal[:, :800] = 0.0
    signal[:, 4000:6000] = 0.0
    assert findings(signal) == []


def test_a_card_that_wakes_up_silent_is_no_gap():
    signal = noise()
    signal[:, :300] = 0.0
    assert findings(signal) == []


@pytest.mark.parametrize(("peak", "run", "clipped"), [(1.0, 3, 1), (-1.0, 5, 1), (1.0, 2, 0), (0.999, 9, 0)])
def test_three_samples_at_full_scale_are_clipping(peak, run, clipped):
    signal = np.zeros((2, 100), np.float32)
    signal[1, 50 : 50 + run] = peak
    assert clipped_runs(signal).tolist() == [0, clipped]


@pytest.mark.parametrize("size", [10, 64, 700])
def test_the_comparison_waits_for_the_lag_and_finds_one_wrong_sample(size):
    played = noise(5000)
    recorded = np.concatenate([np.zeros((2, 130), np.float32), played], axis=1)[:, :5000]
    recorded[1, 3130] += 1e-6
    watch = ExactWatch(SPEC)
    for start in range(0, 5000, size):
        if start >= 2000 and watch.compared == 0:
            watch.set_lag(130)
        watch.feed(recorded[:, start : start + size], played[:, start : start + size])
    assert watch.compared == 5000 - 130
    assert (watch.different, watch.first_different) == (1, 3000)
    assert "1 of 4870 samples" in str(watch.findings(8000)[0])
