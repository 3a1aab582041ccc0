import numpy as np
import pytest

from lab.acoustics.device import load_device
from lab.acoustics.ultrasonic.unit import UnitSpec, draw_unit, ideal_unit
from lab.errors import BadInput

SPEC = load_device("ultrasonic_speaker").ultrasonic


def draw(seed=0, channels=4, spec=SPEC, **changes):
    return draw_unit(UnitSpec(**changes), spec, channels, np.random.default_rng(seed))


def test_gain_and_phase_spread_as_stated_and_no_further():
    spec = SPEC.model_copy(update={"gain_spread_db": 0.0})
    response = np.concatenate(
        [draw(seed, spec=spec).microphones([34_000.0, 39_300.0]) for seed in range(300)]
    )
    decibel, phase = 20.0 * np.log10(np.abs(response)), np.degrees(np.angle(response))
    assert np.abs(decibel).max() <= 6.0 + 1e-9
    assert np.abs(phase).max() <= 30.0 + 1e-9
    # At 34 kHz, between two nodes; a uniform variable in +/-6 has a standard deviation of 3.5.
    assert np.std(decibel[:, 0]) == pytest.approx(6.0 / np.sqrt(3.0) / np.sqrt(2.0), rel=0.1)
    assert np.abs(decibel[:, 1]).max() > 5.0


def test_another_carrier_meets_another_response():
    unit = draw()
    near, far = unit.microphones([34_000.0, 34_050.0]), unit.microphones([34_000.0, 40_000.0])
    assert np.abs(20.0 * np.log10(np.abs(near[:, 1] / near[:, 0]))).max() < 0.3
    assert np.abs(20.0 * np.log10(np.abs(far[:, 1] / far[:, 0]))).max() > 1.0


def test_a_unit_without_spread_is_as_designed():
    np.testing.assert_allclose(ideal_unit(3).microphones([30_000.0]), np.ones((3, 1)))
    assert ideal_unit(3).loudspeaker(34_000.0) == pytest.approx(1.0)


def test_a_dead_microphone_hears_nothing_and_the_others_are_as_before():
    whole, broken = draw(seed=5), draw(seed=5, dead_microphones=[2])
    response = broken.microphones([34_000.0])[:, 0]
    assert response[2] == 0.0
    np.testing.assert_array_equal(np.delete(response, 2), np.delete(whole.microphones([34_000.0])[:, 0], 2))


def test_a_blocked_loudspeaker_is_weaker_by_its_loss():
    ratio = draw(blocked_db=20.0).loudspeaker(34_000.0) / draw().loudspeaker(34_000.0)
    assert ratio == pytest.approx(0.1)


def test_clocks_move_what_others_emit_by_their_difference():
    unit = draw(clock_ppm=-10.0)
    assert unit.heard_hz(34_000.0, other_ppm=10.0) - 34_000.0 == pytest.approx(0.68, rel=1e-3)
    assert unit.heard_hz(34_000.0, other_ppm=-10.0) == pytest.approx(34_000.0)


def test_coupling_of_the_cone_lies_in_its_range_and_a_tweeter_has_little():
    units = [draw(seed) for seed in range(100)]
    kappa = np.array([[*unit.coupling, unit.echo_coupling] for unit in units])
    assert kappa.min() >= 0.3
    assert kappa.max() <= 1.0
    assert np.ptp(kappa) > 0.6
    tweeter = SPEC.model_copy(update={"driver": SPEC.driver.model_copy(update={"crosstalk_db": -40.0})})
    np.testing.assert_allclose(draw(spec=tweeter).coupling, 0.01 * draw().coupling)


def test_a_dead_microphone_that_is_not_there_is_named():
    with pytest.raises(BadInput, match="dead_microphones: 4 .* 0 to 3"):
        draw(dead_microphones=[4])
