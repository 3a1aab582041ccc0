"""How the presence detector calibrates itself on units that differ: `python -m lab.commands.calibrations [--write]`.

Each unit of `scenarios/presence/units_spread.toml` (21 certain ones), of `units.toml` (2, 4 and 6 microphones, a blocked loudspeaker) and of
`dead_microphone.toml` stands in an empty stretch of its first trial and is calibrated on what its converter delivers, tone and all, by
the build `presence`; the certain ones again on the envelope at one carrier by `presence_baseband`, as targets are measured. What is told is
what the detector says of itself; --write keeps it for the page of results.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors.build import BUILDS, load_build
from detectors.interface import SILENT
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.detector import PresenceDetector
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import LabFailure
from lab.runs.run import DEFAULT_SEED
from lab.scenario.load import load_scenario
from lab.scenario.trial import Trial
from reports.markdown import table

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios" / "presence"
KEPT = ROOT / "docs" / "results" / "presence" / "calibrations.json"
BUILD, ENVELOPE = "presence", "presence_baseband"
UNITS, OTHERS = "units_spread", ("units", "dead_microphone")
DIRECT_DB = CalibrationSettings().direct_db
TARGET_S = 10.0
LOUDEST_DB_SPL = CalibrationSettings().level_range_db_spl[1]
LONGEST_S = 12.0  # then the people of these scenarios move


def calibrated(trial: Trial, stack: Stack, bench: SimulatedBench) -> dict[str, Any]:
    """What the presence detector of `stack` makes of one unit. Raises LabFailure if it is not done before anybody moves."""
    (detector,) = (one for one in stack.detectors.values() if isinstance(one, PresenceDetector))
    session = bench.open(trial, stack.needs)
    try:
        stack.open(session.formats)
        emission = SILENT
        while not detector.calibrations and (block := session.next(emission)) is not None:
            if block.start_s > LONGEST_S:
                break
            emission = stack.feed(block)
    finally:
        session.close()
    if not detector.calibrations:
        raise LabFailure(f"{trial.scenario_id} {trial.cell.key}: not calibrated within {LONGEST_S:g} s")
    found = detector.calibrations[0]
    best = int(np.argmin(np.abs(np.array(found.candidates_hz) - found.carrier_hz)))
    heard = found.response_db[:, found.alive].mean(axis=1)
    return {
        "carrier_hz": float(found.carrier_hz),
        "level_db_spl": float(found.emission.level_db_spl),
        "took_s": float(found.took_s),
        "blocked": bool(found.blocked),
        "dead": [int(one) for one in np.flatnonzero(~found.alive)],
        "response_db": float(heard[best]),
        "response_range_db": float(np.ptp(heard)),
    }


def every() -> Iterator[dict[str, Any]]:
    """One row for each unit, as the calibration sees it."""
    bench = SimulatedBench()
    for build, names in {BUILD: (UNITS, *OTHERS), ENVELOPE: (UNITS,)}.items():
        stack = Stack(load_build(BUILDS / f"{build}.toml"))
        for name in names:
            scenario = load_scenario(SCENARIOS / f"{name}.toml")
            for cell in scenario.cells():
                row = {"build": build, "scenario": name, "cell": dict(cell.values)}
                yield row | calibrated(scenario.draw(cell, 0, DEFAULT_SEED), stack, bench)


def told(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: what is said of all, and two tables."""
    measured = [row for row in rows if row["build"] == ENVELOPE]
    rows = [row for row in rows if row["build"] == BUILD]
    spread = [row for row in rows if row["scenario"] == UNITS]
    longest = max(row["took_s"] for row in rows)
    levels, carriers = [row["level_db_spl"] for row in spread], [row["carrier_hz"] for row in spread]
    within = "met" if longest < TARGET_S else "**missed**"
    said = (
        f"Calibrated on what the converter delivers, 32 to 40 kHz in steps of 500 Hz, {len(spread) - 1} units and the one as designed, 0: carriers of "
        f"{min(carriers) / 1000:g} to {max(carriers) / 1000:g} kHz, levels of {min(levels):.0f} to {max(levels):.0f} dB SPL at 1 m for walks at 7 m. The "
        f"longest took {longest:.1f} s (target: under {TARGET_S:g} s): {within}."
    )
    if measured:
        # What a unit adds to the level it is told to emit shows at its microphones.
        aired = np.array([row["level_db_spl"] + row["response_db"] - DIRECT_DB for row in measured])
        said += (
            f" On the envelope at {measured[0]['carrier_hz'] / 1000:g} kHz, as targets are measured, by loudspeaker and microphones of a unit as designed "
            f"{aired[0]:.1f} dB SPL at 1 m are in the air, by those of the others {aired[1:].min():.1f} to {aired[1:].max():.1f} dB (median {np.median(aired[1:]):.1f}), "
            f"where {LOUDEST_DB_SPL:g} dB is the most that may be commanded."
        )
    units = [
        ["unit", *(f"{row['cell'].get('number', 0):g}" for row in spread)],
        ["carrier, kHz", *(f"{row['carrier_hz'] / 1000:g}" for row in spread)],
        ["level, dB SPL at 1 m", *(f"{row['level_db_spl']:.0f}" for row in spread)],
        ["heard there less emitted, dB", *(f"{row['response_db']:.0f}" for row in spread)],
        ["best to worst candidate, dB", *(f"{row['response_range_db']:.0f}" for row in spread)],
        ["took, s", *(f"{row['took_s']:.1f}" for row in spread)],
    ]
    others = [
        [
            row["scenario"],
            ", ".join(f"{value}" for value in row["cell"].values()),
            f"{row['carrier_hz'] / 1000:g}",
            f"{row['level_db_spl']:.0f}",
            "yes" if row["blocked"] else "",
            ", ".join(map(str, row["dead"])),
            f"{row['took_s']:.1f}",
        ]
        for row in rows
        if row["scenario"] != UNITS
    ]
    heads = ["scenario", "unit", "carrier, kHz", "level, dB SPL", "says blocked", "says dead", "took, s"]
    return "\n".join([said, "", *table(units[0], units[1:]), "", *table(heads, others)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"keep it in {KEPT.relative_to(ROOT)}")
    given = parser.parse_args()
    rows = []
    for row in every():
        rows.append(row)
        print(
            row["build"],
            row["scenario"],
            *row["cell"].values(),
            f"{row['carrier_hz']:g} Hz {row['level_db_spl']:.1f} dB",
            flush=True,
        )
    print(told(rows))
    if given.write:
        KEPT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
