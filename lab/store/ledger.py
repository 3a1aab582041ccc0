"""The evidence ledger: what all published runs of a suite add up to, in `docs/results/<suite>.json`.

An entry stands for one scenario (by hash), one detector of a build (by hash, see `Build.parts`), one origin and, of a bench, one room:
a detector that joins a build leaves what was published of the others as it is. It keeps the counts of each seed apart, so that nothing
counts twice: a trial is a pure function of scenario, cell, index and seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from lab.errors import BadInput, LabFailure
from lab.store.counts import Counts, counts_of, pooled
from lab.store.provenance import Provenance, added, at_most, either
from lab.store.results import BuildIdentity, Record, Results, ScenarioResult, parse_document, replace

FORMAT = "earshot-ledger/1"
NO_PROVENANCE: Mapping[str, Sequence[Provenance]] = MappingProxyType({})


class AlreadyCounted(BadInput):
    """A seed of a scenario and build that the ledger holds with as many trials."""


class Share(Record):
    """What one seed contributed. date: ISO 8601 day on which its run was started. trials: of all cells, invalid ones included; of cells
    that came in several runs at least so many. provenance: of those of them of which it was kept, when they were made and with what."""

    seed: int
    run: str
    date: str
    trials: int
    invalid: int
    rows: list[Counts]
    provenance: list[Provenance] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_what_was_not_kept(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {key: value for key, value in write(self).items() if key != "provenance" or value}

    @property
    def last(self) -> str:
        """The last day that is known of it: that of its last trial, else the one on which it was started."""
        return max([self.date, *(one.last for one in self.provenance)])


class Entry(Record):
    """current: these are the figures that documents quote; scenario and build must still have these hashes.

    audio_hours: hours of different audio there are for this scenario, None when generated without end. scope: see
    `ScenarioResult`; entries of two rooms are never pooled.
    """

    scenario: str
    scenario_hash: str
    build: str
    build_hash: str
    origin: Literal["simulated", "emulated", "replayed", "measured"]
    current: bool
    audio_hours: float | None
    scope: str | None = None
    shares: list[Share]

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.scenario_hash, self.build_hash, self.origin, self.scope or "")

    @property
    def detectors(self) -> frozenset[str]:
        """Whose counts these are: one, but for a device under test that reports beside the build."""
        return frozenset(counts.detector for share in self.shares for counts in share.rows)

    @property
    def first(self) -> str:
        return min(share.date for share in self.shares)

    @property
    def last(self) -> str:
        return max(share.last for share in self.shares)

    @property
    def seeds(self) -> str:
        """Seeds as ranges: `1-3, 7`."""
        return _ranges(share.seed for share in self.shares)

    def totals(self) -> list[Counts]:
        """The counts of all seeds, one for each row, in the order of the first share that has it."""
        rows: dict[tuple[str, ...], list[Counts]] = {}
        for share in self.shares:
            for counts in share.rows:
                rows.setdefault(counts.row, []).append(counts)
        return [pooled(parts, self.audio_hours) for parts in rows.values()]


class Ledger(Record):
    format: str = FORMAT
    entries: list[Entry] = Field(default_factory=list)


def read(path: Path) -> Ledger:
    """Read a ledger file; one that does not exist yet is empty. Raises BadInput like `results.parse`."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise BadInput(f"{path}: cannot read the ledger: {error.strerror or error}") from error
    return parse_document(raw, path, Ledger, FORMAT)


def merge(
    results: Results, path: Path, provenance: Mapping[str, Sequence[Provenance]] = NO_PROVENANCE
) -> Ledger:
    """Add what a run found to the ledger at `path`, all of it or nothing. Raises as `merged` and `write` do."""
    ledger = merged(results, path, provenance)
    write(ledger, path)
    return ledger


def write(ledger: Ledger, path: Path) -> None:
    """Write atomically. Raises LabFailure when it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabFailure(f"{path.parent}: cannot make this folder: {error.strerror or error}") from error
    replace(path, ledger.model_dump_json(indent=1) + "\n")


def merged(
    results: Results, path: Path, provenance: Mapping[str, Sequence[Provenance]] = NO_PROVENANCE
) -> Ledger:
    """The ledger at `path` with a run added, its figures now the current ones; nothing is written.

    provenance: of the trials of each scenario, by its id. A row of a seed that heard more than it had replaces its shorter self, and
    rows that are not of this run stay. Of a build of several detectors, those that did not change since keep what is counted of them.
    Raises BadInput when a seed of a scenario and build is already counted in full, when a scenario is not of the test split, or when
    the ledger cannot be read.
    """
    entries = {entry.key: entry for entry in read(path).entries}
    build = results.environment.build
    for scenario in results.scenarios:
        if scenario.split != "test":
            raise BadInput(f'{path}: {scenario.id} ran on split "{scenario.split}"; only "test" is evidence')
        counted: list[AlreadyCounted] = []
        parts = _by_detector(scenario, build)
        for build_hash, part in parts:
            key = (scenario.hash, build_hash, scenario.origin, scenario.scope or "")
            known = entries[key].shares if key in entries else []
            try:
                share = _share(results, part, provenance.get(scenario.id, ()))
                shares = _with(share, known, f"{path}: {scenario.id}")
            except AlreadyCounted as error:
                if entries[key].current:
                    counted.append(error)
                    continue
                shares = known  # a build or scenario that is again what it was
            fresh = Entry(
                scenario=scenario.id,
                scenario_hash=scenario.hash,
                build=build.id,
                build_hash=build_hash,
                origin=scenario.origin,
                current=True,
                audio_hours=scenario.audio_hours,
                scope=scenario.scope,
                shares=shares,
            )
            for other in list(entries.values()):
                same = (other.scenario, other.build, *other.key[2:]) == (scenario.id, build.id, *key[2:])
                if same and other.detectors & fresh.detectors:
                    entries[other.key] = other.model_copy(update={"current": False})
            entries[key] = fresh
        if parts and len(counted) == len(parts):
            raise counted[0]
    order = sorted(
        entries.values(), key=lambda e: (e.scenario, e.build, e.origin, not e.current, e.first, e.key)
    )
    return Ledger(entries=order)


def check(
    folder: Path, builds: Mapping[str, str | Mapping[str, str]], scenarios: Mapping[str, str]
) -> list[str]:
    """What is wrong with the figures called current in `folder`/*.json; empty when nothing is.

    builds: id -> hash as it is now, or `Build.parts`, detector -> hash. scenarios: id -> hash as it is now.
    """
    advice = 'run it again and publish, or set "current": false'
    wrong = []
    for path in sorted(folder.glob("*.json")):
        for entry in read(path).entries:
            if not entry.current:
                continue
            for kind, name, published, now in (
                ("build", entry.build, entry.build_hash, _now(builds.get(entry.build), entry)),
                ("scenario", entry.scenario, entry.scenario_hash, scenarios.get(entry.scenario)),
            ):
                if now is None:
                    wrong.append(f"{path.name}: {entry.scenario}: {kind} {name} is gone; {advice}")
                elif now != published:
                    wrong.append(
                        f"{path.name}: {entry.scenario}: published for {kind} {name} {published[:12]}, "
                        f"which is {now[:12]} now; {advice}"
                    )
    return wrong


def _by_detector(scenario: ScenarioResult, build: BuildIdentity) -> list[tuple[str, ScenarioResult]]:
    """(hash, rows that hang on it): those of each detector apart; all of it where the build names no two."""
    if len(build.detectors) < 2:
        return [(build.hash, scenario)]
    found = []
    for name in dict.fromkeys(row.detector for row in scenario.results):
        rows = [row for row in scenario.results if row.detector == name]
        found.append((build.detectors.get(name, build.hash), scenario.model_copy(update={"results": rows})))
    return found


def _now(hashes: str | Mapping[str, str] | None, entry: Entry) -> str | None:
    if hashes is None or isinstance(hashes, str):
        return hashes
    return next((hashes[name] for name in sorted(entry.detectors) if name in hashes), None)


def _share(results: Results, scenario: ScenarioResult, provenance: Sequence[Provenance]) -> Share:
    return Share(
        seed=scenario.seed,
        run=results.run,
        date=results.started[:10],
        trials=scenario.trials,
        invalid=scenario.invalid,
        rows=[counts_of(row) for row in scenario.results],
        provenance=at_most(provenance, scenario.trials),
    )


def _with(share: Share, shares: list[Share], what: str) -> list[Share]:
    thresholds = {counts.row: counts.threshold for other in shares for counts in other.rows}
    for counts in share.rows:
        if thresholds.get(counts.row, counts.threshold) != counts.threshold:
            raise BadInput(
                f"{what}: threshold {counts.threshold} differs from the one of the same build before"
            )
    kept = {other.seed: other for other in shares}
    if share.seed in kept:
        share = _longer(share, kept[share.seed], what)
    return sorted((kept | {share.seed: share}).values(), key=lambda one: one.seed)


def _longer(share: Share, known: Share, what: str) -> Share:
    """Both of one seed: of each row the one that heard more. Raises AlreadyCounted where that is always the known one."""
    rows, before = ({counts.row: counts for counts in one.rows} for one in (share, known))
    more = [row for row, counts in rows.items() if row not in before or _heard(counts) > _heard(before[row])]
    if not more:
        raise AlreadyCounted(
            f"{what}: seed {share.seed} is already counted with {known.trials} trials (run {known.run}, "
            f"{known.date}); only more trials or another seed add evidence"
        )
    if len(more) == len(rows) and set(rows) >= set(before):
        return share
    apart = not {str(counts.cell) for counts in share.rows} & {str(counts.cell) for counts in known.rows}
    several = sum if apart else max
    return share.model_copy(
        update={
            "trials": several((share.trials, known.trials)),
            "invalid": several((share.invalid, known.invalid)),
            "rows": list((before | {row: rows[row] for row in more}).values()),
            "provenance": added([*share.provenance, *known.provenance])
            if apart
            else either(share.provenance, known.provenance),
        }
    )


def _heard(counts: Counts) -> tuple[float, float, int]:
    """Of one seed more trials hold the fewer; of as many, more may have been kept."""
    kept = counts.active_squared_s2, counts.count_squared, counts.silent
    return counts.trials, counts.hours, sum(one is not None for one in kept)


def _ranges(numbers: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
