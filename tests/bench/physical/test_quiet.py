import math

import numpy as np
import pytest

from detectors.interface import AUDIBLE, StreamNeed
from lab.bench.physical.plan import plan_trial
from lab.bench.physical.quiet import judge_noise, judge_quiet, quiet_figures
from lab.bench.physical.sound_card import audio_spec
from rigs.audio.background import Background
from rigs.rig_tables import Background as Limits

NEEDS = {AUDIBLE: StreamNeed((16000,), 1)}
NOISE = {"background": 48.0}


def room(dba, band_db=None):
    """The same at both microphones."""
    return Background((dba,) * 2, (dba if band_db is None else band_db,) * 2, 0.5, True)


@pytest.fixture
def said_of(trial_of, rig_of):
    """`said_of((before, after), measured)`: what is found on a bench whose loudspeakers play the noise."""

    def _said(quiet, measured=None, bench="loopback", **limits):
        rig = rig_of(bench, background=Limits(**limits))
        plan = plan_trial(trial_of(), rig, NEEDS)
        return judge_quiet(plan, rig, audio_spec(rig), quiet, NOISE, measured or {})

    return _said


def test_a_quiet_room_and_a_cable_are_found_to_be_quiet(said_of):
    assert said_of((room(31.0), room(33.0))) == []
    assert said_of((room(-math.inf), room(-math.inf))) == []
    assert said_of(None) == []


def test_a_room_too_loud_for_the_noise_that_is_played_spoils_the_snr(said_of):
    (found,) = said_of((room(30.0, 38.5), room(30.0, 37.0)))
    assert found == (
        "background noise: 38.5 dB SPL from 50 Hz to 7 kHz, where background plays at 48.0 dB SPL and "
        "10.0 dB below it are wanted"
    )
    assert said_of((room(30.0, 38.5), room(30.0, 37.0)), below_noise_db=6.0) == []


def test_a_room_that_gets_louder_is_told_for_every_microphone(said_of):
    found = said_of((room(30.0), room(37.0)))
    assert found[0] == "background noise: input 1: went from 30.0 to 37.0 dB(A), 6.0 dB of change allowed"
    assert len(found) == 2


def test_a_stated_limit_holds_before_and_after(said_of):
    assert (
        "36.0 dB(A) before, 33.0 after, 35.0 allowed" in said_of((room(36.0), room(33.0)), most_dba=35.0)[0]
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (35.0, 36.0, []),
        (30.0, 37.0, ["background noise: meter: went from 30.0 to 37.0 dB(A), 6.0 dB of change allowed"]),
        (41.0, 40.0, ["background noise: meter: 41.0 dB(A) before, 40.0 after, 40.0 allowed"]),
    ],
)
def test_the_level_meter_is_held_to_the_same_limits(said_of, before, after, said):
    measured = {"background_dba_before": before, "background_dba_after": after}
    assert said_of(None, measured, most_dba=40.0) == said


def test_noise_that_the_room_twin_makes_is_no_background(said_of):
    assert said_of((room(60.0), room(80.0)), bench="emulated") == []


def test_figures_are_those_of_the_loudest_microphone_and_silence_has_none():
    quiet = (Background((30.0, 32.0), (40.0, 39.0), 0.5, True), room(-math.inf))
    assert quiet_figures(quiet) == {"room_dba_before": 32.0, "room_db_spl_before": 40.0}


@pytest.fixture
def noise_said_of(trial_of, rig_of):
    """`noise_said_of(levels)`: of a body with white noise of these levels at input 2, in dB SPL below 7 kHz, a second each."""

    def _said(*levels, change=()):
        rig = rig_of("loopback")
        spec = audio_spec(rig)
        rng, full_band = np.random.default_rng(1), spec.rate_hz / 2 / (7000.0 - 50.0)
        body = []
        for level in levels:
            # Full scale is that of a sine: 3 dB below RMS 1.
            rms = math.sqrt(full_band / 2.0) * 10.0 ** ((level - spec.full_scale_db_spl[1]) / 20.0)
            body.append(np.stack([np.zeros(spec.rate_hz), rms * rng.standard_normal(spec.rate_hz)]))
        plan = plan_trial(trial_of(*change), rig, NEEDS)
        return judge_noise(plan, spec, body, NOISE)

    return _said


def test_a_noise_that_plays_as_asked_is_there(noise_said_of):
    assert noise_said_of(48.0, 68.0, 47.0) == []
    assert noise_said_of(43.0) == []


def test_a_noise_that_is_not_there_in_the_quietest_second_spoils_the_trial(noise_said_of):
    (found,) = noise_said_of(70.0, 31.0, 70.0)
    assert float(found.split()[2]) == pytest.approx(31.0, abs=0.3)
    assert "in the quietest second, where background should play at 48.0 dB SPL" in found


def test_of_babble_that_pauses_nothing_is_said(noise_said_of):
    assert noise_said_of(31.0, change=('colour = "pink"', 'colour = "babble"')) == []
