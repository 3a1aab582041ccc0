"""What `lab evidence` does with a plan: what is left of it, a page of what is stored."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import BadInput
from lab.runs.campaign import Campaign, provenance, states, summaries
from lab.runs.evidence import Plan
from lab.store.results import Results
from reports.evidence import Figures
from reports.evidence_targets import OPEN, verdicts


def chosen(plan: Plan, rows: Sequence[str], undecided: bool, results: Path) -> tuple[str, ...]:
    """Names of the rows asked for, empty for all. undecided: only those that more measuring can still decide. Raises BadInput for a row
    that there is none of, and where none is left."""
    names = [row.name for row in plan.rows]
    unknown = [row for row in rows if row not in names]
    if unknown:
        raise BadInput(f"{plan.path}: no row {unknown[0]}; there are: {', '.join(names)}")
    return tuple(_undecided(plan, rows, results) if undecided else rows)


def _undecided(plan: Plan, asked: Sequence[str], results: Path) -> list[str]:
    """Of these rows, all where none is named, those that more measuring can still decide: without those of which no published target is
    open. Raises BadInput where none is left."""
    from lab.commands.evidence_figures import is_of
    from reports import evidence as page

    path = results / plan.suite / page.FILE_NAME
    said: dict[str, list[str]] = defaultdict(list)
    rows = {row.name: row for row in plan.rows}
    for line in page.read(path).lines if path.exists() else []:
        row = rows.get(line.row)
        if row is not None and is_of(line, row) and plan.seed_of(row) in line.seeds:
            said[line.row] += verdicts(line) or [OPEN]
    named = asked or list(rows)
    left = [name for name in named if not said[name] or OPEN in said[name]]
    if not left:
        raise BadInput(f"{path}: every row asked for is decided; leave out --undecided to measure on")
    return left


def estimate(campaign: Campaign, jobs: int) -> str:
    """A table: row, trials done and wanted, pace, minutes left on `jobs` cores."""
    lines = [f"{'row':28}{'trials':>14}{'hours':>9}{'pace':>8}{'minutes left':>14}"]
    total = 0.0
    for state in states(campaign):
        total += state.left_s
        hours = state.wanted * state.row.scenario.first.duration_s / 3600
        lines.append(
            f"{state.row.name:28}{f'{state.trials}/{state.wanted}':>14}{hours:>9.2f}{state.pace:>7.0f}x"
            f"{state.left_s / 60 / jobs:>14.1f}"
        )
    return "\n".join([*lines, f"{'all':28}{'':31}{total / 60 / jobs:>14.1f}"])


def check_texts(plan: Plan) -> None:
    """Raises BadInput for a text that there is none of."""
    from lab.commands.evidence_texts import BENCHMARKS, TEXTS

    known = {*TEXTS, *BENCHMARKS}
    for section in plan.sections:
        if section.text is not None and section.text not in known:
            raise BadInput(
                f"{plan.path}: section {section.title}: no text {section.text}; there are: {', '.join(sorted(known))}"
            )


def publish(campaign: Campaign, results: Path, benchmark: bool) -> None:
    """Ledger, figures and page. What the ledger has already stays as it is, and so do published figures of more than is stored here.
    Raises BadInput where nothing is stored and nothing was published."""
    from lab.commands.evidence_figures import figures, kept
    from lab.commands.evidence_texts import BENCHMARKS, TEXTS
    from lab.store import ledger
    from reports import evidence as page
    from reports import published
    from reports.evidence_provenance import made

    plan = campaign.plan
    check_texts(plan)
    path, folder = results / f"{plan.suite}.json", results / plan.suite
    before = page.read(folder / page.FILE_NAME) if (folder / page.FILE_NAME).exists() else None
    stored = summaries(campaign)
    if not stored and before is None:
        raise BadInput(f"{campaign.out}: nothing is measured there; lab evidence measure {plan.path} does it")
    made_with = provenance(campaign)
    for store, found in stored.items():
        for scenario in found.scenarios:
            with contextlib.suppress(ledger.AlreadyCounted):
                one = found.model_copy(update={"scenarios": [scenario]})
                ledger.merge(one, path, made_with.get(store, {}))
    names = {section.title: section.text for section in plan.sections if section.text}
    timed = {names.get(one.title): one.text for one in (before.sections if before else [])}
    texts = {name: TEXTS[name]() for name in names.values() if name in TEXTS}
    texts |= {
        name: BENCHMARKS[name]() if benchmark else timed.get(name, "")
        for name in names.values()
        if name in BENCHMARKS
    }
    fresh = figures(campaign, texts, before)
    shown = fresh if before is None else kept(fresh, before, plan)
    how = made(shown.lines, ledger.read(path).entries)
    shown = shown.model_copy(
        update={
            "picture": _picture(campaign, stored, fresh, shown, before, folder),
            "measured": None if how is None else how.known,
            "made": how,
        }
    )
    page.write(shown, folder / page.FILE_NAME)
    (results / f"{plan.suite}.md").write_text(page.page(shown))
    print(f"published: {results / f'{plan.suite}.md'}, {path}, and what is in {folder}")
    if results.resolve() == published.RESULTS:
        published.main()
        print(f"published: {published.README}")


def _picture(
    campaign: Campaign,
    stored: Mapping[Path, Results],
    fresh: Figures,
    shown: Figures,
    before: Figures | None,
    folder: Path,
) -> str:
    """Draws the plan's picture, or leaves the one of before where figures of before are shown. Returns its file in `folder`, empty for none."""
    from reports.figures import write_rate_figure

    plan = campaign.plan

    def counted(figures: Figures) -> dict[tuple[str, str, str], tuple[int, int]]:
        lines = [one for one in figures.lines if one.scenario == plan.picture]
        return {(one.row, one.detector, one.stage): (one.detected, one.trials) for one in lines}

    if not counted(shown):
        return ""
    if counted(shown) != counted(fresh):
        return before.picture if before is not None else ""
    row = next(one for one in plan.rows if one.scenario.id == plan.picture)
    found = stored[campaign.folder(row)]
    name = f"{plan.picture}.png"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_rate_figure(found, plan.picture, folder / name)
    except BadInput:  # one distance so far
        return ""
    return name
