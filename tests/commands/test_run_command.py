"""`lab run` as a person sees it: who ran it, what the table says of a plan that is not whole, and refused counts."""

import re

import pytest

from lab.commands.main import call
from lab.store.results import read
from tests.runs.conftest import BUILD, SCENARIO

LIMIT = '\n[[accept]]\nmetric = "false_alarms_per_day"\nat_most = 1.0\n'


@pytest.fixture
def lab(tmp_path, monkeypatch, capsys):
    """`lab("--trials", 1)`: exit code of a run of the small scenario, what it printed and what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOGNAME", "vogel")
    (tmp_path / "small.toml").write_text(SCENARIO.replace("{sweep = [0.8, 1.1]}", "0.8") + LIMIT)
    (tmp_path / "level.toml").write_text(BUILD)

    def _lab(*arguments):
        words = ["run", "small.toml", "--build", "level.toml", "--out", "out", "--jobs", "1", "--no-report"]
        code = call([*words, *map(str, arguments)])
        said = capsys.readouterr()
        return int(code), re.sub(r"\s+", " ", said.out), said.err

    return _lab


def test_the_login_name_stands_for_the_operator_and_a_second_look_is_told(lab, tmp_path):
    code, out, _ = lab("--trials", 1)
    assert code == 2
    assert "small: 1 trials a cell, where the scenario asks for 6" in out
    assert read(tmp_path / "out").operators == ["vogel"]
    _, out, _ = lab("--trials", 2, "--resume", "--operator", "M. Ruiz")
    assert "small: judged at 1, then 2 trials a cell: limits take bounds of 99.9 %" in out
    assert "(99.9 %)" in out
    assert read(tmp_path / "out").operators == ["vogel", "M. Ruiz"]
    code, _, said = lab("--trials", 1, "--resume")
    assert (code, said) == (
        3,
        "lab: --trials 1 --resume: small in out was judged at 2 trials a cell; allowed: --trials 2 or more\n",
    )
