"""The page of a body of evidence: targets with their bounds and verdicts, and what is still missing.

`Figures` is all that the page says, as `docs/results/<suite>/figures.json` keeps it; counts are those of the ledger. Which tables stand on
it, in which order, is said by its sections.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from lab.errors import BadInput
from lab.store.results import Record, parse_document, replace

FORMAT = "earshot-figures/1"
FILE_NAME = "figures.json"


class Earlier(Record):
    """What was published of a row by draws that count in it no more. told: what it found. verdicts: of its targets. Others as in `Line`."""

    seeds: list[int]
    asked: float
    cells: int
    complete: bool
    grown: bool
    told: str
    verdicts: list[str]


class Line(Record):
    """One row of the plan by one stage of one detector, all its cells together. asked: trials of the plan, hours where `of_hours`.
    complete: whether all of it is there; until then verdicts take bounds of 99.9 %. grown: whether the plan was changed after a look;
    then they go on taking them. earlier: what was published of other draws by the same build. bounds are one-sided, 95 %. trials,
    detected: of events. silent_trials: those without an event of the label; silent_share: of them with an alarm. median_limit_s,
    uploads_limit, tone_on_limit: asked of the median time to a detection, of clips a day and of occupied_duty, the share of the time
    with somebody there in which the tone was on; median_low_s to occupied_duty_high are the bounds by which these are judged. present:
    of `present_of` who make a major motion, those who were called present in time. played: trials, of the last of its draws, in so many
    different `rooms`; None where it was not kept. alarmed: of them those with a false alarm. others: false alarms of other labels;
    others_high: at most a day. worst: of several cells the one with the fewest found, found, trials. by: of each drawn value of by_key,
    how many of how many: events found, where none is expected trials with a false alarm. uploads_hours: of which clips are counted.
    seeds: of the draws that count. duty: share of the time in which it listened. ceiling: see the page; ceiling_trials, ceiling_seed:
    how many trials it is the mean of and the seed of their draws, None where it was not kept.
    """

    row: str
    group: str
    what: str
    scenario: str
    scenario_hash: str
    build: str
    build_hash: str
    detector: str
    stage: str = "device"
    label: str
    cells: int
    asked: float
    of_hours: bool = False
    complete: bool = False
    grown: bool = False
    detected: int = 0
    trials: int = 0
    low: float | None = None
    high: float | None = None
    median_s: float | None = None
    median_low_s: float | None = None
    median_high_s: float | None = None
    median_limit_s: float | None = None
    present: int | None = None
    present_of: int = 0
    present_median_s: float | None = None
    false_alarms: int = 0
    alarmed: int = 0
    played: int | None = None
    rooms: int | None = None
    others: dict[str, int] = Field(default_factory=dict)
    others_high: dict[str, float] = Field(default_factory=dict)
    worst: tuple[str, int, int] | None = None
    by_key: str = ""
    by: dict[str, tuple[int, int]] = Field(default_factory=dict)
    hours: float = 0.0
    per_day_high: float | None = None
    active: float | None = None
    silent_share: float | None = None
    silent_high: float | None = None
    silent_trials: int = 0
    duty: float | None = None
    occupied_duty: float | None = None
    occupied_duty_low: float | None = None
    occupied_duty_high: float | None = None
    tone_on_limit: float | None = None
    uploads: int | None = None
    uploads_hours: float | None = None
    uploads_per_day: float | None = None
    uploads_low: float | None = None
    uploads_high: float | None = None
    uploaded_s_per_day: float | None = None
    uploads_limit: float | None = None
    ceiling_matched: float | None = None
    ceiling_energy: float | None = None
    headroom_db: float | None = None
    ceiling_trials: int | None = None
    ceiling_seed: int | None = None
    limit: str | None = None
    bound: float | None = None
    verdict: str = "reported"
    needed: str | None = None
    seeds: list[int] = Field(default_factory=list)
    earlier: list[Earlier] = Field(default_factory=list)

    @property
    def silent_alarmed(self) -> int:
        """Trials without an event of the label in which it was reported."""
        return round((self.silent_share or 0.0) * self.silent_trials)


class UnitLine(Record):
    """grown: see `Line`."""

    unit: int
    trials: int
    asked: int = 0
    difference: float
    low: float
    high: float | None = None
    grown: bool = False


class RangeLine(Record):
    """beyond: quiet_m is the farthest distance that was tried, and the range in quiet longer. grown: see `Line`."""

    what: str
    trials: int
    asked: int = 0
    beyond: bool = False
    range_m: float
    quiet_m: float
    ratio: float
    low: float
    high: float
    limit: float
    grown: bool = False


class HeardLine(Record):
    """labels: in how many of the trials each was reported. kind: what was played, `scenario variant`; recording: its path, if it is one."""

    group: str
    kind: str
    recording: str = ""
    stage: str
    trials: int
    nothing: int
    labels: dict[str, int]


class GridLine(Record):
    """One point of a grid. row: of the plan. values: of the point, by key."""

    row: str
    stage: str
    values: dict[str, float | str]
    detected: int
    trials: int


class Section(Record):
    """A chapter. form: one of FORMS. groups: of the lines in it. text, note: Markdown."""

    title: str
    form: str
    groups: list[str] = Field(default_factory=list)
    text: str = ""
    note: str = ""


class Made(Record):
    """When trials were made, and by which commits. days: the first and the last, UTC, of those of which it was kept; commits: how many of
    them each made, `+changes` where the checkout differed from it. not_kept: trials of which it was not, of draws that were started on the
    first and last day in `started`."""

    days: tuple[str, str] | None = None
    commits: dict[str, int] = Field(default_factory=dict)
    not_kept: int = 0
    started: tuple[str, str] | None = None

    @property
    def known(self) -> tuple[str, str] | None:
        """The first and the last of all these days."""
        every = [*(self.days or ()), *(self.started or ())]
        return (min(every), max(every)) if every else None


class Figures(Record):
    """picture: file of one in the folder of the suite, empty where there is none. note: Markdown below the summary. measured: first and last
    day that is known of what is counted. made: None in figures older than it, whose days are those on which draws were started."""

    format: str = FORMAT
    title: str
    suite: str
    under_test: str
    picture: str = ""
    note: str = ""
    measured: tuple[str, str] | None = None
    made: Made | None = None
    lines: list[Line]
    units: list[UnitLine] = Field(default_factory=list)
    ranges: list[RangeLine] = Field(default_factory=list)
    heard: list[HeardLine] = Field(default_factory=list)
    grids: list[GridLine] = Field(default_factory=list)
    sections: list[Section] = Field(default_factory=list)

    def tests(self, detector: str) -> bool:
        """Whether it is under test; all are where none is named."""
        return self.under_test in ("", detector)


def read(path: Path) -> Figures:
    """Raises BadInput like `lab.store.results.parse`."""
    return parse_document(path.read_bytes(), path, Figures, FORMAT)


def write(figures: Figures, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, figures.model_dump_json(indent=1) + "\n")


def picture(figures: Figures, folder: str) -> str:
    """The picture in Markdown, seen from where it lies in `folder`."""
    return f"![{figures.title}: found over distance, with 95 % bounds]({folder}{figures.picture})"


def page(figures: Figures) -> str:
    """Raises BadInput for a section of a form that there is none of."""
    from reports.evidence_tables import FORMS, before, identity, split, summary

    parts = [
        f"# {figures.title}: what was measured",
        "",
        "Everything is simulated. Bounds are one-sided, 95 %: of trials Clopper-Pearson on what they are worth with rooms shared, of hours",
        "exact Poisson, a trial with several alarms being one event of that weight. A verdict takes a bound beyond the limit, once all is there",
        "that the plan asks for; before, one of 99.9 %, as who looks again and again would otherwise find what he wants by chance. Between, it",
        "stays open, and the last column tells what is missing. Verdicts are of the threshold stored in the build. Cells of a row count",
        "together, against a limit of the whole row; where some were found less often than others, the row names the one found least, and is",
        "missed where that one alone breaks the limit. Median latencies are of what was found, their bounds of all that was tried. The page",
        f"is made by `lab evidence publish` from the plan of the suite; counts are in [{figures.suite}.json]({figures.suite}.json).",
        "",
        *identity(figures),
        "",
        *summary(figures),
        "",
        "Each target is judged by itself: of twenty whose truth lies at the very limit one is met by chance. Stages, and rows of one scenario, hear",
        "the same trials.",
        *(["", figures.note] if figures.note else []),
        *(["", picture(figures, f"{figures.suite}/")] if figures.picture else []),
    ]
    for section in figures.sections:
        if section.form not in FORMS:
            raise BadInput(
                f"section {section.title}: no form {section.form}; there are: {', '.join(sorted(FORMS))}"
            )
        body = FORMS[section.form](figures, section)
        if body:
            parts += [
                "",
                f"## {section.title}",
                "",
                *body,
                *split(figures, section),
                *before(figures, section),
            ]
        if body and section.note:
            parts += ["", section.note.strip()]
    return "\n".join(parts) + "\n"
