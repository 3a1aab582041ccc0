import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.audio.alignment import Alignment, find_pilot, judge
from rigs.audio.pilot import Pilot
from rigs.audio.spec import AudioSpec

RATE_HZ = 48_000
PILOT = Pilot(duration_s=0.05)


def delayed(signal, delay, n):
    """The signal, `delay` samples late (any fraction), by its spectrum."""
    size = 4 * n
    spectrum = np.fft.rfft(signal, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delay)
    return np.fft.irfft(spectrum, size)[:n]


@settings(deadline=None, max_examples=20)
@given(delay=st.floats(10.0, 9000.0), gain_db=st.floats(-60.0, 0.0), inverted=st.booleans())
def test_a_pilot_is_found_to_a_hundredth_of_a_sample_at_any_level_and_polarity(delay, gain_db, inverted):
    gain = 10.0 ** (gain_db / 20.0) * (-1.0 if inverted else 1.0)
    fix = find_pilot(gain * delayed(PILOT.chirp(RATE_HZ), delay, 20_000), PILOT, RATE_HZ)
    assert fix.position == pytest.approx(delay, abs=0.01)
    assert fix.gain_db == pytest.approx(gain_db, abs=0.05)


def test_noise_of_equal_level_moves_a_pilot_by_less_than_a_tenth_of_a_sample():
    noise = np.random.default_rng(0).standard_normal(20_000) * 10.0 ** (PILOT.level_dbfs / 20.0)
    fix = find_pilot(noise + delayed(PILOT.chirp(RATE_HZ), 5000.3, 20_000), PILOT, RATE_HZ)
    assert fix.position == pytest.approx(5000.3, abs=0.1)
    assert fix.ratio_db > 12.0


def test_reflections_of_the_table_are_no_rivals():
    chirp = PILOT.chirp(RATE_HZ)
    heard = delayed(chirp, 1000.0, 20_000) + 0.9 * delayed(chirp, 1000.0 + 0.004 * RATE_HZ, 20_000)
    fix = find_pilot(heard, PILOT, RATE_HZ)
    assert fix.position == pytest.approx(1000.0, abs=0.1)
    assert fix.ratio_db > 12.0


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_is_no_pilot(seed):
    noise = np.random.default_rng(seed).standard_normal(24_000)
    assert find_pilot(noise, PILOT, RATE_HZ).ratio_db < 6.0


@pytest.mark.parametrize("n", [0, 100, 24_000])
def test_digital_silence_is_no_pilot(n):
    fix = find_pilot(np.zeros(n), PILOT, RATE_HZ)
    assert fix.ratio_db == 0.0
    assert math.isnan(fix.position)


def test_the_edges_of_the_pilot_are_the_promised_fractions_of_the_rate():
    power = np.square(np.abs(np.fft.rfft(Pilot().chirp(96_000), 96_000)))
    inside = np.sum(power[19_200 : 43_200 + 1]) / np.sum(power)
    assert inside > 0.99


SPEC = AudioSpec(rate_hz=48_000, lag_samples=(480, 4800), path_gain_db=-20.0)
GOOD = Alignment(1000.2, 0.0, 30.0, 1000.9, -19.0)
SPAN = 48_000 * 60


def test_a_path_within_its_limits_has_no_findings():
    assert judge(GOOD, SPEC, SPAN) == []


@pytest.mark.parametrize(
    ("alignment", "said"),
    [
        (Alignment(math.nan, math.nan, 2.1), "no acoustic path: .*peak over second peak 2.1 dB, 6 needed"),
        (Alignment(300.0, 0.0, 30.0, 300.0, -20.0), r"wrong lag: 300.00 samples \(6.25 ms\), allowed are 480 to 4800"),
        (Alignment(1000.0, 0.0, 30.0, 936.0, -20.0), r"lost block: 64.00 samples \(1.33 ms\) are missing"),
        (Alignment(1000.0, 0.0, 30.0, 1128.0, -20.0), r"lost block: 128.00 samples \(2.67 ms\) are too many"),
        (Alignment(1000.0, 0.0, 30.0, math.nan, -20.0), "lost block: the pilot at the tail is not where it belongs"),
        (Alignment(1000.0, 0.0, 30.0, 1000.0, -31.0), "wrong level: the pilot came back -11.0 dB off"),
        (Alignment(1000.0, 0.0, 30.0, 1000.0, math.nan), "wrong level"),
    ],
)  # fmt: skip
def test_each_fault_is_said_with_its_figures(alignment, said):
    (finding,) = judge(alignment, SPEC, SPAN)
    assert re.search(said, str(finding))


def test_clocks_of_their_own_may_drift_as_much_as_the_spec_says():
    drifted = Alignment(1000.0, 50.0, 30.0, 1000.0 + 50e-6 * SPAN, -20.0)
    assert judge(drifted, SPEC, SPAN) != []
    assert judge(drifted, AudioSpec(rate_hz=48_000, max_skew_ppm=60.0), SPAN) == []


def test_a_fraction_of_a_sample_is_wrong_on_a_cable_inside_one_computer():
    (finding,) = judge(Alignment(1024.3, 0.0, 100.0, 1024.3), AudioSpec(exact=True), SPAN)
    assert "whole lag" in str(finding)
