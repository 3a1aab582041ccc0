"""A run that was stopped goes on where it was, unless it was of another recipe or of other data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is an extra: requirements/install.sh train")

from lab.training.sound_events import learn, stopped, verifier
from tests.training.sound_events.bursts import RECIPE

VERIFYING = verifier.VerifierRecipe(steps=3, frames=100, learning=replace(RECIPE, threads=1))


def _after(patched, where, name: str, calls: int) -> None:
    """The method stops its run when it is called for so many times."""
    whole, left = getattr(where, name), [calls]

    def take(*args):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return whole(*args)

    patched.setattr(where, name, take)


@pytest.fixture
def kept(examples, tmp_path, monkeypatch):
    """The file of a run over `examples` of which two steps of six are done."""
    monkeypatch.setattr(stopped, "EVERY_S", 0.0)
    with monkeypatch.context() as patched:
        _after(patched, learn.Parts, "take", 3)
        with pytest.raises(KeyboardInterrupt):
            learn.learn(examples, RECIPE, lambda line: None, kept=tmp_path / "run.pt")
    return tmp_path / "run.pt"


def test_it_ends_as_one_that_was_not_stopped(examples, weights, kept):
    said = []
    again = learn.learn(examples, RECIPE, said.append, kept=kept)
    assert said[0] == "goes on at step 2"
    assert not kept.exists()
    for name, value in weights.items():
        assert np.array_equal(value, again[name]), name


@pytest.mark.parametrize("other", ["seed", "rate", "fewer examples", "other labels", "mined", "start"])
def test_another_run_begins_anew(examples, weights, kept, other):
    recipe, data, start, said = RECIPE, list(examples), None, []
    if other == "seed":
        recipe = replace(RECIPE, seed=4)
    elif other == "rate":
        recipe = replace(RECIPE, rate=1e-3)
    elif other == "fewer examples":
        data = data[1:]
    elif other == "other labels":
        data[3] = replace(data[3], labels=1 - data[3].labels)
    elif other == "mined":
        data[3] = replace(data[3], mined=True)
    else:
        start = weights
    found = learn.learn(data, recipe, said.append, start, kept=kept)
    assert said[0] == f"{kept}: of another recipe or other data: begins anew"
    wanted = learn.learn(data, recipe, lambda line: None, start)
    assert all(np.array_equal(value, wanted[name]) for name, value in found.items())


def test_a_file_of_before_runs_were_told_apart_is_not_gone_on_with(examples, kept):
    torch = learn.torch_module()
    state = torch.load(kept, weights_only=True)
    state["steps"] = RECIPE.steps
    del state["of"]
    torch.save(state, kept)
    said = []
    learn.learn(examples, RECIPE, said.append, kept=kept)
    assert said[0].endswith("begins anew")


def test_the_verifier_goes_on_with_its_own_clips_alone(examples, tmp_path, monkeypatch):
    flagged = [
        verifier.Flagged(one.features[60:110], verifier.target_of(one.labels), "glass_break")
        for one in examples
    ]
    whole = verifier.learn(flagged, VERIFYING, lambda line: None)
    monkeypatch.setattr(stopped, "EVERY_S", 0.0)
    kept, said = tmp_path / "verifier.pt", []
    for clips in (flagged, flagged[1:]):
        with monkeypatch.context() as patched:
            _after(patched, verifier, "take", 3)
            with pytest.raises(KeyboardInterrupt):
                verifier.learn(flagged, VERIFYING, lambda line: None, kept)
        made = verifier.learn(clips, VERIFYING, said.append, kept)
        if clips is flagged:
            assert all(np.array_equal(value, made[name]) for name, value in whole.items())
    assert [line for line in said if "verifier step" not in line] == [
        "goes on at step 2",
        f"{kept}: of another recipe or other data: begins anew",
    ]
