"""Bursts, and a network that learnt from them for a few steps."""

from __future__ import annotations

import pytest

from lab.training.sound_events import export, learn
from lab.training.sound_events.examples import Example
from tests.training.sound_events.bursts import RECIPE, bursts


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return bursts()


@pytest.fixture(scope="session")
def weights(examples) -> learn.Weights:
    return learn.learn(examples, RECIPE, lambda line: None)


@pytest.fixture
def folder(weights, tmp_path):
    """Of base and heads."""
    export.write_network(weights, learn.LABELS, tmp_path)
    return tmp_path
