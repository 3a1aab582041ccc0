"""Echoes that people can hear."""

import numpy as np
import pytest

from lab.runs.echo import MIDDLE_HZ, RATE_HZ, audible_echo, envelope_of

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


@pytest.mark.parametrize("rate_hz", [96_000, 192_000])
@pytest.mark.parametrize("tone_hz", [33_100.0, 40_250.0])
def test_the_envelope_of_a_recording_is_about_its_tone(rate_hz, tone_hz):
    time = np.arange(2 * rate_hz) / rate_hz
    music = np.cos(2 * np.pi * 5_000.0 * time)  # louder, and where people hear it
    walker = 0.01 * np.cos(2 * np.pi * (tone_hz + 120.0) * time)
    recorded = music + 0.5 * np.cos(2 * np.pi * tone_hz * time) + walker
    envelope = envelope_of(recorded.astype(np.float32), rate_hz, (30_000.0, 42_000.0))
    assert len(envelope) == 2 * RATE_HZ
    assert np.abs(np.mean(envelope)) == pytest.approx(0.5, rel=0.02)
    inner = audible_echo(envelope)[RATE_HZ // 2 : -RATE_HZ // 2]
    power = np.abs(np.fft.rfft(inner * np.hanning(len(inner)))) ** 2
    assert np.argmax(power) == MIDDLE_HZ + 120.0
    assert np.std(inner) == pytest.approx(0.01 / np.sqrt(2), rel=0.1)


def test_too_little_has_no_envelope():
    assert len(envelope_of(np.zeros(1_000), 96_000, (30_000.0, 42_000.0))) == 0
