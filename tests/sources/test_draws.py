"""What a split owns of a range, and of a body."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.sources.draws import OWNED, SIZE, STRIPS, held_out, resonances, strip_of


@pytest.mark.parametrize("split", OWNED)
def test_a_value_comes_from_the_strips_of_its_split(split):
    rng = np.random.default_rng(1)
    values = [held_out(rng, split, 2.0, 90.0) for _ in range(400)]
    assert {strip_of(value, 2.0, 90.0) for value in values} == set(OWNED[split])


def test_no_strip_is_owned_twice_and_all_are_owned():
    assert sorted(strip for strips in OWNED.values() for strip in strips) == list(range(STRIPS))


def test_an_unknown_split_is_refused():
    with pytest.raises(BadInput, match="train, tune, test"):
        held_out(np.random.default_rng(1), "trial", 1.0, 2.0)


def test_bodies_of_two_splits_ring_in_the_same_bands():
    """1000 bodies each: no band of an eighth of the range is rung in by one split more than 1.3 times as often as by another."""
    shares = []
    for split in OWNED:
        rng = np.random.default_rng(2)
        hz = np.concatenate([resonances(rng, split, 100.0, 6400.0, 12) for _ in range(1000)])
        inside = hz[(hz >= 100.0 * SIZE) & (hz < 6400.0 / SIZE)]
        edges = np.geomspace(100.0 * SIZE, 6400.0 / SIZE, STRIPS + 1)
        shares.append(np.histogram(inside, edges)[0] / len(inside))
    assert np.max(np.max(shares, axis=0) / np.min(shares, axis=0)) < 1.3


def test_the_size_of_a_body_is_its_split_s_own():
    """The same draws in two splits: all resonances lie a common factor apart."""
    train, test = (
        resonances(np.random.default_rng(3), split, 100.0, 6400.0, 12) for split in ("train", "test")
    )
    ratio = train / test
    assert ratio == pytest.approx(np.full(12, ratio[0]))
    assert ratio[0] != pytest.approx(1.0, abs=1e-3)
    assert np.all(np.diff(train) >= 0.0)
