"""The package borders of the architecture hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    return subprocess.run([*command, "--no-cache"], check=False, cwd=folder, capture_output=True, text=True)


def test_every_import_stays_within_its_row_of_the_table():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small tree under the real contract: one detector and one bench."""
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/__init__.py", "tests/borders.py"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    for package in (
        "detectors",
        "detectors/watermark",
        "rigs",
        "reports",
        "lab",
        "lab/acoustics",
        "lab/bench",
    ):
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("detectors/watermark/detector.py", "import lab.bench", "the row of detectors does not allow"),
        ("detectors/watermark/detector.py", "import pandas", "the row of detectors does not allow"),
        (
            "lab/acoustics/room.py",
            "def late():\n    import lab.bench",
            "the row of lab.acoustics does not allow",
        ),
        ("lab/kitchen/__init__.py", "import lab.bench", "lab.kitchen is covered by no row"),
    ],
)
def test_an_import_across_a_border_is_named(copy: Path, file: str, line: str, complaint: str):
    assert lint(copy).returncode == 0
    (copy / file).parent.mkdir(exist_ok=True)
    (copy / file).write_text(line + "\n")
    result = lint(copy)
    assert result.returncode == 1
    assert complaint in " ".join(result.stdout.split())
