"""A plan of evidence, measured bit by bit: round after round, a slice of every row, so that stopping early leaves something for each.

A trial is a pure function of scenario, cell, index and seed, so what is stored stays good and is never measured twice. Rows of one build
share a folder in `out`, a store as `lab run` makes it; a row with draws of its own has one by itself.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.corpora.audio import corpus_root
from lab.corpora.catalogue import load_corpus
from lab.errors import BadInput
from lab.runs import worker
from lab.runs.environment import environment_of, here
from lab.runs.evidence import EvidenceRow, Plan
from lab.runs.plan import EVERY, Planned
from lab.runs.pool import run_chunks
from lab.runs.published import Published
from lab.runs.summary import summarise
from lab.runs.worker import TrialPlace
from lab.store import results as results_file
from lab.store.provenance import Provenance, of_batches
from lab.store.records import BatchRecord, RunRecord, RunState, ScenarioRecord, TrialRecord
from lab.store.results import Results
from lab.store.store import Store

SLICE_S = 30.0


@dataclass(frozen=True)
class Campaign:
    """out: folder of the stores. trials_scale, hours_scale: of what the plan asks for. rows: names, empty for all. slice_s: of one core,
    for a row and a round. ledger: what is published of the suite."""

    plan: Plan
    out: Path
    trials_scale: float = 1.0
    hours_scale: float = 1.0
    rows: tuple[str, ...] = ()
    slice_s: float = SLICE_S
    ledger: Path | None = None

    @property
    def chosen(self) -> tuple[EvidenceRow, ...]:
        return tuple(row for row in self.plan.rows if not self.rows or row.name in self.rows)

    @cached_property
    def published(self) -> Published:
        return Published.of(self.ledger, self.plan.counted_with)

    def wanted(self, row: EvidenceRow) -> int:
        """Trials a cell, less those of published hours that count; none where these are enough."""
        return row.trials_per_cell(self.trials_scale, self.hours_scale, self.published.hours(row))

    def folder(self, row: EvidenceRow) -> Path:
        """Of the store that a row's trials are in: its build's, or where it has draws of its own, that build's of its seed."""
        own = "" if row.spec.seed is None else f".seed{row.spec.seed}"
        return self.out / (row.build.id + own)

    def run(self, row: EvidenceRow) -> RunRecord:
        """The one run of a row's store, named by what it computes."""
        seed = self.plan.seed_of(row)
        key = json.dumps(["evidence", row.build.hash, seed])
        return RunRecord(
            id=hashlib.sha256(key.encode()).hexdigest()[:12],
            started=worker.now(),
            seed=seed,
            build_id=row.build.id,
            build_hash=row.build.hash,
        )


@dataclass(frozen=True)
class State:
    """How far a row is. trials, wanted: of all its cells. missing: trials that no row before it brings. pace: seconds of trial per second
    of one core, as measured, else the plan's. left_s: of one core."""

    row: EvidenceRow
    trials: int
    wanted: int
    missing: int
    pace: float

    @property
    def left_s(self) -> float:
        return self.missing * self.row.scenario.first.duration_s / self.pace


class TimeUp(Exception):
    """Ends the pool early; what its workers have finished is kept."""


def states(campaign: Campaign) -> list[State]:
    """How far each chosen row is, from what is stored."""
    found = []
    promised: set[tuple[Path, str, str, int]] = set()
    for row in campaign.chosen:
        done, audio_s, wall_s = set(), 0.0, 0.0
        for record in stored(campaign, row):
            if record.index < campaign.wanted(row):
                done.add((record.cell_key, record.index))
            audio_s += record.duration_s
            wall_s += record.wall_s
        pace = audio_s / wall_s if wall_s > 0.0 else row.spec.pace
        asked = {(cell.key, index) for cell in row.cells for index in range(campaign.wanted(row))}
        missing = {(campaign.folder(row), row.scenario.id, *one) for one in asked - done} - promised
        promised |= missing
        found.append(State(row, len(done), len(asked), len(missing), pace))
    return found


def stored(campaign: Campaign, row: EvidenceRow) -> Iterator[TrialRecord]:
    """The trials of a row that there are."""
    folder = campaign.folder(row)
    if not (folder / "lab.sqlite").is_file():
        return
    keys = {cell.key for cell in row.cells}
    with Store.read(folder) as store:
        for record in store.trials(campaign.run(row).id, row.scenario.id, row.scenario.hash):
            if record.cell_key in keys:
                yield record


def measure(
    campaign: Campaign, jobs: int, minutes: float | None = None, say: Callable[[str], None] = print
) -> None:
    """Measure what is missing, until all of it is there or `minutes` are over; the same call goes on from there.

    A row with a trial that cannot be played is told and the others go on; then it raises BadInput with the first message. Raises
    KeyboardInterrupt and LabFailure with every finished trial stored.
    """
    begun = time.monotonic()
    unheard = {row.name: why for row in campaign.chosen if (why := without_recordings(row)) is not None}
    for name, why in unheard.items():
        say(f"{name}: left out: {why}")
    deal = list(_dealt(campaign, [one for one in states(campaign) if one.row.name not in unheard]))
    if not deal:
        say("nothing is missing")
        return
    with ExitStack() as opened:
        begun_in: dict[Path, tuple[Store, RunRecord]] = {}
        for row in campaign.chosen:
            folder = campaign.folder(row)
            if folder not in begun_in:
                begun_in[folder] = opened.enter_context(Store.open(folder)), campaign.run(row)
                store, run = begun_in[folder]
                store.begin_run(run)
            store, run = begun_in[folder]
            store.add_scenario(run.id, _scenario_record(row, run.seed))
        kept_in = {row.name: begun_in[campaign.folder(row)] for row in campaign.chosen}
        # Asked once and before the first worker loads its code, so that a commit made meanwhile is not taken for it.
        made_with = here()
        count = 0
        faults: dict[str, str] = {}

        def keep(answer: Answer) -> None:
            nonlocal count
            name, records, times, fault = answer
            if fault is not None and name not in faults:
                faults[name] = fault
                say(f"{name}: {fault}")
            if records:
                store, run = kept_in[name]
                store.add_trials(run.id, records, BatchRecord(*times, **made_with))
                count += 1
                core_s = sum(record.wall_s for record in records)
                say(
                    f"{(time.monotonic() - begun) / 60:6.1f} min  {count}/{len(deal)}  {name}: "
                    f"{len(records)} trials in {core_s:.0f} s"
                )
            if minutes is not None and time.monotonic() - begun > 60.0 * minutes:
                raise TimeUp

        try:
            run_chunks(deal, _run, _set_up, (), max(1, min(jobs, len(deal))), keep)
        except TimeUp:
            say(f"{minutes:g} minutes are over; the same command goes on")
        except KeyboardInterrupt:
            say("interrupted; what is finished is stored, the same command goes on")
            raise
        for store, run in begun_in.values():
            store.set_state(run.id, RunState.FINISHED)
    for name, fault in faults.items():
        raise BadInput(f"{name}: {fault}")


def without_recordings(row: EvidenceRow) -> str | None:
    """Why the recordings that a row plays are not at hand; None where they are, or it plays none."""
    for source in row.scenario.first.sources:
        if source.kind == "recording":
            try:
                corpus_root(load_corpus(source.corpus))
            except BadInput as error:
                return str(error)
    return None


def summaries(campaign: Campaign) -> dict[Path, Results]:
    """Folder of a store -> everything that is in it, judged; also written to `results.json` there."""
    found = {}
    for folder, rows in _stores(campaign).items():
        run = campaign.run(rows[0])
        scenarios = {row.scenario.id: row.scenario for row in rows}
        with Store.read(folder) as store:
            planned = [
                Planned(one, EVERY) for one in scenarios.values() if store.finished(run.id, one.id, one.hash)
            ]
            begun = next((one for one in store.runs() if one.id == run.id), None)
            if not planned or begun is None:
                continue
            batches = [
                one
                for scenario in scenarios.values()
                for one in store.batches(run.id, scenario.id, scenario.hash)
            ]
            found[folder] = summarise(store, begun, planned, environment_of(rows[0].build, batches))
        results_file.write(found[folder], folder / results_file.FILE_NAME)
    return found


def provenance(campaign: Campaign) -> dict[Path, dict[str, list[Provenance]]]:
    """Folder of a store, then scenario id -> when and with what its trials were made."""
    found: dict[Path, dict[str, list[Provenance]]] = defaultdict(dict)
    for folder, rows in _stores(campaign).items():
        with Store.read(folder) as store:
            for row in rows:
                batches = store.batches(campaign.run(row).id, row.scenario.id, row.scenario.hash)
                found[folder][row.scenario.id] = of_batches(batches)
    return dict(found)


def _stores(campaign: Campaign) -> dict[Path, list[EvidenceRow]]:
    """Folders in which something is, with the rows that have trials there."""
    found: dict[Path, list[EvidenceRow]] = defaultdict(list)
    for row in campaign.plan.rows:
        if (campaign.folder(row) / "lab.sqlite").is_file():
            found[campaign.folder(row)].append(row)
    return dict(found)


def _dealt(
    campaign: Campaign, standing: Sequence[State]
) -> Iterator[tuple[str, str, tuple[TrialPlace, ...]]]:
    """(row, build file, trials), a slice of every row in turn, indices ascending, cell after cell."""
    queues = []
    taken: dict[tuple[Path, str], set[tuple[str, int]]] = defaultdict(set)  # two rows may speak of one trial
    for state in standing:
        row = state.row
        done = taken[campaign.folder(row), row.scenario.id]
        done |= {(record.cell_key, record.index) for record in stored(campaign, row)}
        waiting = [
            TrialPlace(row.scenario.path.resolve(), cell, index, campaign.plan.seed_of(row))
            for index in range(campaign.wanted(row))
            for cell in row.cells
            if (cell.key, index) not in done
        ]
        done |= {(place.cell.key, place.index) for place in waiting}
        size = max(1, round(campaign.slice_s * state.pace / row.scenario.first.duration_s))
        queues.append((row, [waiting[at : at + size] for at in range(0, len(waiting), size)]))
    for turn in range(max((len(slices) for _, slices in queues), default=0)):
        for row, slices in queues:
            if turn < len(slices):
                yield row.name, str(row.build.path), tuple(slices[turn])


# Row, trials, when they began and ended, why the next one cannot be played.
Answer = tuple[str, list[TrialRecord], tuple[str, str], str | None]
_stacks: dict[str, worker.Loaded] = {}


def _set_up() -> None:
    _stacks.clear()


def _run(slice_: tuple[str, str, tuple[TrialPlace, ...]]) -> Answer:
    name, path, places = slice_
    if path not in _stacks:
        _stacks[path] = worker.loaded(Path(path), None)
    records: list[TrialRecord] = []
    began, fault = worker.now(), None
    for place in places:
        try:
            one = worker.run_with(_stacks[path], (place,))
        except BadInput as error:
            fault = str(error)
            break
        if not one:  # asked to stop
            break
        records += one
    return name, records, (began, worker.now()), fault


def _scenario_record(row: EvidenceRow, seed: int) -> ScenarioRecord:
    scenario = row.scenario
    return ScenarioRecord(
        id=scenario.id,
        hash=scenario.hash,
        path=str(scenario.path),
        title=scenario.title,
        tags=scenario.tags,
        effective={"scenario": scenario.tree, "variants": [list(one) for one in scenario.variants]},
        seed=seed,
        origin="simulated",
        split=scenario.first.split,
    )
