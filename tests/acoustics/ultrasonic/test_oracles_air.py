"""Absorption above the range of the printed tables: ISO 9613-1's formula, worked out apart from this code."""

import pytest

from lab.acoustics.air import absorption_db_per_m

# dB/m at 20 degrees and 101.325 kPa: humidity in % -> at 20, 25, 32, 34, 36, 40, 45 and 50 kHz.
FREQUENCIES_HZ = (20e3, 25e3, 32e3, 34e3, 36e3, 40e3, 45e3, 50e3)
ROWS = {
    30.0: (0.598, 0.739, 0.903, 0.946, 0.987, 1.068, 1.167, 1.266),
    50.0: (0.524, 0.732, 1.016, 1.094, 1.171, 1.318, 1.494, 1.661),
    70.0: (0.420, 0.618, 0.923, 1.013, 1.103, 1.286, 1.512, 1.735),
}


@pytest.mark.parametrize(("humidity_percent", "row"), ROWS.items())
def test_air_at_carriers_above_hearing(humidity_percent, row):
    computed = absorption_db_per_m(FREQUENCIES_HZ, 20.0, humidity_percent)
    assert computed == pytest.approx(row, abs=0.0006)
