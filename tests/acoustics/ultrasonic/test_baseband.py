import numpy as np
import pytest
from scipy.signal import welch

from lab.acoustics.converter import full_scale_pa, noise_density
from lab.acoustics.device import load_device
from lab.acoustics.ultrasonic.baseband import Baseband, FrontEnd
from lab.acoustics.ultrasonic.filters import band_response
from lab.acoustics.ultrasonic.passband import Passband
from lab.acoustics.ultrasonic.unit import UnitSpec, draw_unit, ideal_unit
from lab.errors import BadInput

SPEC = load_device("ultrasonic_speaker").ultrasonic


def front_end(base, carrier=34_000.0):
    return SPEC.model_copy(update={"baseband_rate_hz": base, "baseband_carrier_hz": carrier})


def spread(seed=3):
    return draw_unit(UnitSpec(), SPEC, 4, np.random.default_rng(seed))


def moving(scene, carrier, speed_m_s):
    """A point swinging at 6 m, four microphones, two seconds; spherical spreading both ways."""
    time_s = np.arange(2 * scene) / scene
    reach = 6.0 + speed_m_s / np.pi * np.sin(np.pi * time_s) + 0.01 * np.arange(4)[:, None]
    return 0.1 * np.exp(-4j * np.pi * carrier / 343.2 * reach) / reach**2


@pytest.mark.parametrize(
    ("base", "scene", "carrier", "speed_m_s"),
    [
        (2_000, 2_000, 34_000.0, 1.5),
        (4_000, 4_000, 34_000.0, 3.0),
        (4_000, 8_000, 34_000.0, 3.0),
        (4_000, 8_000, 34_900.0, 1.5),
        (8_000, 8_000, 34_000.0, 7.0),
        (16_000, 16_000, 36_000.0, 13.0),
    ],
)
def test_both_forms_hold_the_same_moving_echo(base, scene, carrier, speed_m_s):
    """Passband, then the front end, against the direct form, unit with full spread: -50 dB of the moving part or less."""
    spec, unit = front_end(base, 36_000.0 if carrier == 36_000.0 else 34_000.0), spread()
    envelope = moving(scene, carrier, speed_m_s)
    samples = envelope.shape[1]
    passband = Passband(spec, unit, scene, np.random.default_rng(0), noise=False)
    pcm = passband.process(samples, {carrier: envelope})
    through = FrontEnd(spec, 4).process(pcm)
    direct = Baseband(spec, unit, scene, np.random.default_rng(0), noise=False).process(
        samples, {carrier: envelope}
    )
    # The passband's latency: whole samples of the baseband, and a turn of a tone beside its centre.
    later = passband.latency * base // spec.rate_hz
    turn = np.exp(2j * np.pi * (carrier - spec.baseband_carrier_hz) * passband.latency_s)
    a, b = through[:, later + 60 : -60], direct[:, 60 : -60 - later] * turn
    residual = 10.0 * np.log10(np.sum(np.abs(a - b) ** 2, axis=1) / np.sum(np.abs(a) ** 2, axis=1))
    assert np.all(residual <= -50.0), residual


@pytest.mark.parametrize("base", [2_000, 4_000, 16_000])
def test_noise_has_the_density_of_the_converter(base):
    """Mean power against 2 N / full scale^2 per Hz near the centre, direct and through the front end: within 0.4 dB."""
    spec, scene = front_end(base), max(base, 4_000)
    seconds = 20 if base < 16_000 else 6
    rng = np.random.default_rng(5)
    direct = Baseband(spec, ideal_unit(2), scene, rng).process(seconds * scene, {})
    pcm = Passband(spec, ideal_unit(2), scene, rng).process(seconds * scene, {})
    wanted = (
        2.0
        * noise_density(spec, 34_000.0)
        * np.abs(band_response(spec, [34_000.0])[0]) ** 2
        / full_scale_pa(spec) ** 2
    )
    spectra = []
    for heard in (direct, FrontEnd(spec, 2).process(pcm)):
        frequency, density = welch(heard, base, nperseg=256, return_onesided=False, detrend=False)
        near = np.abs(frequency) < 0.1 * base
        assert 10.0 * np.log10(density.mean(axis=0)[near].mean() / wanted) == pytest.approx(0.0, abs=0.5)
        spectra.append(density.mean(axis=0))
    apart = 10.0 * np.log10(spectra[0] / spectra[1])
    smooth = np.convolve(np.fft.fftshift(apart), np.ones(25) / 25, mode="valid")
    assert np.abs(smooth).max() < 1.0
    assert abs(np.mean(direct[0] ** 2)) < 0.05 * np.mean(np.abs(direct[0]) ** 2)
    assert abs(np.vdot(direct[0], direct[1])) < 0.05 * np.vdot(direct[0], direct[0]).real


@pytest.mark.parametrize("block", [16, 400])
def test_the_cut_into_blocks_changes_no_bit(block):
    envelope = moving(8_000, 34_000.0, 2.0)[:, :1600]
    whole = Baseband(SPEC, spread(), 8_000, np.random.default_rng(1)).process(1600, {34_000.0: envelope})
    stream = Baseband(SPEC, spread(), 8_000, np.random.default_rng(1))
    parts = [stream.process(block, {34_000.0: envelope[:, i : i + block]}) for i in range(0, 1600, block)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("block", [7, 1000, 4800])
def test_the_front_end_takes_any_cut(block):
    pcm = np.random.default_rng(2).standard_normal((2, 9600)).astype(np.float32)
    whole = FrontEnd(SPEC, 2).process(pcm)
    stream = FrontEnd(SPEC, 2)
    parts = [stream.process(pcm[:, i : i + block]) for i in range(0, 9600, block)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("offset_hz", [2_500.0, -3_000.0, 9_000.0])
def test_what_lies_outside_the_front_end_does_not_fold_into_it(offset_hz):
    time_s = np.arange(48_000) / 96_000
    tone = np.cos(2.0 * np.pi * (34_000.0 + offset_hz) * time_s)[None]
    heard = FrontEnd(SPEC, 1).process(tone)[0, 100:]
    assert 20.0 * np.log10(np.abs(heard).max()) <= -78.0


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (
            lambda rng: Baseband(SPEC, spread(), 8_000, rng, playback=True),
            "while music plays.*ultrasonic stream",
        ),
        (lambda rng: Baseband(SPEC, spread(), 2_000, rng), "scene_rate_hz = 2000.*4000, 8000, 16000"),
        (
            lambda rng: Baseband(SPEC, spread(), 8_000, rng).process(16, {38e3: np.ones((4, 16), complex)}),
            "carrier = 38000 Hz.*within 1600 Hz.*ultrasonic stream",
        ),
    ],
)
def test_where_the_passband_is_needed_it_is_said(use, words):
    with pytest.raises(BadInput, match=words):
        use(np.random.default_rng(0))
