"""At how many trials a run was judged: going on with more of them is a second look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.errors import BadInput
from lab.runs.options import RunOptions
from lab.runs.plan import Planned
from lab.store.records import RunRecord, RunState
from lab.store.store import Store

Looks = Mapping[str, Sequence[int]]  # scenario id -> trials a cell, ascending
KEY = "looks"


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
