"""In what a run on a bench departs from its scenario: said before the first trial, kept with each capture."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.interface import DUT, StreamNeed
from lab.scenario.trial import Trial
from lab.sources.alarms import AlarmSpec
from rigs.rig_file import RigFile


def departures(trial: Trial, rig: RigFile, need: StreamNeed | None, heard: int) -> Iterator[str]:
    """need: of the stream that the bench records, None where the stack takes none. heard: how many microphones it gets."""
    if rig.kind == "loopback":
        yield "no room, no distance: every source is heard at its level at 1 m, by every microphone alike"
    elif rig.kind == "physical":
        yield f"room and furniture are those of {rig.room}, not the scenario's"
        if any(isinstance(source, AlarmSpec) for source in trial.spec.sources):
            yield "alarms are those that the bench has: their place, level and rhythm are not the scenario's"
    there = len(trial.spec.device.microphones_m)
    if need is not None and need.channels is None and heard < there:
        yield f"the reference stack hears {heard} of {there} microphones: the bench records no more"
    yield from _unreported(trial, rig)


def _unreported(trial: Trial, rig: RigFile) -> Iterator[str]:
    """Labels of the scenario on which the device under test will not be judged."""
    if rig.device is None:
        return
    limited = (one.label for one in trial.spec.accept if one.label is not None and one.stage in (None, DUT))
    asked = dict.fromkeys((*trial.spec.expect.labels, *limited))
    if missing := [label for label in asked if label not in rig.device.labels]:
        yield (
            f"{trial.scenario_id}: {rig.device.name} is not judged on {', '.join(missing)}: "
            f"device.labels of the rig file has {', '.join(rig.device.labels)} only"
        )
