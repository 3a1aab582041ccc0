"""What a person needs to see of a scenario that was not accepted, on one screen."""

from __future__ import annotations

from lab.store.results import Accept, Example, Results, Row, ScenarioResult
from reports.words import cell_words, number

MOST_LIMITS = 12
MOST_EXAMPLES = 4


def screen(results: Results) -> str:
    """Limits that did not pass, with bound and trials, then the worst trials and how to hear them again."""
    (scenario,) = results.scenarios
    counted = f"{scenario.trials} trials, {scenario.invalid} invalid"
    lines = [
        f"{scenario.id}: {scenario.verdict.upper()} - {scenario.title}",
        f"{scenario.origin}, build {results.environment.build.id}, seed {scenario.seed}, {scenario.split} split, {counted}",
    ]
    lines += [f"  invalid: {count} x {reason}" for reason, count in scenario.invalid_reasons.items()]
    lines += ["", *_limits(scenario)]
    if scenario.examples:
        lines += ["", "worst trials, and how to hear them:", *_examples(scenario.examples)]
    return "\n".join(lines)


def limit_words(row: Row, accept: Accept) -> str:
    """`detection_rate >= 0.9 of watermark, distance 3 m`, whose cell is the limit's own where it names one."""
    return f"{accept.metric} {accept.limit} of {accept.label}, {cell_words(accept.where or row.cell)}"


def figure_words(row: Row, accept: Accept) -> str:
    """What was counted for a limit, and the bound that was held against it."""
    bound = f"bound {number(accept.bound)}, " if accept.bound is not None else ""
    if accept.metric == "detection_rate" and row.detection:
        found = row.detection
        counted = f"detected {found.detected} of {found.trials} (worth {number(found.effective_trials, 3)})"
    elif accept.metric in ("false_alarms_per_day", "active_fraction") and row.false_alarms:
        alarms = row.false_alarms
        counted = f"{alarms.count} false alarms in {number(alarms.hours, 3)} h, {number(alarms.active_fraction, 3)} active"
    elif accept.metric == "latency_p95_s" and row.latency_s:
        counted = f"p95 {number(row.latency_s.p95, 3)} s"
    else:
        counted = "nothing counted"
    return bound + counted


def _limits(scenario: ScenarioResult) -> list[str]:
    missed = [(row, accept) for row in scenario.results for accept in row.accept if accept.verdict != "pass"]
    missed.sort(key=lambda pair: pair[1].verdict != "fail")
    lines = []
    for row, accept in missed[:MOST_LIMITS]:
        lines.append(f"{accept.verdict.upper()}: {limit_words(row, accept)}")
        lines.append(f"    {figure_words(row, accept)}" + (f"; {accept.needed}" if accept.needed else ""))
    if len(missed) > MOST_LIMITS:
        lines.append(f"... and {len(missed) - MOST_LIMITS} more limits; results.json has them all")
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
