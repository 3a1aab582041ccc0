import numpy as np
import pytest
import scipy.signal

from rigs.audio.response import RING_S, Sweep, deconvolve

RATE_HZ = 48_000
SWEEP = Sweep(RATE_HZ, low_hz=50.0, high_hz=20_000.0, seconds=2.0)
ASKED_HZ = np.array([100.0, 300.0, 1000.0, 4000.0, 15_000.0])


def through(path):
    played = np.pad(SWEEP.samples().astype(np.float64), (0, round(RING_S * RATE_HZ)))
    return deconvolve(np.stack([path(played)]), SWEEP)


def test_a_filter_and_a_delay_are_measured_as_they_are():
    b, a = scipy.signal.butter(2, 2000.0, fs=RATE_HZ)
    response = through(lambda x: np.roll(0.5 * scipy.signal.lfilter(b, a, x), 480))
    _, expected = scipy.signal.freqz(b, a, ASKED_HZ, fs=RATE_HZ)
    # Residual to the closed form: 0.03 dB at 100 Hz, one octave above the edge, 0.002 dB above 300 Hz.
    np.testing.assert_allclose(
        response.gain_db(ASKED_HZ)[0], 20.0 * np.log10(0.5 * np.abs(expected)), atol=0.05
    )
    assert response.delay_s()[0] == pytest.approx(0.01, abs=0.0003)


def test_distortion_lands_beside_the_response():
    peak = 10.0 ** (SWEEP.level_dbfs / 20.0)
    clean = through(lambda x: x)
    coupling = scipy.signal.butter(2, 20.0, "highpass", fs=RATE_HZ, output="sos")
    bent = through(lambda x: x + scipy.signal.sosfilt(coupling, 0.02 * x**2 / peak))
    # The square of a sine of that peak is a second harmonic of half its amplitude: 1 %, spread like the sweep itself.
    assert bent.harmonics_db[0, 0] == pytest.approx(-40.0, abs=0.05)
    assert clean.harmonics_db[0, 0] < -80.0
    np.testing.assert_allclose(bent.gain_db(ASKED_HZ), clean.gain_db(ASKED_HZ), atol=0.05)


@pytest.mark.parametrize("wrong", [{"low_hz": 0.0}, {"high_hz": 24_000.0}, {"level_dbfs": 1.0}])
def test_a_sweep_that_cannot_be_played_is_refused(wrong):
    with pytest.raises(ValueError, match="sweep"):
        Sweep(RATE_HZ, **wrong)
