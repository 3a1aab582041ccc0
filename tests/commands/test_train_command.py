"""What `lab train` and `lab mine` make of their options, before anything is rendered."""

from pathlib import Path

import pytest

from detectors.build import BUILDS
from lab.commands.train import presence_job, sound_events_job
from lab.training.presence.learn import Recipe as PresenceRecipe
from lab.training.sound_events.learn import Recipe

MODELS = BUILDS.parent / "models"


def test_without_options_a_training_publishes_where_the_builds_look():
    presence = presence_job(1.0, None, None, None, None, None)
    sounds = sound_events_job(1.0, None, None, None, None, None, None)
    assert (presence.out, sounds.out) == (MODELS, MODELS / "sound_events")
    assert (presence.work, sounds.work) == (
        Path("runs/training/presence"),
        Path("runs/training/sound_events"),
    )
    assert (presence.recipe, sounds.recipe) == (PresenceRecipe(), Recipe())


def test_fewer_steps_shorten_the_verifier_in_proportion():
    whole = sound_events_job(1.0, None, None, None, None, None, None)
    half = sound_events_job(1.0, whole.recipe.steps // 2, 9, None, None, None, None)
    assert half.verifier.steps == pytest.approx(whole.verifier.steps / 2, rel=0.01)
    assert (half.recipe.seed, half.verifier.learning.seed) == (9, 9)
