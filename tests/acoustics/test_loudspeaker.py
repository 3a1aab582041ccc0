import numpy as np
import pytest
from scipy.special import jv

from lab.acoustics.device import DriverSpec
from lab.acoustics.levels import db_spl_from_pa, pa_from_db_spl, rms
from lab.acoustics.loudspeaker import AIR_KG_M3, Loudspeaker, ToSceneRate, displacement_m, modulation
from lab.errors import BadInput

RATE = 16_000
WAVENUMBER = 2.0 * np.pi * 34_000.0 / 343.2
# Nothing in the way of the closed forms: no spread, no limiter, an amplifier that never clips.
PLAIN = DriverSpec(tolerance=0.0, limiter=False, supply_v=100.0)


def sine(level_db_spl, frequency_hz, seconds=1.0, rate_hz=RATE):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.sqrt(2.0) * pa_from_db_spl(level_db_spl) * np.sin(2.0 * np.pi * frequency_hz * time_s)


def play(spec, samples, rate_hz=RATE, seed=0):
    return Loudspeaker(spec, rate_hz, np.random.default_rng(seed)).play(samples)


def component(signal, frequency_hz, rate_hz=RATE):
    """Complex amplitude of one frequency over whole periods in the second half."""
    late = signal[len(signal) // 2 :]
    turn = np.exp(-2j * np.pi * frequency_hz * np.arange(len(late)) / rate_hz)
    return 2.0 * np.mean(late * turn)


@pytest.mark.parametrize(
    ("frequency_hz", "printed_mm"), [(100.0, 1.1), (150.0, 0.50), (200.0, 0.28), (400.0, 0.07)]
)
def test_a_64_mm_cone_travels_as_far_as_its_bass_level_asks(frequency_hz, printed_mm):
    """p 4 pi r / (rho w^2 Sd) at 70 dB SPL, 1 m: the table to its two digits, the driver to 0.3 dB of the closed form."""
    # A stiffening suspension holds the largest strokes back: room for them isolates the closed form.
    spec = PLAIN.model_copy(update={"xmax_m": 10e-3, "stop_m": 20e-3, "equalised_hz": 20.0})
    peak_pa = float(np.sqrt(2.0) * pa_from_db_spl(70.0))
    wanted = float(displacement_m(peak_pa, frequency_hz, spec.sd_m2))
    assert wanted * 1e3 == pytest.approx(printed_mm, rel=0.03)
    travelled = abs(component(play(spec, sine(70.0, frequency_hz)).displacement_m, frequency_hz))
    assert 20.0 * np.log10(travelled / wanted) == pytest.approx(0.0, abs=0.3)


def test_the_music_has_its_level_at_one_metre():
    played = play(PLAIN, sine(70.0, 500.0))
    assert float(db_spl_from_pa(rms(played.pressure_pa[RATE // 2 :]))) == pytest.approx(70.0, abs=0.2)


def test_small_signals_follow_thiele_and_small():
    """Displacement per volt of the lumped circuit with Le, 60 to 700 Hz at 48 kHz: within 0.02 dB, 0.3 degrees."""
    rate = 48_000
    s = PLAIN
    stiffness = s.mms_kg * (2.0 * np.pi * s.fs_hz) ** 2
    friction = np.sqrt(stiffness * s.mms_kg) / s.qms
    speaker = Loudspeaker(s, rate, np.random.default_rng(0))
    for frequency in (60.0, 120.0, 180.0, 240.0, 700.0):
        jw = 2j * np.pi * frequency
        electric = s.re_ohm + jw * s.le_h
        per_volt = s.bl_tm / (electric * (s.mms_kg * jw**2 + friction * jw + stiffness) + jw * s.bl_tm**2)
        # What the equaliser makes of the samples, from its own coefficients.
        z = np.exp(-jw / rate)
        b0, b1, b2, a1, a2 = speaker._equaliser
        volts = (b0 + b1 * z + b2 * z**2) / (1.0 + a1 * z + a2 * z**2) / speaker.pa_per_v
        samples = sine(30.0, frequency, 1.0, rate)
        heard = component(play(s, samples, rate).displacement_m, frequency, rate)
        ratio = heard / component(samples, frequency, rate) / (per_volt * volts)
        assert 20.0 * np.log10(abs(ratio)) == pytest.approx(0.0, abs=0.02)
        assert np.degrees(np.angle(ratio)) == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("level_db_spl", [60.0, 78.0])
def test_the_rate_of_the_samples_is_fast_enough_to_solve_the_driver(level_db_spl):
    """Displacement of band-limited music at 16 kHz against 192 kHz: -65 dB or less, also with strokes beyond xmax."""
    rng = np.random.default_rng(4)
    fine = np.fft.rfft(rng.standard_normal(192_000))
    frequency = np.fft.rfftfreq(192_000, 1.0 / 192_000)
    fine[(frequency < 50.0) | (frequency > 5_000.0)] = 0.0
    fine[1:] /= np.sqrt(frequency[1:])
    music = np.fft.irfft(fine)
    music *= pa_from_db_spl(level_db_spl) / rms(music)
    reference = play(PLAIN, music, 192_000).displacement_m[::12]
    coarse = play(PLAIN, music[::12]).displacement_m
    error = rms((coarse - reference)[RATE // 2 :]) / rms(reference[RATE // 2 :])
    assert 20.0 * np.log10(error) <= -65.0


@pytest.mark.parametrize(
    ("peak_mm", "printed_db"),
    [(0.01, -50.0), (0.05, -36.0), (0.1, -30.0), (0.3, -21.0), (1.0, -9.7), (2.0, -2.0)],
)
def test_sidebands_of_a_sine_displacement_are_bessel_functions(peak_mm, printed_db):
    """J_n(k x) for orders 0 to 5, to 1e-12; first sidebands over the carrier against the printed values to 0.6 dB."""
    rate, frequency = 8_000, 100.0
    x = peak_mm * 1e-3 * np.sin(2.0 * np.pi * frequency * np.arange(rate) / rate)
    lines = np.fft.fft(modulation(x, 1.0, WAVENUMBER, 1.0, 0.0)) / rate
    beta = WAVENUMBER * peak_mm * 1e-3
    orders = np.arange(6)
    np.testing.assert_allclose(lines[orders * 100], jv(orders, beta), atol=1e-12)
    over = 20.0 * np.log10(abs(lines[100]) / abs(lines[0]))
    assert over == pytest.approx(printed_db, abs=0.6)


def test_amplitude_modulation_is_42_db_down_for_a_millimetre():
    x = 1e-3 * np.sin(2.0 * np.pi * 100.0 * np.arange(8_000) / 8_000)
    lines = np.fft.fft(modulation(x, 1.0, WAVENUMBER, 0.0, DriverSpec().am_per_m)) / 8_000
    assert 20.0 * np.log10(abs(lines[100])) == pytest.approx(-42.0, abs=0.1)


def test_each_microphone_has_its_own_angle_and_coupling():
    x = np.array([0.0, 1e-4, -2e-4])
    factor = modulation(x, [0.3, 1.0], WAVENUMBER, [1.0, -0.5], 0.0)
    assert factor.shape == (2, 3)
    np.testing.assert_allclose(np.angle(factor), WAVENUMBER * np.array([[0.3], [-0.5]]) * x, atol=1e-12)


def test_nonlinear_strokes_make_harmonics_and_small_ones_do_not():
    small, large = (component_ratio(level) for level in (50.0, 76.0))
    assert small < -60.0
    assert -40.0 < large < -10.0


def component_ratio(level):
    x = play(PLAIN, sine(level, 100.0)).displacement_m
    return 20.0 * np.log10(abs(component(x, 300.0)) / abs(component(x, 100.0)))


def test_the_limiter_keeps_the_coil_within_its_stroke_and_recovers():
    loud = np.concatenate([sine(88.0, 90.0, 1.0), sine(50.0, 90.0, 2.0)])
    limited = play(DriverSpec(tolerance=0.0), loud)
    free = play(DriverSpec(tolerance=0.0, limiter=False), loud)
    settled = slice(RATE // 2, RATE)
    assert np.abs(limited.displacement_m[settled]).max() < DriverSpec().xmax_m
    assert np.abs(free.displacement_m[settled]).max() > DriverSpec().xmax_m
    assert limited.limiter_gain[settled].max() < 0.5
    assert limited.limiter_gain[-1] > 0.99
    assert limited.limiter_gain.min() > 0.0


def test_the_tone_pumps_only_where_it_passes_the_limiter():
    apart = play(DriverSpec(limiter_on_tone=False), sine(88.0, 90.0, 0.5))
    np.testing.assert_array_equal(apart.limiter_gain, 1.0)


def test_the_coil_never_leaves_its_stop():
    spec = PLAIN.model_copy(update={"stop_m": PLAIN.xmax_m})
    assert np.abs(play(spec, sine(95.0, 60.0)).displacement_m).max() == pytest.approx(spec.stop_m)


def test_the_amplifier_clips_at_its_supply():
    """Far beyond its supply it gives a square wave: fundamental 4 / pi of what one volt gives, within 0.5 dB."""
    spec = PLAIN.model_copy(update={"supply_v": 1.0})
    per_volt = AIR_KG_M3 * spec.sd_m2 * spec.bl_tm / (4.0 * np.pi * spec.re_ohm * spec.mms_kg)
    fundamental = abs(component(play(spec, sine(110.0, 1000.0)).pressure_pa, 1000.0))
    assert 20.0 * np.log10(fundamental / (4.0 / np.pi * per_volt)) == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize("block", [7, 800])
def test_the_cut_into_blocks_changes_no_bit(block):
    samples = sine(80.0, 110.0, 0.2)
    whole = play(DriverSpec(), samples)
    speaker = Loudspeaker(DriverSpec(), RATE, np.random.default_rng(0))
    parts = [speaker.play(samples[i : i + block]) for i in range(0, len(samples), block)]
    for name in ("displacement_m", "pressure_pa", "limiter_gain"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))


def test_units_differ_by_their_tolerance():
    samples = sine(70.0, 120.0, 0.5)
    peaks = [np.abs(play(DriverSpec(), samples, seed=seed).displacement_m).max() for seed in range(6)]
    assert 0.005 < np.std(peaks) / np.mean(peaks) < 0.2


def test_displacement_at_the_scene_rate_keeps_slow_motion_and_constants():
    """200 Hz from 16 to 8 kHz, shifted by the latency: -75 dB or less."""
    x = sine(70.0, 200.0) + 0.3
    thin = ToSceneRate(RATE, 8_000)
    parts = np.concatenate([thin.process(part) for part in np.split(x, 20)])
    shift = thin.latency_s * 8_000
    assert shift == int(shift)
    wanted = x[::2][: -int(shift)]
    error = parts[int(shift) :] - wanted
    assert 20.0 * np.log10(rms(error[100:]) / rms(wanted[100:] - 0.3)) <= -75.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Loudspeaker(DriverSpec(), 44_100, np.random.default_rng(0)), "44100.*16000, 48000"),
        (lambda: ToSceneRate(16_000, 6_000), "6000.*divisor"),
    ],
)
def test_rates_that_do_not_fit_are_named(make, words):
    with pytest.raises(BadInput, match=words):
        make()
