"""ISO 9613-1 against the values printed in its Table 1 and, for octaves, in ISO 9613-2:1996, Table 2."""

import numpy as np
import pytest

from lab.acoustics.air import absorption_db_per_m, energy_per_m, speed_of_sound_m_s

# One-third octaves 50 Hz to 10 kHz: the tables are for exact midband frequencies.
THIRDS_HZ = 1000.0 * 10.0 ** (np.arange(-13, 11) / 10.0)
OCTAVES_HZ = 1000.0 * 10.0 ** (0.3 * np.arange(-4, 4))

# ISO 9613-1:1993, Table 1, dB/km at 101.325 kPa: (temperature, humidity) -> 50 Hz to 10 kHz.
TABLE_1 = {
    (-20.0, 10.0): "0.589 0.756 0.924 1.08 1.20 1.30 1.37 1.43 1.46 1.49 1.52 1.55 "
    "1.59 1.65 1.74 1.88 2.10 2.44 2.99 3.86 5.24 7.42 10.9 16.4",
    (-15.0, 30.0): "0.212 0.305 0.446 0.660 0.979 1.45 2.10 2.97 4.05 5.27 6.52 7.67 "
    "8.65 9.44 10.1 10.6 11.0 11.5 12.2 13.1 14.6 16.8 20.3 25.9",
    (25.0, 80.0): "0.0426 0.0673 0.106 0.167 0.262 0.409 0.631 0.963 1.44 2.10 2.95 3.97 "
    "5.12 6.35 7.62 9.01 10.7 12.9 16.2 21.1 28.8 40.8 59.8 89.6",
}
# The same table, single values: temperature, humidity, power of ten of the frequency re 1 kHz in tenths, dB/km.
TABLE_1_POINTS = [
    (20.0, 50.0, -9, 0.445),
    (20.0, 70.0, -9, 0.339),
    (20.0, 70.0, 0, 4.98),
    (20.0, 10.0, 6, 109.0),
    (20.0, 100.0, 6, 19.4),
    (20.0, 15.0, 8, 175.0),
    (20.0, 80.0, 10, 105.0),
    (10.0, 70.0, 0, 3.66),
    (10.0, 70.0, 6, 32.8),
    (0.0, 15.0, 0, 18.3),
    (50.0, 70.0, 9, 80.3),
    (-20.0, 100.0, 9, 41.1),
]
# ISO 9613-2:1996, Table 2, dB/km, octaves 63 Hz to 8 kHz, rounded to a tenth, to one dB from 100 on.
TABLE_2 = {
    (10.0, 70.0): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0),
    (20.0, 70.0): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (30.0, 70.0): (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3),
    (15.0, 20.0): (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0),
    (15.0, 50.0): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0),
    (15.0, 80.0): (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8),
}
THREE_DIGITS = 0.006  # half a unit of the third digit, at worst


@pytest.mark.parametrize(("climate", "row"), TABLE_1.items())
def test_agrees_with_every_frequency_of_a_printed_row(climate, row):
    computed = 1000.0 * absorption_db_per_m(THIRDS_HZ, *climate)
    np.testing.assert_allclose(computed, [float(value) for value in row.split()], rtol=THREE_DIGITS)


@pytest.mark.parametrize(("temperature_c", "humidity_percent", "tenths", "printed"), TABLE_1_POINTS)
def test_agrees_with_printed_values(temperature_c, humidity_percent, tenths, printed):
    frequency_hz = 1000.0 * 10.0 ** (tenths / 10.0)
    computed = 1000.0 * absorption_db_per_m(frequency_hz, temperature_c, humidity_percent)
    assert computed == pytest.approx(printed, rel=THREE_DIGITS)


@pytest.mark.parametrize(("climate", "row"), TABLE_2.items())
def test_agrees_with_the_octave_table_of_part_2(climate, row):
    computed = 1000.0 * absorption_db_per_m(OCTAVES_HZ, *climate)
    half_a_digit = np.where(np.asarray(row) < 100.0, 0.055, 0.55)
    assert np.all(np.abs(computed - row) <= half_a_digit)


def test_energy_exponent_and_decibels_agree():
    assert 10.0 * np.log10(np.exp(-energy_per_m(0.25) * 40.0)) == pytest.approx(-10.0)


@pytest.mark.parametrize(("temperature_c", "printed"), [(20.0, 343.2), (0.0, 331.3)])
def test_speed_of_sound(temperature_c, printed):
    assert speed_of_sound_m_s(temperature_c) == pytest.approx(printed, abs=0.05)
