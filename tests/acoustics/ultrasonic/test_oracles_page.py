"""The page of the oracles speaks of tests that there are, and every row with a limit is held by one."""

import re

import pytest

from tests.acoustics.ultrasonic.oracles import PAGE

HERE, ROOT = PAGE.parents[1] / "tests" / "acoustics" / "ultrasonic", PAGE.parents[1]
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", re.findall(r"`(\S+\.py::\w+)`", TEXT))
def test_a_named_test_exists(name):
    file, function = name.split("::")
    path = ROOT / file if "/" in file else HERE / file
    assert f"def {function}(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("oracle", re.findall(r"^\| ([^|]+) \|[^|]*\| ≤ ", TEXT, re.MULTILINE))
def test_a_row_with_a_limit_is_held_by_a_test(oracle):
    assert any(f'"{oracle}"' in path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
