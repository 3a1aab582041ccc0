"""What a context makes of whole trials: `python -m lab.training.presence.contexts --arrival-s 0.1 0.5 1`, on data that chose no weights.

Each trial of the tune split goes through the network and then hop by hop through a `detectors.presence.context.Context` for each
setting asked for, as in a device that never rests, sensitive after a major motion and all. For every setting, with the median of the
time to it: major motions told within 2 s, and ever, a second after their end at the latest; presence told within 4 s of the first
motion; small motions told within 3 s. Where nobody is: alarms of presence and of major motion, and the share of the time with presence
in alarm.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.interface import alarm_indices
from detectors.presence.context import ARRIVAL_S, LABELS, MAJOR, MINOR, PRESENCE, Context, ContextSettings
from detectors.presence.detector import START_S
from detectors.presence.network import Classifier
from lab.training.presence.evaluate import LATENCY_S, REFRACTORY, probabilities
from lab.training.presence.examples import HOP_S, MAJOR_CLASS, MINOR_CLASS, Example
from lab.training.presence.thresholds import options, unlearnt

ALARM = 0.5
Heard = tuple[Example, NDArray[np.float32]]  # and its probabilities, (hops, 3)


def scores(heard: NDArray[np.float32], settings: ContextSettings) -> NDArray[np.float64]:
    """heard: (hops, 3), probabilities of a trial. Returns the scores of LABELS, (hops, 4), 0 while the device starts."""
    context, found = Context(settings, HOP_S), np.zeros((len(heard), len(LABELS)))
    for hop in range(round(START_S / HOP_S), len(heard)):
        found[hop] = context.step(heard[hop])
    return found


def told(found: NDArray[np.float64], label: int, onset_s: float, within_s: float) -> float | None:
    """Seconds from an onset to the first alarm of a label within so long; None where there is none."""
    first = int(onset_s / HOP_S)
    above = np.flatnonzero(found[first : first + round(within_s / HOP_S), label] >= ALARM)
    return (first + 1 + above[0]) * HOP_S - onset_s if len(above) else None


def row(heard: Sequence[Heard], settings: ContextSettings) -> str:
    """The figures of trials of one kind under one setting."""
    late: dict[str, list[float | None]] = {"major": [], "ever": [], "came": [], "minor": []}
    alarms, active, hours = {PRESENCE: 0, MAJOR: 0}, 0, 0.0
    for example, known in heard:
        found = scores(known, settings)
        for onset, offset, kind in example.onsets:
            if kind == MAJOR_CLASS:
                late["ever"].append(told(found, MAJOR, onset, offset - onset + 1.0))
                late["major"].append(told(found, MAJOR, onset, LATENCY_S["major"]))
            if kind == MINOR_CLASS:
                late["minor"].append(told(found, MINOR, onset, LATENCY_S["minor"]))
        if len(example.onsets):
            late["came"].append(told(found, PRESENCE, example.onsets[:, 0].min(), 2.0 * LATENCY_S["major"]))
        else:
            for label in alarms:
                alarms[label] += len(alarm_indices(found[:, label], ALARM, REFRACTORY))
            active += int((found[:, PRESENCE] >= ALARM).sum())
            hours += example.hours
    parts = [_told(what, times) for what, times in late.items() if times]
    if hours:
        parts.append(
            f"{alarms[PRESENCE]} alarms, {alarms[MAJOR]} majors in {hours:.2f} h, {active * HOP_S / 36.0 / hours:.3f} %"
        )
    return "  ".join(parts)


def _told(what: str, times: Sequence[float | None]) -> str:
    known = [time for time in times if time is not None]
    median = f" {np.median(known):.2f} s" if known else ""
    return f"{what} {len(known)}/{len(times)}{median}"


def main() -> None:
    parser = options(__doc__.splitlines()[0], hours=0.0)
    usual = ContextSettings(arrival_s=ARRIVAL_S)
    asked = ("average_s", "arrival_s", "arrival", "major", "minor_vacant", "minor_occupied", "hysteresis")
    for name in asked:
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=float, nargs="+", default=[getattr(usual, name)])
    given = parser.parse_args()
    classifier = Classifier(given.model)
    kinds: dict[str, list[Heard]] = {}
    for one in unlearnt(given):
        known = probabilities(classifier, one.maps[0].astype(np.float32))
        kinds.setdefault(one.name.rsplit(" ", 1)[0], []).append((one, known))
    for values in itertools.product(*(getattr(given, name) for name in asked)):
        changed = dict(zip(asked, values, strict=True))
        print(", ".join(f"{name} = {value:g}" for name, value in changed.items()))
        settings = replace(usual, **changed)
        for kind, heard in kinds.items():
            print(f"{kind[-60:]:>60}  {row(heard, settings)}")
        nobody = [one for heard in kinds.values() for one in heard if not len(one[0].onsets)]
        print(f"{'nobody, all':>60}  {row(nobody, settings)}", flush=True)


if __name__ == "__main__":
    main()
