"""What thresholds cost and bring: `python -m lab.training.presence.thresholds`, on data that chose no weights.

Evidence of motions as in `detectors.presence.context` (for who came see `contexts`), e = mean of the clipped log odds over `average_s`.
For every threshold of it: walks found within 2 s in the tune split, how late the median one is, small motions found within 3 s, and
false alarms per day by what moves: in the tune split and in hours of clutter of the training scenarios with trial numbers that neither
training nor mining ever heard.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from detectors.interface import alarm_indices
from detectors.presence.context import CLIP
from detectors.presence.network import Classifier
from lab.training.presence.evaluate import LATENCY_S, REFRACTORY, probabilities
from lab.training.presence.examples import HOP_S, MAJOR_CLASS, MINOR_CLASS, NONE, Example
from lab.training.presence.learn import Recipe
from lab.training.presence.train import MODEL, MODELS, Job, clutter, gather

UNHEARD_ROUND = 8  # of mining: no round gets as far
THRESHOLDS = (-2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
_MAJOR, _MOTION = "major", "motion"


@dataclass(frozen=True, eq=False)
class Heard:
    """An example and the evidence in it, float64 (hops,), of major motion and of any motion."""

    example: Example
    evidence: dict[str, NDArray[np.float64]]


def hear(model: Path, examples: Sequence[Example], average_s: float, microphones: int = 0) -> list[Heard]:
    """Runs the network and averages its log odds as a device does. microphones: index of the set, 0 for all."""
    classifier, found = Classifier(model), []
    gain = 1.0 - np.exp(-HOP_S / average_s)
    for one in examples:
        p = probabilities(classifier, one.maps[microphones].astype(np.float32)).astype(np.float64)
        odds = {_MAJOR: p[:, MAJOR_CLASS], _MOTION: p[:, MAJOR_CLASS] + p[:, MINOR_CLASS]}
        found.append(Heard(one, {name: _mean(_logit(value), gain) for name, value in odds.items()}))
    return found


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, 1e-9, 1.0 - 1e-9)
    return np.clip(np.log(p / (1.0 - p)), -CLIP, CLIP)


def _mean(values: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """From -CLIP on, as a context that has heard nothing."""
    start = np.array([(1.0 - gain) * -CLIP])
    return scipy.signal.lfilter([gain], [1.0, gain - 1.0], values, zi=start)[0]


def found(heard: Sequence[Heard], index: int, threshold: float) -> tuple[int, int, float]:
    """Events of a class found in time, events, and the median latency in s of those found."""
    label, window_s = (_MAJOR, LATENCY_S["major"]) if index == MAJOR_CLASS else (_MOTION, LATENCY_S["minor"])
    late, total = [], 0
    for one in heard:
        for onset, _, kind in one.example.onsets:
            if kind != index:
                continue
            total += 1
            first = int(onset / HOP_S)
            window = one.evidence[label][first : first + round(window_s / HOP_S)]
            above = np.flatnonzero(window >= threshold)
            if len(above):
                late.append((first + 1 + above[0]) * HOP_S - onset)
    return len(late), total, float(np.median(late)) if late else float("nan")


def false_alarms(heard: Sequence[Heard], label: str, threshold: float) -> tuple[int, float]:
    """Alarms where nothing that counts moves, and hours."""
    alarms, hours = 0, 0.0
    for one in heard:
        if not len(one.example.onsets):
            quiet = np.where(one.example.labels == NONE, one.evidence[label], -np.inf)
            alarms += len(alarm_indices(quiet, threshold, REFRACTORY))
            hours += one.example.hours
    return alarms, hours


def table(heard: Sequence[Heard]) -> str:
    """Rows by threshold, then cells of what moves."""
    cells: dict[str, list[Heard]] = {}
    for one in heard:
        cells.setdefault(one.example.name.rsplit(" ", 1)[0], []).append(one)
    lines = [f"{'evidence at least':>60}" + "".join(f"{t:>12g}" for t in THRESHOLDS)]
    for name, members in cells.items():
        for label, index in ((_MAJOR, MAJOR_CLASS), (_MOTION, MINOR_CLASS)):
            rows = [found(members, index, t) for t in THRESHOLDS]
            if rows[0][1]:
                told = "".join(f"{n:>4}/{total:<3}{late:4.1f}" for n, total, late in rows)
                lines.append(f"{name[-52:]:>52} {label:>7}{told}")
    for label in (_MAJOR, _MOTION):
        lines.append(f"false alarms of {label}: alarms by hours")
        for name, members in {**cells, "all": list(heard)}.items():
            rows = [false_alarms(members, label, t) for t in THRESHOLDS]
            if rows[0][1]:
                told = "".join(f"{alarms:>12d}" for alarms, _ in rows)
                lines.append(f"{name[-52:]:>52} {rows[0][1]:6.2f}h{told}")
    return "\n".join(lines)


def options(description: str, hours: float) -> argparse.ArgumentParser:
    """Of a command that hears what chose no weights: see `unlearnt`. hours: of clutter, unless asked."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, default=Path("runs/training/presence"), help="of the training")
    parser.add_argument("--model", type=Path, default=MODELS / MODEL)
    parser.add_argument("--hours", type=float, default=hours, help="of clutter beyond the tune split")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="scenarios of the tune split, or `ID [CELL]`; all without",
    )
    parser.add_argument("--times", type=float, default=1.0, help="so often as many trials as those ask for")
    parser.add_argument("--jobs", type=int, default=2)
    return parser


def unlearnt(given: argparse.Namespace) -> list[Example]:
    """What `options` ask for of the tune split, and as many hours of clutter that neither training nor mining ever heard."""
    job = Job(work=given.work, jobs=given.jobs, recipe=Recipe())
    tune = gather(job, "tune", given.only, given.times)
    return tune + (clutter(job, given.hours, UNHEARD_ROUND) if given.hours else [])


def main() -> None:
    parser = options(__doc__.splitlines()[0], hours=24.0)
    parser.add_argument("--average-s", type=float, default=0.1)
    given = parser.parse_args()
    print(table(hear(given.model, unlearnt(given), given.average_s)))


if __name__ == "__main__":
    main()
