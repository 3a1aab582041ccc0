"""The ceiling against closed forms, and against a person near and far."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from lab.acoustics.ultrasonic.baseband import Baseband, noise_filter
from lab.bench.simulated.ceiling import (
    FALSE_ALARM,
    THRESHOLD,
    ceiling,
    detectability,
    energy_probability,
    in_air,
)
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.ultrasound import UltrasonicScene
from lab.scenario.load import load_scenario

WALK = Path(__file__).parents[2] / "scenarios" / "presence" / "walking_near.toml"


def test_a_tone_in_white_noise_has_the_detectability_of_the_textbook():
    """d^2 = 2 n A^2 / sigma^2 at each microphone."""
    n, amplitude, power = 2000, 0.3, 4.0
    tone = amplitude * np.exp(2j * np.pi * 0.1 * np.arange(n))
    noise = np.full((2, 64), power)
    assert detectability(np.stack([tone, tone]), noise) == pytest.approx(2 * 2 * n * amplitude**2 / power)
    dead = np.stack([np.full(64, power), np.zeros(64)])
    assert detectability(np.stack([tone, tone]), dead) == pytest.approx(2 * n * amplitude**2 / power)


def test_without_a_signal_only_false_alarms_are_left():
    silent, noise = np.zeros((4, 8000), complex), np.ones((4, 64))
    assert float(ndtr(-THRESHOLD)) == pytest.approx(FALSE_ALARM)
    assert energy_probability(silent, noise, 4000.0) == pytest.approx(4 * FALSE_ALARM, rel=1e-3)


def test_what_flickers_hides_what_moves_alike():
    """Echoes of the same density per bin: 3^2 of air on a noise of 1 leave a tenth of the detectability."""
    rng = np.random.default_rng(4)
    air = 3.0 * (rng.standard_normal((2, 80_000)) + 1j * rng.standard_normal((2, 80_000))) / np.sqrt(2.0)
    noise = np.ones((2, 64))
    both = in_air(5.0 + air, noise, 4000.0)
    assert both[:, 10:-10].mean() == pytest.approx(10.0, rel=0.03)
    echo = rng.standard_normal((2, 4000)) + 0j
    assert detectability(echo, both) == pytest.approx(0.1 * detectability(echo, noise), rel=0.1)
    assert energy_probability(echo, both, 4000.0) < energy_probability(echo, noise, 4000.0)


def test_the_noise_it_reckons_with_is_the_noise_the_bench_makes():
    scenario = load_scenario(WALK)
    trial = scenario.draw(scenario.cells()[0], 0, 1)
    spec = trial.spec.device.ultrasonic
    scene = Scene(trial, cache=None, corpus=None)
    world = UltrasonicScene(scene, 4, spec.baseband_rate_hz)
    chain = Baseband(spec, world.unit, spec.baseband_rate_hz, np.random.default_rng(3))
    heard = chain.process(40_000, {})
    told = noise_filter(spec, world.unit).mean(axis=1)
    assert np.mean(np.abs(heard) ** 2, axis=1) == pytest.approx(told, rel=0.05)


def test_a_walker_at_two_metres_is_within_reach_and_a_quiet_trial_is_not():
    scenario = load_scenario(WALK)
    trial = scenario.draw(scenario.cells()[0], 0, 1)
    found = ceiling(trial, "major_motion")
    assert found.matched > 0.999 and found.headroom_db > 30.0
    spec = trial.spec.model_copy(
        update={"movers": (trial.spec.movers[0].model_copy(update={"start_s": 5.0}),)}
    )
    assert ceiling(replace(trial, spec=spec), "major_motion").headroom_db == pytest.approx(
        found.headroom_db, abs=6.0
    )
