"""The plan of a body of evidence: which cells of which scenarios, by which build, how much of each.

    format = "earshot-evidence/1"
    title = "..."
    [[row]]
    name = "walk_radial_3m"
    what = "walks towards the device, 3 m"
    scenario = "walking"
    where = {route = "radial", distance_m = 3.0}
    build = "presence_baseband"
    label = "major_motion"
    trials = 480
    [[section]]
    title = "Found"
    form = "found"
    groups = ["walking"]

`seed` (1) is that of every trial, but for rows that name their own: a body of evidence that a look has changed the detector by wants
another, whose draws nobody has seen.
`counted_with` names seeds of earlier draws by the same detector: hours that the ledger holds of them count too, so that a body of evidence
grows from machine to machine. A detector whose code changed is another one.
`picture` names a scenario of the plan that sweeps `distance_m`: the page shows its rate of detections over it.
Scenarios lie beside the plan. Limits are the scenarios' own. Sections are those of the page, in order: rows of their groups in a table of
their form, or a text by its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from detectors.build import BUILDS, Build, load_build
from detectors.errors import DetectorError
from detectors.interface import LABELS
from detectors.stack import Stack
from lab.errors import BadInput
from lab.runs.split import value_at
from lab.runs.summary import limits
from lab.scenario.explain import problems, shown
from lab.scenario.load import ScenarioFile, load_scenario
from lab.scenario.toml_file import read_toml
from lab.scenario.tree import dotted
from lab.scenario.trial import Cell
from lab.spec import Spec
from lab.verdicts.limits import Limit, Subject, check_limits

FORMAT = "earshot-evidence/1"
FORMS = (
    "found",
    "silent",
    "held",
    "exposure",
    "second_look",
    "uploads",
    "ranges",
    "units",
    "compared",
    "confusion",
    "recordings",
    "grid",
    "text",
)  # of tables, see `reports.evidence_tables`
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class RowSpec(Spec):
    """One row. build: name of a shipped one, or a build file beside the plan. trials: of each cell. hours: of all cells together,
    shared evenly. pace: seconds rendered and heard per second of one core, a first guess. Limits that no scenario can state: median_s,
    of the time to a detection; uploads_per_day, of clips that leave the device; tone_on, share of the time with somebody there in which
    a tone is in the air; of_reference, least range relative to that of the row `reference`. seed: of draws of the row's own, by which
    alone it is judged; else those of the plan. by: key of a cell or of a drawn value, such as movers.person.gesture, by which the page
    splits what was found.
    """

    name: Name
    group: Name
    what: str = Field(min_length=1, max_length=120)
    scenario: Name
    where: dict[str, bool | int | float | str] = Field(default_factory=dict)
    build: str = Field(min_length=1, max_length=120)
    label: Literal[LABELS]
    trials: int | None = Field(None, ge=1, le=1_000_000)
    hours: float | None = Field(None, gt=0.0, le=100_000.0)
    pace: float = Field(60.0, gt=0.0)
    median_s: float | None = Field(None, gt=0.0)
    uploads_per_day: float | None = Field(None, gt=0.0)
    tone_on: float | None = Field(None, gt=0.0, le=1.0)
    of_reference: float | None = Field(None, gt=0.0, le=1.0)
    reference: Name | None = None
    seed: int | None = Field(None, ge=0, lt=2**31)
    by: str | None = Field(None, min_length=1, max_length=120)

    @property
    def asked(self) -> float:
        """Trials of each cell, or hours of all cells together."""
        return float(self.hours if self.hours is not None else self.trials or 0)

    @model_validator(mode="after")
    def _how_much(self) -> Self:
        if (self.trials is None) == (self.hours is None):
            raise ValueError(f"row {self.name}: exactly one of trials, hours")
        if (self.of_reference is None) != (self.reference is None):
            raise ValueError(f"row {self.name}: of_reference and reference go together")
        return self


class SectionSpec(Spec):
    """A chapter of the page. form: see `reports.evidence`. groups: of the rows in it. text: name of one of `lab.commands.evidence_texts`,
    for the form `text`. note: Markdown below the table."""

    title: str = Field(min_length=1, max_length=80)
    form: Literal[FORMS]
    groups: tuple[Name, ...] = ()
    text: Name | None = None
    note: str = ""

    @model_validator(mode="after")
    def _what(self) -> Self:
        if (self.form == "text") != (self.text is not None) or (self.form == "text") == bool(self.groups):
            raise ValueError(f'section "{self.title}": groups of rows, or form = "text" with its text')
        return self


class PlanSpec(Spec):
    format: Literal["earshot-evidence/1"]
    title: str
    detector: Name | None = None
    seed: int = Field(1, ge=0, lt=2**31)
    counted_with: tuple[int, ...] = ()
    picture: Name | None = None
    note: str = ""
    row: tuple[RowSpec, ...] = Field(min_length=1)
    section: tuple[SectionSpec, ...] = ()


@dataclass(frozen=True)
class EvidenceRow:
    """A row with its scenario, the cells it speaks of, and its build. limits: those of the scenario for these cells and this label."""

    spec: RowSpec
    scenario: ScenarioFile
    cells: tuple[Cell, ...]
    build: Build

    @property
    def name(self) -> str:
        return self.spec.name

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        return tuple(
            one
            for one in limits(self.scenario.first.accept)
            if one.label in (None, self.spec.label) and any(one.matches(cell.values) for cell in self.cells)
        )

    def trials_per_cell(
        self, trials_scale: float = 1.0, hours_scale: float = 1.0, hours_before: float = 0.0
    ) -> int:
        """hours_before: of the row's hours, those that there are already."""
        if self.spec.trials is not None:
            return max(1, round(trials_scale * self.spec.trials))
        hours = hours_scale * self.spec.hours
        if hours <= hours_before:
            return 0
        return max(
            1, round(3600.0 * (hours - hours_before) / len(self.cells) / self.scenario.first.duration_s)
        )


@dataclass(frozen=True)
class Plan:
    """detector: the one under test; others of a build are what it is compared with. Empty: all of a build, which is one device. seed: of every
    trial, but for rows with one of their own. counted_with: of draws published before whose hours count too. picture: id of a scenario,
    empty for none. note: Markdown below the number of targets that are met: what the verdicts are of."""

    path: Path
    title: str
    detector: str
    seed: int
    counted_with: tuple[int, ...]
    rows: tuple[EvidenceRow, ...]
    sections: tuple[SectionSpec, ...]
    picture: str = ""
    note: str = ""

    @property
    def suite(self) -> str:
        return self.path.resolve().parent.name

    def tests(self, detector: str) -> bool:
        return self.detector in ("", detector)

    def seed_of(self, row: EvidenceRow) -> int:
        return self.seed if row.spec.seed is None else row.spec.seed

    def counted_with_of(self, row: EvidenceRow) -> tuple[int, ...]:
        return self.counted_with if row.spec.seed is None else ()


def load_plan(path: Path) -> Plan:
    """Raises BadInput naming the file, the row and what is wrong."""
    content = read_toml(path)
    try:
        spec = PlanSpec.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        lines = [f"{path}: {dotted(key)}: {said}" for key, said in problems(error, PlanSpec, _names(content))]
        raise BadInput("\n".join(lines)) from None
    if spec.seed in spec.counted_with:
        raise BadInput(f"{path}: counted_with: {spec.seed} is the seed of the plan itself; only earlier ones")
    names = [row.name for row in spec.row]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"{path}: rows must have different names; twice: {', '.join(twice)}")
    for row in spec.row:
        if row.seed in (spec.seed, *spec.counted_with):
            raise BadInput(
                f"{path}: row {row.name}: seed = {row.seed} is one of the plan's; another, or none for the plan's draws"
            )
        if row.reference is None:
            continue
        if row.reference not in names:
            raise BadInput(f"{path}: row {row.name}: reference: no row {row.reference}")
        if row.seed != spec.row[names.index(row.reference)].seed:
            raise BadInput(
                f"{path}: row {row.name}: seed: that of row {row.reference}, as both are compared trial by trial"
            )
    groups = {row.group for row in spec.row}
    for section in spec.section:
        for group in sorted(set(section.groups) - groups):
            raise BadInput(
                f"{path}: section {section.title}: no row of group {group}; there are: {', '.join(sorted(groups))}"
            )
    files = _Files(path)
    rows = tuple(_row(row, files) for row in spec.row)
    detectors = sorted({name for row in rows for name in row.build.parts})
    if spec.detector is not None and spec.detector not in detectors:
        raise BadInput(
            f'{path}: detector = "{spec.detector}": builds of the plan have {", ".join(detectors)}'
        )
    picture = spec.picture or ""
    swept = {
        cell.values.get("distance_m") for row in rows if row.scenario.id == picture for cell in row.cells
    }
    if picture and len(swept) < 2:
        raise BadInput(f"{path}: picture: no row of a scenario {picture} that sweeps distance_m")
    if picture and len({row.spec.seed for row in rows if row.scenario.id == picture}) > 1:
        raise BadInput(f"{path}: picture: rows of {picture} take one seed, as they are drawn together")
    return Plan(
        path,
        spec.title,
        spec.detector or "",
        spec.seed,
        spec.counted_with,
        rows,
        spec.section,
        picture,
        spec.note,
    )


def _names(content: Mapping[str, Any]) -> dict[str, list[str]]:
    """What rows and sections are called in messages: by their name, else by where they stand."""

    def called(one: Any, key: str, at: int) -> str:
        return str(one.get(key, at)) if isinstance(one, Mapping) else str(at)

    found = {"row": "name", "section": "title"}
    return {
        table: [called(one, key, at) for at, one in enumerate(content[table])]
        for table, key in found.items()
        if isinstance(content.get(table), list)
    }


class _Files:
    """Scenarios and builds that the rows of a plan name, each read once. Raises BadInput naming plan and row."""

    def __init__(self, plan: Path) -> None:
        self.plan = plan
        self._scenarios: dict[str, ScenarioFile] = {}
        self._builds: dict[str, tuple[Build, tuple[Subject, ...]]] = {}

    def scenario(self, row: RowSpec) -> ScenarioFile:
        if row.scenario not in self._scenarios:
            try:
                self._scenarios[row.scenario] = load_scenario(self.plan.parent / f"{row.scenario}.toml")
            except BadInput as error:
                raise BadInput(f"{self.plan}: row {row.name}: {error}") from None
        return self._scenarios[row.scenario]

    def build(self, row: RowSpec) -> tuple[Build, tuple[Subject, ...]]:
        """The build and what its detectors report."""
        if row.build not in self._builds:
            beside = row.build.endswith(".toml")
            path = self.plan.parent / row.build if beside else BUILDS / f"{row.build}.toml"
            try:
                build = load_build(path)
                subjects = Stack(build).subjects
            except DetectorError as error:
                raise BadInput(f"{self.plan}: row {row.name}: {error}") from None
            if any(build.id == other.id and build.hash != other.hash for other, _ in self._builds.values()):
                raise BadInput(
                    f"{self.plan}: row {row.name}: build {row.build}: another build of the plan has its id, {build.id}"
                )
            self._builds[row.build] = build, subjects
        return self._builds[row.build]


def _row(spec: RowSpec, files: _Files) -> EvidenceRow:
    scenario = files.scenario(spec)
    build, reported = files.build(spec)
    where = f"{files.plan}: row {spec.name}"
    labels = sorted({label for _, label, _ in reported})
    if spec.label not in labels:
        raise BadInput(f'{where}: label = "{spec.label}": build {spec.build} reports {", ".join(labels)}')
    wanted = Limit("detection_rate", where=spec.where, at_least=0.0)
    cells = tuple(cell for cell in scenario.cells() if wanted.matches(cell.values))
    if not cells:
        raise BadInput(
            f"{where}: where = {shown(spec.where)} matches no cell of {spec.scenario}; there are: "
            + "; ".join(cell.key for cell in scenario.cells())
        )
    heard = [cell.values for cell in cells]
    by = spec.by
    if by is not None and not (by in heard[0] or value_at(scenario.first.model_dump(), by)):
        raise BadInput(f"{where}: by: neither a cell of {spec.scenario} nor what it draws has {by}")
    asked = [one for one in limits(scenario.first.accept) if any(one.matches(cell) for cell in heard)]
    try:
        check_limits(asked, heard, reported)
    except BadInput as error:
        raise BadInput(f"{where}: {spec.scenario}: {error}") from None
    return EvidenceRow(spec, scenario, cells, build)
