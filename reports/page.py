"""One self-contained HTML page of one or more runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab.errors import LabFailure
from reports import words
from reports.clips import Allowance
from reports.comparison import ScenarioChange, compare
from reports.run import Run, open_run
from reports.sections import ScenarioSection, scenario_section

TEMPLATES = Path(__file__).with_name("templates")
SEVERITY = ("fail", "inconclusive", "pass", "reported")


@dataclass(frozen=True)
class RunSection:
    run: Run
    scenarios: list[ScenarioSection]
    changes: list[ScenarioChange]


def render(runs: list[Run], against: Run | None = None, folder: Path = Path()) -> str:
    """The page as text. against: a run that each run is compared with. folder: where the page will lie, for links."""
    allowance = Allowance()
    sections = []
    for number, run in enumerate(runs):
        scenarios = [
            scenario_section(run, scenario, f"r{number}-s{index}", folder, allowance)
            for index, scenario in enumerate(run.results.scenarios)
        ]
        changes = compare(against.results, run.results) if against else []
        sections.append(RunSection(run, scenarios, changes))
    overall = min((run.results.verdict for run in runs), key=SEVERITY.index)
    template = _environment().get_template("page.html")
    return template.render(runs=sections, against=against, overall=overall, words=words)


def write(html: str, path: Path) -> None:
    """Write the page; raises LabFailure when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise LabFailure(f"{path}: cannot write the report: {error.strerror}") from error


def write_report(folder: Path) -> Path:
    """Write the page of the run in `folder` as its `report.html`, and answer where."""
    target = folder / "report.html"
    write(render([open_run(folder)], folder=folder), target)
    return target


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        rate=words.rate,
        number=words.number,
        seconds=words.seconds,
        calibration=words.calibration,
        cell=words.cell_words,
        signed=words.signed,
    )
    environment.globals["stylesheet"] = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment
