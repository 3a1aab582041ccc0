"""What a person needs to see of a scenario that was not accepted, on one screen."""

from __future__ import annotations

from pathlib import Path

from lab.store.results import Example, Results, ScenarioResult
from reports.clips import counted
from reports.words import cell_words, evidence, number, unjudged

MOST_LIMITS = 12
MOST_EXAMPLES = 4


def screen(results: Results) -> str:
    """Limits that did not pass, with bound and trials, then the worst trials and how to hear them again."""
    (scenario,) = results.scenarios
    lines = [*_head(results, scenario.verdict.upper()), "", *_limits(scenario)]
    if examples := counted(scenario):
        lines += ["", "worst trials, and how to hear them:", *_examples(examples)]
    return "\n".join(lines)


def sick_screen(results: Results, folder: Path) -> str:
    """Why trials on a bench are invalid or were not run, and where its log lies."""
    (scenario,) = results.scenarios
    what = "INVALID TRIALS" if scenario.invalid else "TRIALS NOT RUN"
    return "\n".join([*_head(results, what), "", f"bench log: {folder / 'bench.log'}"])


def _head(results: Results, verdict: str) -> list[str]:
    (scenario,) = results.scenarios
    build = results.environment.build.id
    lines = [
        f"{scenario.id}: {verdict}{f' ({scenario.scope})' if scenario.scope else ''} - {scenario.title}",
        f"{scenario.origin}, build {build}, seed {scenario.seed}, {scenario.split} split",
        f"{scenario.trials} trials, {scenario.invalid} invalid"
        + (f", {scenario.not_run} of {scenario.planned} planned were not run" if scenario.not_run else ""),
    ]
    lines += [f"  invalid: {count} x {reason}" for reason, count in scenario.invalid_reasons.items()]
    return lines + [f"  not run: {count} x {reason}" for reason, count in scenario.not_run_reasons.items()]


def _limits(scenario: ScenarioResult) -> list[str]:
    missed = [(row, accept) for row in scenario.results for accept in row.accept if accept.verdict != "pass"]
    missed.sort(key=lambda pair: pair[1].verdict != "fail")
    lines = []
    for row, accept in missed[:MOST_LIMITS]:
        cell = cell_words(accept.where or row.cell)
        lines.append(f"{accept.verdict.upper()}: {accept.metric} {accept.limit} of {accept.label}, {cell}")
        bound = f"bound {number(accept.bound)}, " if accept.bound is not None else ""
        needed = f"; {accept.needed}" if accept.needed else ""
        lines.append(f"    by {row.detector} ({row.stage}): {bound}{evidence(row, accept)}{needed}")
    lines += [unjudged(limit) for limit in scenario.unjudged]
    if len(missed) > MOST_LIMITS:
        lines.append(f"... and {len(missed) - MOST_LIMITS} more limits; results.json has them all")
    if not lines and scenario.not_run:
        return ["no limit was missed, but trials that were planned are missing"]
    return lines or ["no limit was missed: too many trials were invalid for a verdict"]


def _examples(examples: list[Example]) -> list[str]:
    lines = []
    for example in examples[:MOST_EXAMPLES]:
        what = example.kind.replace("_", " ")
        lines.append(
            f"  {what} of {example.label} at {number(example.at_s, 3)} s, {cell_words(example.cell)}: "
            f"score {number(example.score)}, threshold {number(example.threshold)}"
        )
        lines.append(f"    {example.command}")
    return lines
