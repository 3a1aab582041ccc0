"""The figures in README.md, made from the ledger: `python -m reports.published` writes them anew.

A test holds that what stands there is what the ledger says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.store import ledger
from lab.store.counts import Counts
from lab.store.ledger import Entry

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
LEDGER = ROOT / "docs" / "results" / "second_screen.json"
BEGIN, END = "<!-- figures: python -m reports.published -->", "<!-- end of figures -->"
FEET = {6.1: " (20 ft)", 9.1: " (30 ft)"}


def figures(path: Path = LEDGER) -> str:
    """The Markdown between the markers: detection against distance, and false alarms."""
    current = {entry.scenario: entry for entry in ledger.read(path).entries if entry.current}
    return "\n\n".join([_by_distance(current["distance"]), _false_alarms(current)])


def rewritten(readme: str, new: str) -> str:
    """README text with the figures between its markers replaced. Raises ValueError without the markers."""
    before, _, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md: {BEGIN} and {END} must stand around the figures")
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


def _by_distance(entry: Entry) -> str:
    rows = entry.totals()
    distances = sorted({float(row.cell["distance_m"]) for row in rows})
    heads = [f"{d:g} m{FEET.get(d, '')}" for d in distances]
    lines = [_line(["RT60", *heads]), _line(["---"] * (len(heads) + 1))]
    for rt60 in sorted({float(row.cell["rt60_s"]) for row in rows}):
        by_distance = {float(r.cell["distance_m"]): r for r in rows if r.cell["rt60_s"] == rt60}
        lines.append(_line([f"{rt60:g} s", *(_rate(by_distance[d]) for d in distances)]))
    said = (
        f"Share of marks detected and its one-sided 95 % bounds: real speech and music, 2.05 s marked, pink noise at "
        f"20 dB SNR, {rows[0].trials} trials a cell on {rows[0].clusters} distinct recordings, build `{entry.build}`, "
        f"threshold {rows[0].threshold:g}:"
    )
    return said + "\n\n" + "\n".join(lines)


def _rate(counts: Counts) -> str:
    bounds = counts.detection_bounds
    return f"{counts.detected / counts.trials:.3f} [{bounds.low:.3f}, {bounds.high:.3f}]"


def _false_alarms(current: Mapping[str, Entry]) -> str:
    lines = [
        _line(["unmarked", "hours", "distinct hours", "false alarms", "a day at most"]),
        _line(["---"] * 5),
    ]
    for name, what in (
        ("unmarked_media", "procedural speech and music"),
        ("unmarked_recordings", "recordings: speech, music, household"),
    ):
        if name in current:
            (row,) = current[name].totals()
            bound = row.false_alarms_per_day.high
            lines.append(
                _line(
                    [
                        what,
                        f"{row.hours:.1f}",
                        f"{row.distinct_hours:.1f}",
                        str(row.false_alarms),
                        f"{bound:.3g}",
                    ]
                )
            )
    return "False alarms, with the upper 95 % bound on distinct audio:\n\n" + "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    README.write_text(rewritten(README.read_text(), figures()))


if __name__ == "__main__":
    main()
