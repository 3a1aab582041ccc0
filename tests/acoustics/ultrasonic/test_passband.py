from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import welch

from lab.acoustics.converter import full_scale_pa, noise_density
from lab.acoustics.device import load_device
from lab.acoustics.levels import pa_from_db_spl, rms
from lab.acoustics.loudspeaker import Loudspeaker, ToSceneRate, modulation
from lab.acoustics.ultrasonic.filters import Oscillator, band_response
from lab.acoustics.ultrasonic.passband import Passband
from lab.acoustics.ultrasonic.unit import UnitSpec, draw_unit, ideal_unit
from lab.errors import BadInput

SPEC = load_device("ultrasonic_speaker").ultrasonic
RATE, SCENE = 96_000, 8_000
CARRIER = 34_000.0
FULL = full_scale_pa(SPEC)
# So small that microphones are linear.
QUIET_PA = 1e-2


def chain(unit=None, scene=SCENE, seed=1, audible=None, noise=False, spec=SPEC):
    return Passband(spec, unit or ideal_unit(2), scene, np.random.default_rng(seed), audible, noise)


def spread(seed=3, channels=2, **changes):
    return draw_unit(UnitSpec(**changes), SPEC, channels, np.random.default_rng(seed))


def steady(value, samples=SCENE, channels=2):
    return np.full((channels, samples), value, dtype=np.complex128)


def line(signal, frequency_hz):
    """Complex amplitude of one whole number of Hz over the last half second."""
    late = np.asarray(signal[..., -RATE // 2 :], dtype=np.float64)
    n = np.arange(signal.shape[-1])[-RATE // 2 :]
    return 2.0 * np.mean(late * np.exp(-2j * np.pi * frequency_hz * n / RATE), axis=-1)


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def test_a_tone_has_its_level_and_phase_at_every_microphone():
    """Envelope times the unit's response and the converter's band: -45 dB or less; the faster the envelope, the shorter the
    taps that hold the response."""

    unit = spread()
    for scene in (2_000, 4_000, 8_000, 16_000):
        for carrier in (CARRIER, 38_512.0):
            given = QUIET_PA * np.exp(0.7j)
            heard = line(chain(unit, scene).process(scene, {carrier: steady(given, scene)}), carrier) * FULL
            wanted = given * (unit.microphones(carrier) * band_response(SPEC, carrier))[:, 0]
            assert np.all(db((heard - wanted) / given) <= -45.0), (scene, carrier)


def test_a_moving_echo_is_on_its_carrier_where_its_path_says():
    """Closed-form phase of a point at 1.5 m/s, at the latency stated: -60 dB of the echo or less, unit without spread."""
    time_s = np.arange(2 * SCENE) / SCENE
    k, w = 2.0 * np.pi * CARRIER / 343.2, 2.0 * np.pi * CARRIER

    def phase(t):
        return -k * (4.0 + 1.5 / np.pi * np.sin(np.pi * t))

    out = chain(scene=SCENE)
    heard = out.process(2 * SCENE, {CARRIER: QUIET_PA * np.exp(1j * np.tile(phase(time_s), (2, 1)))})[0]
    n = np.arange(len(heard)) / RATE
    # The converter's band: gain, phase and group delay at the carrier.
    below, band, above = band_response(SPEC, [CARRIER - 50.0, CARRIER, CARRIER + 50.0])
    late_s = out.latency_s - np.angle(above / below) / (2.0 * np.pi * 100.0)
    wanted = QUIET_PA / FULL * np.real(band * np.exp(1j * (phase(n - late_s) + w * n)))
    late = slice(RATE // 4, None)
    assert db(rms(heard[late] - wanted[late]) / rms(wanted[late])) <= -60.0


def test_images_of_the_envelope_are_80_db_down():
    fast = np.exp(2j * np.pi * 3_000.0 * np.arange(SCENE) / SCENE)
    heard = chain().process(SCENE, {CARRIER: np.tile(fast, (2, 1))})
    wanted = line(heard, CARRIER + 3_000.0)
    for image in (CARRIER - 5_000.0, CARRIER + 11_000.0, CARRIER - 13_000.0):
        assert np.all(db(line(heard, image) / wanted) <= -80.0)


def test_several_carriers_come_and_go_without_a_click_in_each_other():
    both = chain()
    alone = chain()
    ramp = np.sin(np.pi * np.arange(SCENE // 2) / (SCENE // 2)) ** 2
    second = QUIET_PA * np.tile(ramp, (2, 1)).astype(complex)
    zero = np.zeros_like(second)
    first = steady(QUIET_PA, SCENE // 2)
    heard = [both.process(SCENE // 2, tones) for tones in ({CARRIER: first}, {CARRIER: first, 38e3: second})]
    heard += [both.process(SCENE // 2, {CARRIER: first}) for _ in range(2)]
    parts = [alone.process(SCENE // 2, {38e3: part}) for part in (zero, second, zero, zero)]
    base = chain()
    only = [base.process(SCENE // 2, {CARRIER: first}) for _ in range(4)]
    difference = np.concatenate(heard, axis=1) - np.concatenate(only, axis=1) - np.concatenate(parts, axis=1)
    # Two steps of the converter, and the tones' third-order gain on each other.
    assert np.abs(difference).max() < 1e-6 * QUIET_PA / FULL + 3 * 2.0**-23
    assert len(both._branches) == 1


def test_the_carrier_keeps_its_phase_for_a_hundred_hours():
    rate, start = 8_000, 100 * 3600 * 8_000
    exact = Oscillator(33_333.0, rate)
    np.testing.assert_array_equal(exact.read(start, 64), exact.read(start % rate, 64))
    odd = 34_000.68123
    turns = [float(Fraction(odd) * (start + i) / rate % 1) for i in range(8)]
    error = np.abs(Oscillator(odd, rate).read(start, 8) - np.exp(2j * np.pi * np.array(turns)))
    assert error.max() < 1e-9


@pytest.mark.parametrize("block", [16, 400])
def test_the_cut_into_blocks_changes_no_bit(block):
    rng = np.random.default_rng(0)
    envelope = steady(2.0, 1600) + rng.standard_normal((2, 1600))
    music = 0.1 * rng.standard_normal((2, 3200)).astype(np.float32)
    whole = chain(spread(), audible=16_000, noise=True).process(1600, {CARRIER: envelope}, music)
    stream = chain(spread(), audible=16_000, noise=True)
    parts = [
        stream.process(block, {CARRIER: envelope[:, i : i + block]}, music[:, 2 * i : 2 * (i + block)])
        for i in range(0, 1600, block)
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_noise_has_its_density_in_every_band_and_is_fresh_in_every_channel():
    """Welch over 6 s against the density, 1 to 44 kHz: within 0.7 dB; at the carrier within 0.3 dB."""
    heard = chain(noise=True).process(6 * SCENE, {}).astype(np.float64) * FULL
    frequency, density = welch(heard, RATE, nperseg=2048)
    inside = (frequency > 1_000.0) & (frequency < 44_000.0)
    apart = 10.0 * np.log10(density.mean(axis=0)[inside] / noise_density(SPEC, frequency[inside]))
    smooth = np.convolve(apart, np.ones(25) / 25, mode="valid")
    assert np.abs(smooth).max() < 0.7
    assert abs(np.mean(apart[np.abs(frequency[inside] - CARRIER) < 2_000.0])) < 0.3
    assert abs(np.corrcoef(heard)[0, 1]) < 0.01


def test_music_at_the_microphone_mixes_with_the_tone():
    """Sidebands 2 a2 m e / 2 and 3 a3 m^2 e / 4 of the polynomial, within 0.3 dB; no line where only aliases would be."""
    music_pa, tone_pa = (float(np.sqrt(2.0) * pa_from_db_spl(level)) for level in (105.0, 90.0))
    out = chain(audible=16_000)
    music = music_pa * np.cos(2.0 * np.pi * 1_000.0 * np.arange(16_000) / 16_000)
    heard = out.process(SCENE, {CARRIER: steady(tone_pa)}, np.tile(music, (2, 1)))[0]
    tone = line(heard, CARRIER)
    assert db(line(heard, CARRIER + 1_000.0) / tone / (out._a2 * music_pa)) == pytest.approx(0.0, abs=0.3)
    third = 0.75 * out._a3 * music_pa**2
    assert db(line(heard, CARRIER - 2_000.0) / tone / third) == pytest.approx(0.0, abs=0.4)
    assert db(line(heard, 1_000.0) * FULL / music_pa) == pytest.approx(0.0, abs=0.1)
    assert db(line(heard, 2_000.0) / line(heard, 1_000.0) / (out._a2 * music_pa / 2.0)) == pytest.approx(
        0.0, abs=0.3
    )
    assert db(line(heard, 2.0 * CARRIER - RATE + 56_000.0 - 28_000.0) / tone) < -100.0


def test_music_and_tone_are_late_by_the_same():
    """A click in both, audible at 16, 48 and 96 kHz, scene at 2, 8 and 16 kHz: peaks within two samples of the latency."""
    for scene, audible in ((8_000, 16_000), (16_000, 16_000), (2_000, 48_000), (8_000, 96_000)):
        samples = scene // 2
        click, music = np.zeros((2, samples), complex), np.zeros((2, samples * audible // scene))
        click[:, samples // 2], music[:, music.shape[1] // 2] = QUIET_PA, QUIET_PA
        tone = chain(scene=scene, audible=audible).process(samples, {CARRIER: click})
        out = chain(scene=scene, audible=audible)
        heard = out.process(samples, {}, music)
        expected = RATE // 4 + out.latency
        envelope = np.abs(tone[0] * np.exp(-2j * np.pi * CARRIER * np.arange(tone.shape[1]) / RATE))
        centre = np.sum(envelope**2 * np.arange(len(envelope))) / np.sum(envelope**2)
        assert centre == pytest.approx(expected, abs=3.0), (scene, audible)
        assert np.argmax(np.abs(heard[0])) == pytest.approx(expected, abs=2), (scene, audible)


def test_a_dead_microphone_delivers_zeros_and_a_loud_tone_clips():
    unit = spread(dead_microphones=[1], spread_db=0.0)
    heard = chain(unit, noise=True).process(SCENE, {CARRIER: steady(2.0 * FULL)})
    assert not np.any(heard[1])
    assert heard[0].min() == -1.0
    assert heard[0].max() == np.float32(1.0 - 2.0**-23)


def test_samples_lie_on_the_converter_grid():
    spec = SPEC.model_copy(update={"bits": 12})
    steps = chain(noise=True, spec=spec).process(SCENE, {CARRIER: steady(0.3)}).astype(np.float64) * 2**11
    np.testing.assert_array_equal(steps, np.round(steps))
    assert len(np.unique(steps)) > 5


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: chain().process(80, {46_000.0: steady(1.0, 80)}), "carrier = 46000 Hz.*20000 to 44923"),
        (lambda: chain().process(80, {15_000.0: steady(1.0, 80)}), "carrier = 15000 Hz"),
        (lambda: chain(scene=6_000), "scene_rate_hz = 6000.*2000 or 4000"),
        (lambda: chain(audible=44_100), "audible_rate_hz = 44100.*divisor"),
    ],
)
def test_what_cannot_be_rendered_is_named(use, words):
    with pytest.raises(BadInput, match=words):
        use()


def test_bass_from_the_same_cone_stands_beside_the_tone_in_the_samples():
    """100 Hz at 70 dB SPL moves a 64 mm cone by 1.1 mm: first sidebands of -9 dBc at 96 kHz, within 1 dB, echo and all."""
    driver = SPEC.driver.model_copy(
        update={"tolerance": 0.0, "equalised_hz": 20.0, "xmax_m": 8e-3, "stop_m": 9e-3}
    )
    speaker, thin = Loudspeaker(driver, 16_000, np.random.default_rng(0)), ToSceneRate(16_000, SCENE)
    bass = (
        np.sqrt(2.0) * float(pa_from_db_spl(70.0)) * np.sin(2.0 * np.pi * 100.0 * np.arange(32_000) / 16_000)
    )
    x = thin.process(speaker.play(bass).displacement_m)
    factor = modulation(x, [1.0, 0.3], 2.0 * np.pi * CARRIER / 343.2, 1.0, driver.am_per_m)
    heard = chain().process(2 * SCENE, {CARRIER: QUIET_PA * factor})
    sideband = db(line(heard, CARRIER - 100.0) / line(heard, CARRIER))
    assert sideband[0] == pytest.approx(-9.0, abs=1.0)
    # J1 / J0 of 0.3 x 0.70.
    assert sideband[1] == pytest.approx(-19.5, abs=1.0)
