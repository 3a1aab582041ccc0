"""The page on instruments shows a driver, its profile, its emulator and its test; they work as shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

from rigs.profile import PROFILES, known_drivers, load_profile, read_toml
from tests.rigs.wires import emulated

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "instruments.md").read_text()


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_shown_meter_is_read(tmp_path):
    path = tmp_path / "our_meter.toml"
    path.write_text(shown("toml")[0])
    with emulated("scpi", load_profile("our_meter.toml", "scpi", folder=tmp_path)) as bench:
        assert bench.device.read("level") == 65.3
        assert bench.emulator.heard[-2:] == ["SYST:ERR?", "READ?"]


def test_the_shown_driver_needs_its_file_and_nothing_else(tmp_path):
    driver, emulator, test = shown("python")
    for path, text in {
        "more/dimmer.py": driver,
        "more/emulators/dimmer.py": emulator,
        "bench_two.toml": shown("toml")[1],
        "test_dimmer.py": test,
        # A checkout has the files in rigs/; here they lie elsewhere and the packages are told so.
        "conftest.py": "import rigs, rigs.emulators\n"
        f"rigs.__path__.append({str(tmp_path / 'more')!r})\n"
        f"rigs.emulators.__path__.append({str(tmp_path / 'more' / 'emulators')!r})\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:earshot",
            "test_dimmer.py",
        ],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_table_names_every_driver_and_every_shipped_profile_of_the_switches():
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert {re.match(r"\| `(\w+)`", line)[1] for line in table} == set(known_drivers())
    for path in PROFILES.glob("*.toml"):
        driver = read_toml(path)["driver"]
        if driver in ("lcus", "modbus_relay", "scpi", "climate"):
            row = next(line for line in table if line.startswith(f"| `{driver}`"))
            assert f"`{path.stem}`" in row
