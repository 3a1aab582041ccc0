"""What clustered trials are worth: by hand, and by simulating rooms and recordings that differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from lab.verdicts.clusters import Sample, design_effect, sample
from lab.verdicts.intervals import proportion


def test_trials_that_share_nothing_count_in_full():
    results = np.arange(200) % 10 > 0
    alone = sample(results, {"recording": np.arange(200)})
    assert alone.effective_trials == pytest.approx(200)
    assert alone.bounds().low == pytest.approx(proportion(180, 200).low)


def test_rooms_that_decide_alone_count_once_each():
    results = np.repeat(np.arange(40) % 4 > 0, 6)
    rooms = np.repeat(np.arange(40), 6)
    found = sample(results, {"room": rooms})
    assert found.effective_trials == pytest.approx(40, rel=0.1)


@pytest.mark.parametrize("value", [True, False])
def test_trials_all_alike_count_as_the_scarcest_kind(value):
    results = np.full(480, value)
    found = sample(results, {"room": np.arange(480) % 40, "recording": np.arange(480) % 100})
    assert (found.effective_trials, found.clusters) == (40, 40)


def test_a_miss_never_raises_the_lower_bound():
    rooms = np.arange(480) % 40
    lows = []
    for misses in range(12):
        results = np.ones(480, dtype=bool)
        results[:misses] = False
        lows.append(sample(results, {"room": rooms}).bounds().low)
    assert (np.diff(lows) <= 1e-12).all()
    assert lows[0] == pytest.approx(0.05 ** (1 / 40))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=60))
def test_effective_trials_lie_between_one_and_the_trials(rows):
    results = np.array([row[0] for row in rows])
    found = sample(results, {"room": [str(r[1]) for r in rows], "recording": [str(r[2]) for r in rows]})
    assert 1 <= found.effective_trials <= found.trials + 1e-9
    bounds = found.bounds()
    assert 0 <= bounds.low <= found.rate <= bounds.high <= 1


def _clustered(n, rooms, clips, true, room_share, clip_share, runs, seed=0):
    """Results (runs, n) whose chance of success differs by room and clip; shares of the latent variance."""
    rng = np.random.default_rng(seed)
    room, clip = np.arange(n) % rooms, (np.arange(n) * 7 + np.arange(n) // rooms) % clips
    latent = np.sqrt(room_share) * rng.normal(size=(runs, rooms))[:, room]
    latent += np.sqrt(clip_share) * rng.normal(size=(runs, clips))[:, clip]
    latent += np.sqrt(1 - room_share - clip_share) * rng.normal(size=(runs, n))
    return latent < norm.ppf(true), {"room": room, "recording": clip}


@pytest.mark.parametrize(
    ("n", "rooms", "clips", "true", "room_share", "clip_share"),
    [
        (240, 240, 240, 0.9, 0.0, 0.0),
        (240, 40, 60, 0.95, 0.0, 0.0),
        (480, 40, 100, 0.8, 0.3, 0.3),
        (400, 40, 50, 0.9, 0.15, 0.15),
        (240, 30, 30, 0.7, 0.5, 0.0),
    ],
)
def test_bounds_cover_when_rooms_and_recordings_differ(n, rooms, clips, true, room_share, clip_share):
    results, clusters = _clustered(n, rooms, clips, true, room_share, clip_share, runs=1500)
    bounds = [sample(row, clusters).bounds() for row in results]
    # 1500 runs know a coverage of 95 % to 1.1 % (two standard errors)
    assert np.mean([b.low <= true for b in bounds]) >= 0.939
    assert np.mean([b.high >= true for b in bounds]) >= 0.939


def test_the_worst_kind_alone_would_cover_too_little():
    true = 0.5
    results, clusters = _clustered(400, 20, 20, true, 0.3, 0.3, runs=1000)
    covered = []
    for row in results:
        effect = max(1.0, *(design_effect(row, code) for code in clusters.values()))
        covered.append(Sample(int(row.sum()), 400, 400 / effect, 20).bounds().low <= true)
    added = [sample(row, clusters).bounds().low <= true for row in results]
    assert np.mean(covered) < 0.93 < np.mean(added)
