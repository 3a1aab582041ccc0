"""Echoes that people can hear."""

import numpy as np
import pytest

from lab.runs.echo import MIDDLE_HZ, RATE_HZ, audible_echo

TIME = np.arange(2 * RATE_HZ) / RATE_HZ


@pytest.mark.parametrize("shift_hz", [-300.0, 40.0, 300.0])
def test_what_moves_lies_where_its_doppler_shift_is_around_the_middle(shift_hz):
    still = 100.0 * np.exp(1j)
    echo = audible_echo(still + 0.01 * np.exp(2j * np.pi * shift_hz * TIME))
    inner = echo[RATE_HZ // 2 : -RATE_HZ // 2]
    power = np.abs(np.fft.rfft(inner * np.hanning(len(inner)))) ** 2
    assert np.argmax(power) == MIDDLE_HZ + shift_hz  # one cell a hertz
    assert np.std(inner) == pytest.approx(0.01 / np.sqrt(2), rel=0.2)


def test_a_room_at_rest_is_silent_and_nothing_has_no_echo():
    assert np.max(np.abs(audible_echo(np.full(RATE_HZ, 5.0 + 2.0j)))) < 1e-6
    assert len(audible_echo(np.zeros(0, complex))) == 0
