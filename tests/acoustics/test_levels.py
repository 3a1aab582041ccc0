import numpy as np
import pytest

from lab.acoustics.levels import a_weighting_db, band_rms, db_spl_from_pa, pa_from_db_spl, rms


def test_one_pascal_is_94_db():
    assert float(db_spl_from_pa(1.0)) == pytest.approx(93.979, abs=1e-3)
    assert float(pa_from_db_spl(94.0)) == pytest.approx(1.0024, abs=1e-4)


def test_silence_is_minus_infinity():
    assert db_spl_from_pa(0.0) == -np.inf


@pytest.mark.parametrize(
    ("frequency_hz", "inside"), [(30.0, False), (100.0, True), (6900.0, True), (7500.0, False)]
)
def test_band_rms_hears_only_the_band(frequency_hz, inside):
    tone = np.sqrt(2.0) * np.sin(2.0 * np.pi * frequency_hz * np.arange(16000) / 16000.0)
    assert float(band_rms(tone, 16000)) == pytest.approx(1.0 if inside else 0.0, abs=1e-6)


@pytest.mark.parametrize("samples", [1000, 1001])
def test_band_rms_over_all_frequencies_is_the_rms(samples):
    noise = np.random.default_rng(0).standard_normal((2, samples))
    np.testing.assert_allclose(band_rms(noise, 16000, 0.0, 8000.0), rms(noise), rtol=1e-12)


# IEC 61672-1:2013, Table 3: design goals, rounded to a tenth.
@pytest.mark.parametrize(
    ("tenths", "printed"),
    [
        (-17, -50.5),
        (-10, -19.1),
        (-7, -10.9),
        (-3, -3.2),
        (0, 0.0),
        (3, 1.2),
        (6, 1.0),
        (9, -1.1),
        (13, -9.3),
    ],
)
def test_a_weighting_is_the_standard_table(tenths, printed):
    assert float(a_weighting_db(1000.0 * 10.0 ** (tenths / 10.0))) == pytest.approx(printed, abs=0.051)
