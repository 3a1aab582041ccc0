"""The figures in README.md, made from docs/results: `python -m reports.published` writes them anew.

A test holds that what stands there is what the results say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.store import ledger
from lab.store.counts import Counts
from lab.store.ledger import Entry
from reports import evidence
from reports.evidence import Line

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results"
BEGIN, END = "<!-- figures: python -m reports.published -->", "<!-- end of figures -->"
FEET = {6.1: " (20 ft)", 9.1: " (30 ft)"}
# By row of the plan: what is played, and the row of days in which it is not.
SOUNDS = {
    "t3": "day_smoke_alarm",
    "t4": "day_co_alarm",
    "glass": "day_glass_break",
    "footsteps": "day_footsteps",
    "door_close": "day_door_close",
    "door_knock": "day_door_knock",
}


def figures(results: Path = RESULTS) -> str:
    """The Markdown between the markers: what each detector finds, and what it calls where nothing was.

    results: a folder like docs/results. Raises BadInput where a file is missing or of another format.
    """
    entries = ledger.read(results / "second_screen.json").entries
    marks = {entry.scenario: entry for entry in entries if entry.current}
    presence = evidence.read(results / "presence" / evidence.FILE_NAME)
    sounds = evidence.read(results / "sound_events" / evidence.FILE_NAME).lines
    return "\n\n".join(
        [
            "### A marked television",
            *([_by_distance(marks["distance"])] if "distance" in marks else []),
            _false_alarms(marks),
            "### Somebody who moves",
            *([evidence.picture(presence, "docs/results/presence/")] if presence.picture else []),
            _motions([line for line in presence.lines if line.group in ("walking", "minor")]),
            _nobody([line for line in presence.lines if line.group == "exposure"]),
            "### Alarms, glass, steps, doors",
            _sounds({line.row: line for line in sounds if line.stage == "cascade"}),
        ]
    )


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


def _motions(lines: Sequence[Line]) -> str:
    """A row for each motion, a column for each distance; what a line is of ends in its distance."""
    split = [(*line.what.rsplit(", ", 1), line) for line in lines]
    distances = sorted({distance for _, distance, _ in split})
    table = [_line(["", *distances]), _line(["---"] * (len(distances) + 1))]
    for motion in dict.fromkeys(motion for motion, _, _ in split):
        at = {distance: _told(line) for what, distance, line in split if what == motion}
        table.append(_line([motion, *(at.get(distance, "") for distance in distances)]))
    said = (
        "Share of motions that are told, and of walks and creeping in brackets after it those by which somebody is called present within the same time, one device of four microphones on the envelope about 34 kHz ([what that leaves out](docs/results/presence.md)), 85 dB SPL at 1 m; walks within 2 s, creeping while it goes on, small motions after a "
        "visitor has left. Rooms are of 5 x 4 m up to 3 m and of 8 x 5 m beyond; in the picture, of persons who go all ways, of 12 x 6 m. What misses its target, and why, is told in [docs/presence.md](docs/presence.md#how-well-it-does):"
    )
    return said + "\n\n" + "\n".join(table)


def _nobody(lines: Sequence[Line]) -> str:
    """Kinds of which all hours are there apart from the others: many hours of what is easy say nothing of what is not."""
    told = {line.what: sum(line.others.values()) for line in lines}
    most = max(told, key=lambda what: told[what], default="")
    whole, begun = [line for line in lines if line.complete], [line for line in lines if not line.complete]
    parts = []
    if whole:
        parts.append(
            f"in {_hours(whole)} of {'; '.join(line.what for line in whole)}, of which all is there, {_times(whole)}"
        )
    if begun:
        parts.append(
            f"in the {_hours(begun)} so far of {'the other ' if whole else ''}{len(begun)} kinds {_times(begun)}"
        )
    return (
        f"Nobody there, but air, fans, curtains or music: somebody was called present {', and '.join(parts)}. A motion was told "
        f"beside {sum(told.values())} times, {told.get(most, 0)} of them of one kind ({most}). What that bounds for each of the {len(lines)} kinds by itself stands "
        "[in the results](docs/results/presence.md#false-presence)."
    )


def _hours(lines: Sequence[Line]) -> str:
    return f"{sum(line.hours for line in lines):.1f} h"


def _times(lines: Sequence[Line]) -> str:
    alarms = sum(line.false_alarms for line in lines)
    return f"{alarms} time{'' if alarms == 1 else 's'}"


def _sounds(by_row: Mapping[str, Line]) -> str:
    table = [_line(["", "played", "found", "false alarms", "hours", "a day at most"]), _line(["---"] * 6)]
    for played, silent in SOUNDS.items():
        if not {played, silent} <= set(by_row):  # not measured anew yet
            continue
        found, days = by_row[played], by_row[silent]
        counts = [str(days.false_alarms), f"{days.hours:.0f}", f"{days.per_day_high:.3g}"]
        table.append(_line([days.what, found.what, _found(found), *counts]))
    said = "Share of sounds that device and verifier report, and what they report in days of a household while the sound is not there:"
    return said + "\n\n" + "\n".join(table)


def _told(line: Line) -> str:
    """A motion as it is told, and whether who makes it is called present in time."""
    present = (
        f" ({line.present / line.present_of:.3f})" if line.present is not None and line.present_of else ""
    )
    return _found(line) + present


def _found(line: Line) -> str:
    if not line.trials:
        return ""
    return f"{line.detected / line.trials:.3f} [{line.low:.3f}, {line.high:.3f}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    README.write_text(rewritten(README.read_text(), figures()))


if __name__ == "__main__":
    main()
