"""How air absorbs sound: ISO 9613-1:1993, atmospheric absorption of pure tones.

Valid (accuracy +/-10 % in the standard's clause 7): molar concentration of water vapour 0.05 to 5 %,
-20 to 50 degrees Celsius, below 200 kPa, frequency over pressure 0.4 to 10 kHz per kPa-ratio of 101.325.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCE_KPA = 101.325
REFERENCE_K = 293.15
TRIPLE_POINT_K = 273.16


def speed_of_sound_m_s(temperature_c: float) -> float:
    """Speed of sound, 343.2 * sqrt(T / 293.15 K) m/s (ISO 9613-1, Annex A). -20 to 50 degrees Celsius."""
    return 343.2 * math.sqrt((temperature_c + 273.15) / REFERENCE_K)


def water_vapour_percent(temperature_c: float, humidity_percent: float, pressure_kpa: float) -> float:
    """Molar concentration of water vapour in % (ISO 9613-1, equations B.1 to B.3)."""
    kelvin = temperature_c + 273.15
    exponent = -6.8346 * (TRIPLE_POINT_K / kelvin) ** 1.261 + 4.6151
    return humidity_percent * 10.0**exponent / (pressure_kpa / REFERENCE_KPA)


def absorption_db_per_m(
    frequency_hz: ArrayLike,
    temperature_c: float = 20.0,
    humidity_percent: float = 50.0,
    pressure_kpa: float = REFERENCE_KPA,
) -> NDArray[np.float64]:
    """Attenuation of a pure tone in dB per metre (ISO 9613-1, equations 3 to 5).

    frequency_hz: any shape, 50 Hz to 10 kHz in the standard's tables (the formula goes on above).
    temperature_c: -20 to 50. humidity_percent: relative, 10 to 100. pressure_kpa: below 200.
    Returns the shape of `frequency_hz`.
    """
    f = np.asarray(frequency_hz, dtype=np.float64)
    kelvin = temperature_c + 273.15
    t = kelvin / REFERENCE_K
    p = pressure_kpa / REFERENCE_KPA
    h = water_vapour_percent(temperature_c, humidity_percent, pressure_kpa)
    oxygen_hz = p * (24.0 + 4.04e4 * h * (0.02 + h) / (0.391 + h))
    nitrogen_hz = p * t**-0.5 * (9.0 + 280.0 * h * math.exp(-4.170 * (t ** (-1.0 / 3.0) - 1.0)))
    classical = 1.84e-11 * t**0.5 / p
    oxygen = 0.01275 * math.exp(-2239.1 / kelvin) / (oxygen_hz + f**2 / oxygen_hz)
    nitrogen = 0.1068 * math.exp(-3352.0 / kelvin) / (nitrogen_hz + f**2 / nitrogen_hz)
    return 8.686 * f**2 * (classical + t**-2.5 * (oxygen + nitrogen))


def energy_per_m(absorption_db: ArrayLike) -> NDArray[np.float64]:
    """Exponent m of the energy decay exp(-m d), 1/m, from dB per metre.

    pyroomacoustics wants this number: it multiplies amplitudes by exp(-m d / 2).
    """
    return np.asarray(absorption_db, dtype=np.float64) * (math.log(10.0) / 10.0)
