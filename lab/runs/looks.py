"""At how many trials a run was judged: going on with more of them is a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab.errors import BadInput
from lab.runs.options import RunOptions
from lab.runs.plan import Planned
from lab.store import results as results_file
from lab.store.records import RunRecord, RunState
from lab.store.results import Deviation
from lab.store.store import Store

Looks = Mapping[str, Sequence[int]]  # scenario id -> trials a cell, ascending
KEY = "looks"
HEAD = 400  # characters of a file of results in which it says of which run it is


def looks_of(store: Store, earlier: RunRecord | None, planned: Sequence[Planned]) -> Looks:
    """Those of a run before this call. One that was finished before looks were kept was judged at what it holds."""
    if earlier is None:
        return {}
    if KEY in earlier.environment or earlier.state is not RunState.FINISHED:
        return earlier.environment.get(KEY, {})
    held = {
        one.scenario.id: store.finished(earlier.id, one.scenario.id, one.scenario.hash) for one in planned
    }
    return {name: [1 + max(index for _, index in trials)] for name, trials in held.items() if trials}


def check_looks(looks: Looks, planned: Sequence[Planned], options: RunOptions) -> None:
    """Raises BadInput for fewer trials than the run was judged at."""
    for one in planned:
        judged = max(looks.get(one.scenario.id, ()), default=0)
        if one.trials_per_cell >= judged:
            continue
        spec = one.scenario.first
        name, asked, least = "--trials", options.trials, f"{judged}"
        if spec.hours is not None:
            name, asked, least = "--hours", options.hours, f"{judged * spec.duration_s / 3600.0:g}"
        said = name if asked is None else f"{name} {asked:g}"
        raise BadInput(
            f"{said} --resume: {one.scenario.id} in {options.out} was judged at {judged} trials a cell; allowed: {name} {least} or more"
        )


def with_look(looks: Looks, judged: Sequence[Planned]) -> Looks:
    """judged: the scenarios that a verdict is given of now."""
    now = {one.scenario.id: sorted({*looks.get(one.scenario.id, ()), one.trials_per_cell}) for one in judged}
    return {**looks, **now}


def elsewhere(run: RunRecord, planned: Sequence[Planned], out: Path) -> Iterator[Deviation]:
    """Of runs in folders beside `out` those that judged the same draws at another number: who sees an open verdict and runs anew with more
    trials, but the same seed, has looked before."""
    now = {one.scenario.id: one.trials_per_cell for one in planned}
    for path in sorted(out.resolve().parent.glob(f"*/{results_file.FILE_NAME}")):
        if path.parent == out.resolve():
            continue
        try:
            with path.open(encoding="utf-8") as file:
                if f'"run": "{run.id}"' not in file.read(HEAD):
                    continue
            found = results_file.read(path)
        except (OSError, UnicodeDecodeError, BadInput):
            continue
        for scenario in found.scenarios:
            looks = [look for look in scenario.looks if look != now.get(scenario.id, look)]
            if looks:
                numbers = " and ".join(map(str, looks))
                what = f"draws of seed {run.seed} were judged before, at {numbers} trials a cell, in {path.parent.name}"
                yield Deviation(kind="trials", what=what, scenario=scenario.id)
