"""How units are calibrated is told from what a detector found on them, and can be found again."""

from __future__ import annotations

import json

import pytest

from lab.commands.calibrations import KEPT, every, told

ROWS = json.loads(KEPT.read_text())


def test_the_units_that_are_kept_are_those_that_are_found():
    found = every()
    for kept in ROWS[:2]:
        # Single precision adds up differently where arrays lie differently in memory: 1e-6 was seen, 1e-5 is 0.001 dB.
        now = next(found)
        numbers = [key for key, value in kept.items() if isinstance(value, float)]
        assert {key: now[key] for key in numbers} == pytest.approx(
            {key: kept[key] for key in numbers}, rel=1e-5
        )
        assert {**now, **{key: kept[key] for key in numbers}} == kept


def test_every_unit_is_told_with_what_is_wrong_with_it():
    lines = told(ROWS).splitlines()
    assert "20 units and the one as designed" in lines[0] and "met" in lines[0]
    dead = next(line for line in lines if line.startswith("| dead_microphone | all_but_one"))
    assert dead.split("|")[6].strip() == "1, 2, 3"
    blocked = [line.split("|")[2].split(",")[0].strip() for line in lines if "| yes |" in line]
    assert blocked == ["blocked"] * 3
    nominal = next(row for row in ROWS if row["build"] == "presence_baseband")
    aired = nominal["level_db_spl"] + nominal["response_db"] - 22.0
    assert f"{aired:.1f} dB SPL at 1 m are in the air" in lines[0] and aired == pytest.approx(85.0, abs=0.5)
    slow = [row | {"took_s": 10.5} for row in ROWS[:1]]
    assert "**missed**" in told(slow)
