"""A run that goes on in its folder: whether it is still the same one, and what it keeps of its earlier parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.errors import BadInput
from lab.runs.looks import KEY as LOOKS
from lab.runs.looks import Looks
from lab.runs.options import RunOptions
from lab.runs.plan import Planned
from lab.store import results as results_file
from lab.store.records import RunRecord
from lab.store.results import Results
from lab.store.store import Store


def settled(store: Store, options: RunOptions, usual_seed: int) -> tuple[RunOptions, int]:
    """Options with the seed and counts of the run that is resumed, where the call does not name its own. Raises BadInput for a run that is not
    to be resumed."""
    seed = usual_seed if options.seed is None else options.seed
    earlier = store.runs()
    if not earlier:
        return options, seed
    if not options.resume:
        raise BadInput(
            f"--out {options.out}: holds a run already; add --resume to go on with it, or name another folder"
        )
    last = earlier[-1]
    asked = last.environment
    return (
        replace(
            options,
            trials=asked.get("trials") if options.trials is None else options.trials,
            hours=asked.get("hours") if options.hours is None else options.hours,
        ),
        last.seed if options.seed is None else options.seed,
    )


def check_same(store: Store, run: RunRecord, options: RunOptions) -> None:
    """Refuse to go on with a run that would not be the same one. Raises BadInput saying what changed."""
    earlier = store.runs()
    if not earlier:
        return
    last = earlier[-1]
    if moved := _moved(last, run):
        raise BadInput(f"--out {options.out} --resume: the run there differs in {moved}; name another folder")
    if run.id in {one.id for one in earlier}:
        return
    if last.build_hash != run.build_hash:
        changed = f"the build: it was {last.build_id} ({last.build_hash[:12]}), now {run.build_id} ({run.build_hash[:12]})"
    elif last.seed != run.seed:
        changed = f"the seed: it was {last.seed}, now {run.seed}"
    elif (before := last.environment.get("split")) != (now := run.environment.get("split")):
        changed = f"--split: it was {before or 'not given'}, now {now or 'not given'}"
    elif (before := _bench(last)) != (now := _bench(run)):
        changed = f"the bench: it was {before}, now {now}"
    else:
        names = ", ".join(f"{one.id} ({one.hash[:12]})" for one in store.scenarios(last.id))
        changed = f"the scenarios: it had {names}"
    raise BadInput(f"--out {options.out} --resume: the run there differs in {changed}; name another folder")


def _bench(run: RunRecord) -> str:
    return run.environment.get("rig", {}).get("id", "simulated")


def _moved(before: RunRecord, now: RunRecord) -> str:
    """What of the layout of one bench is another, empty when nothing is or nothing was kept of it."""
    if _bench(before) != _bench(now):
        return ""  # said where builds and seeds are
    was, is_now = (one.environment.get("rig", {}).get("layout", {}) for one in (before, now))
    for key in was:
        if key in is_now and was[key] != is_now[key]:
            return f"{key} of the rig file: it was {json.dumps(was[key])}, now {json.dumps(is_now[key])}"
    return ""


def left(store: Store, run: RunRecord, planned: Sequence[Planned]) -> bool:
    """Whether there is anything to play."""
    return any(
        sum(
            index < one.trials_per_cell
            for _, index in store.finished(run.id, one.scenario.id, one.scenario.hash)
        )
        < one.trials
        for one in planned
    )


def results_of(run: RunRecord, out: Path) -> Results | None:
    """What was written of an earlier part of a run."""
    path = out / results_file.FILE_NAME
    before = results_file.read(path) if path.exists() else None
    return before if before is not None and before.run == run.id else None


def going_on(
    run: RunRecord,
    earlier: RunRecord | None,
    looks: Looks,
    options: RunOptions | None,
    departures: Mapping[str, Sequence[str]],
) -> RunRecord:
    """The run with what its earlier parts were, and who ran them and lifted what at the bench. options: None where nothing is to be
    played. departures: of this part from the scenarios, by their ids."""
    kept = {} if earlier is None else earlier.environment
    asked = {key: run.environment[key] for key in ("trials", "hours")}
    told = {key: list(kept.get(key, ())) for key in ("operators", "lifted")}
    if options is not None:
        told["operators"] += [options.operator] if options.operator is not None else []
        told["lifted"] += options.lifted
    known = kept.get("departures", {})
    parts = {
        name: sorted({*known.get(name, ()), *departures.get(name, ())}) for name in {**known, **departures}
    }
    once = {key: list(dict.fromkeys(values)) for key, values in told.items()}
    return replace(
        run, environment={**run.environment, **kept, **asked, **once, "departures": parts, LOOKS: looks}
    )
