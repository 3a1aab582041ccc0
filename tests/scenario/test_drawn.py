"""Distributions: what they draw, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.scenario.drawn import Choice, Malformed, Sweep, Turn, is_drawn, parse

N = 20_000


def draws(table: dict) -> np.ndarray:
    rng = np.random.default_rng(1)
    distribution = parse(table)
    return np.array([distribution.draw(rng) for _ in range(N)])


def test_uniform_draws_are_uniform_between_its_ends() -> None:
    assert stats.kstest(draws({"uniform": [2.0, 5]}), stats.uniform(2, 3).cdf).pvalue > 0.001


def test_log_uniform_draws_are_uniform_in_the_logarithm() -> None:
    assert stats.kstest(draws({"log_uniform": [0.1, 10]}), stats.loguniform(0.1, 10).cdf).pvalue > 0.001


def test_normal_draws_are_those_of_a_truncated_normal() -> None:
    found = draws({"normal": {"mean": 70.0, "sd": 5.0, "low": 68.0, "high": 80.0}})
    assert found.min() >= 68.0 and found.max() <= 80.0
    wanted = stats.truncnorm((68 - 70) / 5, (80 - 70) / 5, loc=70, scale=5)
    assert stats.kstest(found, wanted.cdf).pvalue > 0.001


def test_every_choice_is_equally_likely() -> None:
    _, counts = np.unique(draws({"choice": ["a", "b", "c", "d"]}), return_counts=True)
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_choice_may_be_among_lists() -> None:
    assert parse({"choice": [[8.0, 5.0, 2.7], [5.0, 4.0, 2.4]]}) == Choice(([8.0, 5.0, 2.7], [5.0, 4.0, 2.4]))


def test_a_sweep_keeps_the_order_of_the_file() -> None:
    assert parse({"sweep": [3.0, 1, "x", False]}) == Sweep((3.0, 1, "x", False))


def test_turns_of_one_three_and_nine_trials_make_a_grid() -> None:
    turns = [
        parse({"turn": {"values": [1, 2, 3], "each": each}}) if each > 1 else parse({"turn": [1, 2, 3]})
        for each in (1, 3, 9)
    ]
    assert [turns[0].at(trial) for trial in range(4)] == [1, 2, 3, 1]
    assert [turns[1].at(trial) for trial in range(7)] == [1, 1, 1, 2, 2, 2, 3]
    assert len({tuple(turn.at(trial) for turn in turns) for trial in range(27)}) == 27
    assert [parse({"turn": {"count": 3, "each": 2}}).at(trial) for trial in range(7)] == [0, 0, 1, 1, 2, 2, 0]
    assert parse({"turn": {"count": 40}}).corners() == (0, 39)
    assert turns[2].corners() == Turn((1, 2, 3)).corners() == (1, 2, 3)


def test_a_table_with_any_other_key_is_a_table() -> None:
    assert not is_drawn({"uniform": [1, 2], "key": 1})
    assert not is_drawn({})
    assert not is_drawn([1, 2])


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"uniform": [2, 1]}, "low must be below high"),
        ({"uniform": [1, 1]}, "low must be below high"),
        ({"uniform": [1]}, "two numbers"),
        ({"uniform": [1, "2"]}, "two numbers"),
        ({"uniform": [1, float("inf")]}, "two numbers"),
        ({"uniform": [True, 2]}, "two numbers"),
        ({"log_uniform": [0, 1]}, "above 0"),
        ({"normal": [1, 2]}, "mean, sd, low and high"),
        ({"normal": {"mean": 1, "sd": 1, "low": 0}}, "mean, sd, low and high"),
        ({"normal": {"mean": 1, "sd": 0, "low": 0, "high": 2}}, "sd = 0 must be above 0"),
        ({"normal": {"mean": 5, "sd": 1, "low": 0, "high": 2}}, "low <= mean <= high"),
        ({"choice": []}, "at least one value"),
        ({"choice": [{"a": 1}]}, "variant"),
        ({"turn": []}, "at least one value"),
        ({"turn": [{"a": 1}]}, "variant"),
        ({"turn": {"values": [1], "each": 0}}, "each .1 or more trials"),
        ({"turn": {"values": [1], "count": 2}}, "values or count"),
        ({"turn": {"values": 3}}, "a list"),
        ({"turn": {"values": [1], "every": 2}}, "each .1 or more trials"),
        ({"sweep": []}, "at least one value"),
        ({"sweep": [[1, 2]]}, "variant"),
        ({"sweep": [1, 1.0]}, "each value once"),
        ({"sweep": 3}, "a list"),
        ({"uniform": [1, 2], "sweep": [1, 2]}, "one of uniform"),
    ],
)
def test_a_malformed_value_is_refused_with_what_is_wanted(table: dict, complaint: str) -> None:
    with pytest.raises(Malformed, match=complaint):
        parse(table)
