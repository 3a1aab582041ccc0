"""What stands still vanishes, what moves stays; changes of the tone leave no trace for long."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.presence.clutter import ClutterFilter

RATE_HZ, HOP = 4_000, 200


def filtered(signal: np.ndarray) -> np.ndarray:
    clutter = ClutterFilter(signal.shape[0], RATE_HZ)
    hops = np.split(signal.astype(np.complex64), signal.shape[1] // HOP, axis=1)
    return np.concatenate([clutter.process(hop) for hop in hops], axis=1)


def level_db(signal: np.ndarray) -> float:
    return 10.0 * np.log10(np.mean(np.abs(signal) ** 2) + 1e-30)


def times_s(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def test_a_static_field_vanishes_into_the_rounding_of_its_samples():
    static = np.array([[1.0 + 0.3j], [0.02 - 0.5j]]) * np.ones(2 * RATE_HZ)
    assert level_db(filtered(static)[:, RATE_HZ:]) < -120.0


def test_an_echo_that_turns_as_the_air_warms_by_three_kelvin_an_hour_vanishes():
    drifting = np.exp(1j * 3.0 * 6.4 * times_s(4.0) / 3600.0)[None]
    assert level_db(filtered(drifting)[:, 2 * RATE_HZ :]) < -100.0


@pytest.mark.parametrize(("doppler_hz", "loss_db"), [(6.0, 0.4), (40.0, 0.05), (-900.0, 0.05)])
def test_a_moving_echo_70_db_below_the_carrier_stays(doppler_hz: float, loss_db: float):
    """|H| = f^2 / (f^2 + 1.3^2): -0.4 dB at 6 Hz. Residual of the moving part: 0.1 dB."""
    echo = 10.0 ** (-70.0 / 20.0) * np.exp(2j * np.pi * doppler_hz * times_s(4.0))
    kept = filtered((1.0 + echo)[None])[:, 2 * RATE_HZ :]
    assert level_db(kept) == pytest.approx(-70.0 - loss_db, abs=0.1)


def test_the_hop_in_which_the_tone_comes_is_blanked_and_a_second_later_all_is_still():
    signal = np.where(times_s(3.0) < 1.01, 1e-6, 1.0)[None]
    out = filtered(signal)
    assert not np.any(out[:, RATE_HZ : RATE_HZ + HOP])
    assert level_db(out[:, 2 * RATE_HZ :]) < -120.0


def test_microphones_are_filtered_each_for_itself():
    rng = np.random.default_rng(3)
    signal = 1.0 + 0.01 * (rng.standard_normal((2, RATE_HZ)) + 1j * rng.standard_normal((2, RATE_HZ)))
    both, second = filtered(signal), filtered(signal[1:])
    np.testing.assert_array_equal(both[1], second[0])


def test_a_filter_that_is_reset_answers_like_a_new_one():
    rng = np.random.default_rng(4)
    hops = (1.0 + 0.1 * rng.standard_normal((3, 1, HOP))).astype(np.complex64)
    used, fresh = ClutterFilter(1, RATE_HZ), ClutterFilter(1, RATE_HZ)
    used.process(hops[0])
    used.reset()
    for hop in hops:
        np.testing.assert_array_equal(used.process(hop), fresh.process(hop))


def test_another_number_of_microphones_is_refused():
    with pytest.raises(DetectorError, match="2 microphones"):
        ClutterFilter(2, RATE_HZ).process(np.zeros((1, HOP), np.complex64))
