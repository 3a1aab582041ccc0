"""What sounded when a detector told something on a day at home: `python -m lab.commands.day_alarms PLAN [--row NAME] [--stage cascade]`.

Of each label's alarms in the stored trials of a row whose scenario is a day, the first of each minute counts; beside it stands all that
had begun and was not over in the BACK_S before: an alarm by rhythm looks back at its window, what is over at once at its onset. Of steps,
doors and knocks, which a day has, true ones are among them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from detectors.interface import Event
from detectors.sound_events.clips import EXCERPTS, LASTING
from lab.acoustics.cache import DiskCache
from lab.bench.simulated.scene import Scene
from lab.errors import BadInput
from lab.runs.campaign import Campaign, stored
from lab.runs.evidence import EvidenceRow, load_plan
from lab.sources.days import Occurrence

BACK_S = {True: 25.0, False: 5.0}  # by whether the label is one of rhythm
LAST_S = 8.0  # of what says no length
EPISODE_S = 60.0
STEADY = ("television", "conversation", "music", "rain", "extractor", "cooking", "vacuum")  # hours on end


def episodes(events: Sequence[Event]) -> list[Event]:
    """The first alarm of each label in each stretch without a minute of quiet."""
    last: dict[str, float] = {}
    found = []
    for event in sorted(events, key=lambda one: one.offset_s):
        if event.offset_s - last.get(event.label, float("-inf")) >= EPISODE_S:
            found.append(event)
        last[event.label] = event.offset_s
    return found


def sounding(occurrences: Sequence[Occurrence], event: Event) -> tuple[str, ...]:
    """Habits that were heard in what the event was decided from, but for those that go on for hours."""
    since_s = event.offset_s - BACK_S[EXCERPTS.get(event.label) == LASTING]
    return tuple(
        sorted(
            {
                one.habit
                for one in occurrences
                if one.habit not in STEADY
                and one.at_s <= event.offset_s
                and one.at_s + (one.source.get("lasts_s") or LAST_S) >= since_s
            }
        )
    )


def causes(campaign: Campaign, row: EvidenceRow, stage: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Label and what sounded, for each episode of a stage."""
    cells = {cell.key: cell for cell in row.cells}
    for record in stored(campaign, row):
        wrong = episodes([event for event in record.events if event.stage == stage])
        if wrong:
            trial = row.scenario.draw(cells[record.cell_key], record.index, campaign.plan.seed_of(row))
            day = Scene(trial, DiskCache(), None).occurrences
            yield from ((event.label, sounding(day, event)) for event in wrong)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plan", type=Path)
    parser.add_argument("--row", help="of the plan; default: the first of a day")
    parser.add_argument("--stage", default="cascade", choices=("device", "cascade"))
    parser.add_argument("--out", type=Path, help="folder of what is measured; default: runs/SUITE")
    asked = parser.parse_args(arguments)
    plan = load_plan(asked.plan)
    days = [row for row in plan.rows if row.scenario.first.day is not None]
    chosen = [row for row in days if asked.row in (None, row.spec.name)]
    if not chosen:
        raise BadInput(
            f"{asked.plan}: no such row of a day; there are: {', '.join(row.name for row in days)}"
        )
    by_label: dict[str, Counter] = {}
    for label, habits in causes(
        Campaign(plan, asked.out or Path("runs") / plan.suite), chosen[0], asked.stage
    ):
        by_label.setdefault(label, Counter())[habits] += 1
    for label, counted in sorted(by_label.items()):
        print(f"{label}: {counted.total()} episodes")
        for habits, count in counted.most_common(10):
            print(f"  {count:5d}  {', '.join(habits) or 'nothing but what goes on for hours'}")


if __name__ == "__main__":
    main()
