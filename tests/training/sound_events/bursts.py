"""Scenes of three seconds: bursts of noise in noise, of which bright ones are glass and dark ones knocks."""

from __future__ import annotations

import numpy as np

from detectors.sound_events import features
from lab.training.sound_events.examples import WIDTH, Example
from lab.training.sound_events.learn import Recipe
from lab.training.sound_events.scenes import TARGETS, Scene

RECIPE = Recipe(steps=6, batch=2, crop=60, seed=3)
GLASS, KNOCK = TARGETS.index("glass_break"), TARGETS.index("door_knock")


def bursts() -> list[Example]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(12):
        audio = 0.003 * rng.standard_normal(48_000)
        labels = np.zeros((150, len(TARGETS)), np.int8)
        burst = rng.standard_normal(6400)
        if number % 2:
            audio[24_000:30_400] += 0.3 * np.diff(burst, prepend=0.0)
            labels[75:95, GLASS] = 1
        else:
            audio[24_000:30_400] += 0.05 * np.cumsum(burst - burst.mean()) / 10.0
            labels[75:95, KNOCK] = 1
        stored = np.round(np.clip(audio, -1.0, 0.999) * 2.0**15).astype(np.int16)
        scene = Scene(stored, labels, ("burst",), (30.0,))
        seen = features.of(scene.float_audio).reshape(-1, WIDTH).astype(np.float16)
        made.append(Example(scene, seen, labels))
    return made
