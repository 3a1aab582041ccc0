"""The front end: envelopes of known tones, the same bits however audio arrives, silence for what is no number."""

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.presence.front_end import DOWN_DB, Hops, Mixer, lowpass

INPUT, RATE = 96_000, 4_000


def tone(frequency_hz, seconds=1.0, amplitude=0.5):
    return (amplitude * np.cos(2 * np.pi * frequency_hz * np.arange(round(INPUT * seconds)) / INPUT)).astype(
        np.float32
    )[None]


@pytest.mark.parametrize("shift_hz", [-1400.0, -300.0, 0.0, 7.0, 1400.0])
def test_a_shifted_tone_becomes_a_line_of_its_amplitude_at_its_shift(shift_hz):
    envelope = Mixer(INPUT, RATE, 34_000.0, 1).mix(tone(34_000.0 + shift_hz))[0, 200:]
    turned = envelope * np.exp(-2j * np.pi * shift_hz * np.arange(len(envelope)) / RATE)
    assert np.abs(turned) == pytest.approx(0.5, rel=2e-3)
    assert np.ptp(np.unwrap(np.angle(turned))) < 1e-3


@pytest.mark.parametrize("frequency_hz", [1_000.0, 30_000.0, 36_600.0, 47_000.0])
def test_what_is_far_from_the_carrier_is_gone(frequency_hz):
    envelope = Mixer(INPUT, RATE, 34_000.0, 1).mix(tone(frequency_hz))[0, 200:]
    assert 20 * np.log10(np.abs(envelope).max() / 0.5) < -DOWN_DB + 3.0


def test_a_day_later_the_phase_is_still_right():
    mixer = Mixer(INPUT, RATE, 33_333.25, 1)
    mixer._outputs = 86_400 * RATE
    early = Mixer(INPUT, RATE, 33_333.25, 1).mix(tone(33_333.25, 0.2))
    # A whole number of quarter hertz fits into a day's seconds: the phase has come round.
    assert mixer.mix(tone(33_333.25, 0.2)) == pytest.approx(early, abs=1e-5)


def test_filter_is_flat_where_people_move():
    taps = lowpass(INPUT, RATE)
    response = np.abs(np.fft.rfft(taps, 2**16))
    frequency = np.fft.rfftfreq(2**16, 1 / INPUT)
    assert 20 * np.log10(response[frequency <= 1500]) == pytest.approx(0.0, abs=0.01)


def test_hops_are_the_same_however_samples_arrive():
    samples = np.random.default_rng(1).standard_normal((2, 1000)).astype(np.float32)
    samples[0, 500], samples[1, 501] = np.nan, np.inf
    whole = list(Hops(2, 70, np.float32).cut(samples))
    hops = Hops(2, 70, np.float32)
    pieces = [hop for part in np.array_split(samples, 13, axis=1) for hop in hops.cut(part)]
    assert len(whole) == 14
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))
    assert np.isfinite(whole).all()
    assert whole[7][0, 10] == 0.0


@pytest.mark.parametrize(("rate", "carrier"), [(7_000, 34_000.0), (4_000, 50_000.0), (4_000, 100.0)])
def test_refuses_what_it_cannot_mix(rate, carrier):
    with pytest.raises(DetectorError, match=r"rate_hz|carrier_hz"):
        Mixer(INPUT, rate, carrier, 1)
