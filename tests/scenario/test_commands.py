"""`lab list` and `lab schema` as a user sees them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lab.commands.listing import duration_text, limit_text
from lab.commands.main import call
from lab.errors import ExitCode
from lab.scenario.model import Limit
from lab.scenario.schema import SCHEMA_FILE
from lab.store.results import Results
from tests.scenario.conftest import Load

ACCEPT = (
    '[[accept]]\nmetric = "detection_rate"\nlabel = "watermark"\nwhere = {snr_db = 10.0}\nat_least = 0.9\n'
)
SCENARIOS = Path(__file__).parents[2] / "scenarios"
SWEEP = {"snr_db = 20.0": "snr_db = {sweep = [10.0, 20.0]}"}


def test_list_tells_what_is_tested_and_how_much(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    load(SWEEP | {'id = "base"': 'id = "base"\ntags = ["quick"]'}, more=ACCEPT)
    assert call(["list", str(tmp_path)]) == ExitCode.PASS
    table = capsys.readouterr().out
    for part in (
        "base",
        "One marked programme",
        "quick",
        "2 x 20 trials",
        "watermark detected >= 0.9 where snr_db",
    ):
        assert part in table


def test_list_names_the_corpora_that_are_needed(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    load({"classes = [": 'corpus = {choice = ["procedural", "household"]}\nclasses = ['})
    call(["list", str(tmp_path)])
    assert "needs household" in capsys.readouterr().out


def test_list_keeps_to_a_tag(load: Load, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    load()
    assert call(["list", str(tmp_path), "--tag", "quick"]) == ExitCode.PASS
    assert "base" not in capsys.readouterr().out


def test_a_bad_file_is_one_message_and_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "x.toml").write_text('format = "earshot-scenario/1"\nid = ')
    assert call(["list", str(tmp_path)]) == ExitCode.BAD_INPUT
    heard = capsys.readouterr()
    assert heard.out == "" and heard.err.count("\n") == 1 and "x.toml:2:6" in heard.err


def test_schema_prints_the_schema_of_scenarios(capsys: pytest.CaptureFixture) -> None:
    assert call(["schema"]) == ExitCode.PASS
    assert capsys.readouterr().out == SCHEMA_FILE.read_text()


def test_schema_prints_the_schema_of_plans_of_evidence(capsys: pytest.CaptureFixture) -> None:
    assert call(["schema", "--kind", "evidence"]) == ExitCode.PASS
    schema = Draft202012Validator(json.loads(capsys.readouterr().out))
    plans = sorted(SCENARIOS.glob("*/evidence.toml"))
    assert len(plans) >= 3
    for path in plans:
        plan = tomllib.loads(path.read_text())
        assert list(schema.iter_errors(plan)) == []
        plan["row"][0]["trails"] = 1
        assert list(schema.iter_errors(plan)) != []


def test_schema_writes_the_schema_of_results(tmp_path: Path) -> None:
    out = tmp_path / "results.schema.json"
    assert call(["schema", "--kind", "results", "--out", str(out)]) == ExitCode.PASS
    schema = json.loads(out.read_text())
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(Results.model_fields)


def test_a_limit_reads_as_a_sentence() -> None:
    limit = Limit(metric="latency_p95_s", label="watermark", where={"distance_m": 1.0}, at_most=2.5)
    assert limit_text(limit) == "  watermark 95th percentile of latency, s <= 2.5 where distance_m = 1.0"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (600, "10 min"), (5400, "1.5 h")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
