"""Someone walks: times and places of steps, their sound, their truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lab.sources.footsteps import (
    FLOORS,
    SHOES,
    FootstepsSpec,
    draw_walk,
    open_footsteps,
    step_pressure,
    step_time_s,
)
from lab.sources.modal import RATE_HZ
from tests.sources.test_glass import figures


def walker(**keys) -> FootstepsSpec:
    return FootstepsSpec(
        kind="footsteps", name="walker", **({"distance_m": 2.0} if "path_m" not in keys else {}), **keys
    )


def opened(spec, seed=1, seconds=12.0, split="train"):
    return open_footsteps(spec, seed=seed, rate_hz=16_000, duration_s=seconds, split=split)


def test_a_step_takes_as_long_as_the_gait_says():
    """1.3 m/s and a leg of 0.93 m: 0.569 s, 106 steps a minute; the walk keeps that within 2 %."""
    assert step_time_s(1.3, 0.93) == pytest.approx(0.569, abs=0.001)
    times = [
        t
        for t, _, _ in opened(
            walker(speed_m_s=1.3, height_of_walker_m=1.755, steps=200), seconds=200.0
        ).steps()
    ]
    assert np.mean(np.diff(times)) == pytest.approx(0.569, rel=0.02)
    assert 0.01 < np.std(np.diff(times)) / np.mean(np.diff(times)) < 0.06


def test_steps_fall_along_the_path():
    stream = opened(
        walker(
            speed_m_s=1.3, height_of_walker_m=1.755, path_m=((1.0, 1.0), (4.0, 1.0), (4.0, 3.0)), start_s=0.5
        )
    )
    steps = np.array(stream.steps())
    assert tuple(steps[0]) == (0.5, 1.0, 1.0)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(steps[:, 1:], axis=0).T))))
    assert along[:4] == pytest.approx(0.7397 * np.arange(4), abs=0.01)
    assert len(steps) == 1 + int(5.0 / 0.7397)
    assert np.all((steps[:, 2] == 1.0) | (steps[:, 1] == 4.0))


def test_each_step_is_heard_at_its_time_and_is_its_own():
    spec = walker(steps=6, shoe="leather", surface="wood")
    stream = opened(spec)
    audio = stream.read(16_000 * 12)
    peaks = []
    for at_s, x, _ in stream.steps():
        at = round(at_s * 16_000)
        assert np.isnan(x)
        assert np.abs(audio[at : at + 320]).max() > 5.0 * np.abs(audio[at - 80 : at]).max(initial=1e-6)
        peaks.append(audio[at : at + 1000])
    alike = np.corrcoef(peaks) - np.eye(6)
    assert alike.max() < 0.999
    assert np.median(np.abs(alike)) > 0.2


def test_truth_spans_the_walk():
    stream = opened(walker(steps=8, start_s=1.0))
    stream.read(16_000 * 12)
    (event,) = stream.truth
    last_s = stream.steps()[-1][0]
    assert event.label == "footsteps"
    assert event.onset_s == stream.steps()[0][0] == 1.0
    assert 0.03 < event.offset_s - last_s < 0.36


def test_walks_in_a_schedule_do_not_overlap():
    stream = opened(walker(schedule={"poisson_per_h": 600.0}), seconds=300.0)
    for _ in stream.chunks(16_000):
        pass
    events = stream.truth
    assert len(events) >= 8
    assert all(a.offset_s <= b.onset_s for a, b in itertools.pairwise(events))


def test_steps_are_as_short_and_low_as_measured():
    """Measured: 30 dB down after 0.17 s (0.07 to 0.25), 97 % of the energy below 3 kHz on bare floors; centroid 440 Hz."""
    found, centroids = [], []
    for i in range(24):
        walk = draw_walk(walker(), np.random.default_rng([2, i]), "train")
        audio = step_pressure(walk, 1, "air", RATE_HZ, "train")
        power = np.abs(np.fft.rfft(audio)) ** 2
        centroids.append(np.sum(np.fft.rfftfreq(len(audio), 1 / RATE_HZ) * power) / power.sum())
        found.append(figures(audio))
    median = np.median(found, axis=0)
    assert 0.07 <= median[5] <= 0.25
    assert median[:2].sum() > 85.0
    assert 150.0 <= np.median(centroids) <= 700.0


def test_hard_shoes_are_brighter_and_louder_than_bare_feet():
    def of(shoe):
        walks = [
            draw_walk(walker(shoe=shoe, surface="tile"), np.random.default_rng([2, i]), "train")
            for i in range(8)
        ]
        shares = [figures(step_pressure(w, 0, "air", RATE_HZ, "train"))[2:5].sum() for w in walks]
        return np.median(shares), np.mean([w.level_db_spl for w in walks])

    assert of("heel")[0] > 10.0 > of("barefoot")[0]
    assert of("heel")[1] == pytest.approx(
        of("barefoot")[1] + SHOES["heel"][2] - SHOES["barefoot"][2], abs=1e-9
    )
    assert set(FLOORS) == {"wood", "laminate", "tile", "carpet"}


def test_reads_change_no_bit():
    whole = opened(walker()).read(64_000)
    parts = opened(walker())
    assert np.array_equal(whole, np.concatenate([parts.read(n) for n in (1, 31_999, 7, 31_993)]))
