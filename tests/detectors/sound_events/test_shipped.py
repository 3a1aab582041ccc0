"""The shipped networks: within the budget, the same base under every head, and int8 that decides as float32 does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from detectors.build import BUILDS, load_build
from detectors.sound_events import budget
from detectors.sound_events.features import of
from detectors.sound_events.network import Network
from detectors.stack import Stack
from tests.detectors.sound_events.hearing import RATE, glass, knock, room, smoke

SPECS = {
    name: load_build(BUILDS / f"{name}.toml").detectors[0] for name in ("sound_events", "sound_events_int8")
}


def heads(name: str) -> list[Path]:
    return [path for path in SPECS[name].weights if path.name.startswith("head_")]


def run(base: Path, files: list[Path]) -> dict[str, np.ndarray]:
    """Log odds of each hop of half a minute with an alarm, glass and a knock."""
    audio = room(30.0)
    smoke(audio, 8.0, 24.0)
    glass(audio, 5.0)
    knock(audio, 27.0)
    network = Network(base, files)
    state, found = network.start(), {label: [] for label in network.heads}
    for hop in of(audio.astype(np.float32)).reshape(30 * RATE // 1_600, 5, 2, -1):
        logits, state = network.step(hop, state)
        for label, value in logits.items():
            found[label].append(value)
    return {label: np.array(values) for label, values in found.items()}


@pytest.mark.parametrize("name", ["sound_events", "sound_events_device", "sound_events_int8"])
def test_every_build_opens_with_its_stages(name: str):
    stages = {stage for _, _, stage in Stack(load_build(BUILDS / f"{name}.toml")).subjects}
    assert stages == ({"device"} if name == "sound_events_device" else {"device", "cascade"})


def test_learnt_numbers_are_those_of_the_budget():
    network = Network(SPECS["sound_events"].model, heads("sound_events"))
    assert (
        network.parameters == budget.parameters(budget.stages(RATE, len(network.heads))) <= budget.PARAMETERS
    )


def test_int8_files_of_the_device_stage_fit():
    files = [SPECS["sound_events_int8"].model, *heads("sound_events_int8")]
    assert sum(path.stat().st_size for path in files) <= budget.INT8_BYTES


def test_a_head_more_leaves_the_other_files_and_their_scores_as_they_are(tmp_path: Path):
    """To the byte and to the bit: door_knock joins the rest."""
    files = [
        Path(shutil.copy(path, tmp_path)) for path in (SPECS["sound_events"].model, *heads("sound_events"))
    ]
    base, knocking = files[0], tmp_path / "head_door_knock.onnx"
    others = [path for path in files[1:] if path != knocking]
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (base, *others)}
    alone, joined = run(base, others), run(base, [*others, knocking])
    assert set(joined) - set(alone) == {"door_knock"}
    for label, values in alone.items():
        np.testing.assert_array_equal(joined[label], values)
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before} == before


def test_int8_decides_as_float32_does():
    """Of the hops of half a minute, 95 % on the same side for every event, where either is sure by half a unit of log odds."""
    exact = run(SPECS["sound_events"].model, heads("sound_events"))
    small = run(SPECS["sound_events_int8"].model, heads("sound_events_int8"))
    for label, values in exact.items():
        sure = np.abs(values) > 0.5
        assert np.mean((values > 0.0) == (small[label] > 0.0), where=sure) >= 0.95, label


@pytest.mark.parametrize("name", SPECS)
def test_minutes_of_silence_leave_every_event_unheard(name: str):
    network = Network(SPECS[name].model, heads(name))
    state = network.start()
    for _ in range(1_200):
        logits, state = network.step(np.tile(np.float32([[0.0], [-6.0]]), (5, 1, 64)), state)
    assert np.isfinite(state).all()
    assert max(logits.values()) < 0.0
