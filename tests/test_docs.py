"""What README and docs show works as shown: files load, commands parse, links lead somewhere, the tour runs."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer

from detectors.build import load_build
from detectors.interface import AUDIBLE, Block, StreamFormat
from lab.commands.main import VERBS, application
from lab.runs.evidence import load_plan
from lab.scenario.load import load_scenario

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Snippet:
    page: Path
    language: str
    text: str

    @property
    def name(self) -> str | None:
        """The file it is: said by its first line, `# living_room.toml`."""
        found = re.match(r"# (\S+\.(?:toml|py))\n", self.text)
        return found[1] if found else None


def snippets(page: Path) -> list[Snippet]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [Snippet(page, language, text) for language, text in found]


ALL = [snippet for page in PAGES for snippet in snippets(page)]
FILES = {snippet.name: snippet for snippet in ALL if snippet.name}
COMMANDS = [
    (snippet.page.name, line.removeprefix("$ ").split(" #")[0].strip())
    for snippet in ALL
    if snippet.language == "console"
    for line in snippet.text.splitlines()
    if line.startswith("$ ")
]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with every file that the pages show."""
    for name, snippet in FILES.items():
        (tmp_path / name).write_text(snippet.text)
    return tmp_path


HEEDED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # even where we ignore it
)
PROGRAMS = {
    "lab": HEEDED + "from lab.commands.main import main; main()",
    "pytest": "import pytest; raise SystemExit(pytest.main())",
}


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    program, *arguments = shlex.split(command)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[program], *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    process = start(command, folder)
    out, error = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".toml")])
def test_every_shown_file_loads(written: Path, name: str):
    text = FILES[name].text
    if "earshot-scenario/" in text:
        assert load_scenario(written / name).id == Path(name).stem
    elif "earshot-evidence/" in text:
        assert load_plan(written / name).rows
    else:
        assert load_build(written / name).detectors


@pytest.mark.parametrize(
    ("page", "command"), [c for c in COMMANDS if re.match(r"(PYTHONPATH=\. )?lab ", c[1])]
)
def test_every_shown_lab_command_is_one_the_lab_understands(page: str, command: str):
    verb, *arguments = shlex.split(command.removeprefix("PYTHONPATH=. "))[1:]
    group = typer.main.get_command(application({verb: VERBS[verb]}))
    context = group.make_context("lab", [verb, *arguments])
    _, inner, rest = group.resolve_command(context, [verb, *arguments])
    while hasattr(inner, "resolve_command"):
        _, inner, rest = inner.resolve_command(inner.make_context(verb, list(rest)), rest)
    inner.make_context(verb, rest)  # raises on an unknown option or a missing argument


@pytest.mark.parametrize("command", [c for _, c in COMMANDS if c.startswith("make ")])
def test_every_shown_make_target_exists(command: str):
    done = subprocess.run(
        ["make", "--dry-run", *command.split()[1:]], check=False, cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_tour_of_the_readme_ends_in_a_report(written: Path):
    done = run("lab run living_room.toml --trials 2 --out runs/living_room", written)
    assert done.returncode == 2, done.stdout + done.stderr  # two trials decide nothing
    assert (written / "runs" / "living_room" / "report.html").is_file()
    done = run("lab render living_room.toml --cell distance_m=3.0 --trial 7", written)
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in written.glob("living_room-7.*")} == {".wav", ".tsv", ".json"}


def test_the_shown_plan_is_measured_and_ends_in_a_page(written: Path):
    some = "--trials-scale 0.005 --hours-scale 0.0002"
    done = run(f"lab evidence measure evidence.toml {some}", written)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("lab evidence publish evidence.toml", written)
    assert done.returncode == 0, done.stdout + done.stderr
    (page,) = (written / "docs" / "results").glob("*.md")
    assert (page.with_suffix("") / "living_room.png").read_bytes().startswith(b"\x89PNG")
    assert f"({page.stem}/living_room.png)" in page.read_text()
    assert "advertisement, 3 m" in page.read_text() and "a television without a mark" in page.read_text()
    done = run("lab evidence measure evidence.toml --row nowhere", written)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no row nowhere; there are: near, far, unmarked" in done.stderr


def test_measuring_that_is_interrupted_goes_on(written: Path):
    process = start("lab evidence measure evidence.toml --slice-s 0.5 --jobs 1", written)
    assert "1/" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130 and error == "lab: interrupted\n"
    assert out.endswith("the same command goes on\n")
    done = run("lab evidence estimate evidence.toml --row near", written)
    assert 0 < int(done.stdout.splitlines()[1].split()[1].split("/")[0]) < 480


def test_the_shown_detector_is_set_off_by_the_television(written: Path):
    done = run("lab run television.toml --build knock_build.toml --hours 0.1 --out runs/knock", written)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "door_knock" in done.stdout


def test_the_shown_detector_answers_alike_however_the_signal_is_cut(written: Path, monkeypatch):
    monkeypatch.syspath_prepend(str(written))
    from level_jump import LevelJump

    signal = np.random.default_rng(5).normal(0, 0.1, (1, 48_000)).astype(np.float32)
    scores = []
    for lengths in ([800] * 60, [1, 799] * 60, [333] * 144 + [48]):
        detector = LevelJump("level_jump", 1e-10)
        detector.open({AUDIBLE: StreamFormat(16_000, 1)})
        start = 0
        for length in lengths:
            detector.feed(Block(start, length, 16_000, {AUDIBLE: signal[:, start : start + length]}))
            start += length
        scores.append(detector.tracks()[0].scores)
    assert len(scores[0]) == 300
    assert np.array_equal(scores[0], scores[1]) and np.array_equal(scores[0], scores[2])


def test_the_shown_python_test_passes(written: Path):
    done = run("pytest -q test_living_room.py", written)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "examples").glob("*.toml")), ids=lambda path: path.stem
)
def test_example_scenarios_are_scenarios_and_nothing_that_is_judged(path: Path):
    scenario = load_scenario(path)
    assert scenario.id == path.stem
    assert scenario.first.split != "test" and not scenario.first.accept
