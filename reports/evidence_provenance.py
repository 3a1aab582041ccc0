"""When what a page of evidence tells was measured, and by which commits: from the ledger into figures, from figures onto the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from lab.store.ledger import Entry, Share
from reports.evidence import Figures, Line, Made


def made(lines: Sequence[Line], entries: Sequence[Entry]) -> Made | None:
    """Of the draws that lines are of; None where the ledger has none of them."""
    seeds: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line in lines:
        seeds[line.scenario_hash, line.build_hash].update(line.seeds)
    shares: dict[tuple[str, str, int], Share] = {}  # detectors of one build hear the same trials
    for entry in entries:
        for share in entry.shares:
            if entry.current and share.seed in seeds[entry.scenario_hash, entry.build_hash]:
                key = entry.scenario_hash, entry.build, share.seed
                shares[key] = max(share, shares.get(key, share), key=lambda one: one.trials)
    if not shares:
        return None
    kept = sorted((one for share in shares.values() for one in share.provenance), key=lambda one: one.first)
    commits: Counter[str] = Counter()
    for one in kept:
        commits[one.commit] += one.trials
    started, unkept = [], 0
    for share in shares.values():
        if (rest := share.trials - sum(one.trials for one in share.provenance)) > 0:
            unkept += rest
            started.append(share.date)
    return Made(
        days=(kept[0].first, max(one.last for one in kept)) if kept else None,
        commits=dict(commits),
        not_kept=unkept,
        started=(min(started), max(started)) if started else None,
    )


def told(figures: Figures) -> str:
    """A sentence or two, commits by the day of their first trial; empty where nothing is known."""
    if figures.made is None:
        if figures.measured is None:
            return ""
        return f"Started {_days(*figures.measured)}; neither the days after nor commits were kept."
    said, one = [], figures.made
    if one.days is not None:
        commits = [
            f"`{name.removesuffix(CHANGED)[:12]}`{' with changes' if name.endswith(CHANGED) else ''} ({trials:,} trials)"
            for name, trials in one.commits.items()
        ]
        said.append(
            f"Measured {_days(*one.days)} by {'commit' if len(commits) == 1 else 'commits'} {', '.join(commits)}."
        )
    if one.started is not None:
        which = f"Of {one.not_kept:,} trials, of draws that were started {_days(*one.started)},"
        said.append(f"{which} neither day nor commit was kept.")
    return " ".join(said)


CHANGED = "+changes"  # see `lab.runs.environment.commit`


def _days(first: str, last: str) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"
