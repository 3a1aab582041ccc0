"""What pages of evidence tell beside their tables, from wherever the lab is called."""

import os
import subprocess
import sys
from pathlib import Path

from lab.commands.evidence_texts import TEXTS

SAY = "from lab.commands.evidence_texts import TEXTS; print([name for name, text in TEXTS.items() if text()])"


def test_every_text_says_something_even_in_another_folder(tmp_path: Path):
    elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", SAY], check=False, cwd=tmp_path, env=elsewhere, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(list(TEXTS))
