"""What a card says of recordings and of the time that its scenes took."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from lab.training.sound_events import card
from lab.training.sound_events.recordings import Recordings, Sample


def _sample(path: str, label: str, origin: str, event: str | None) -> Sample:
    recording = SimpleNamespace(path=path, label=label, origin=origin)
    return Sample(np.zeros(1, np.float32), recording, event)


KNOCKS = [_sample("k1", "door_knock", "a", "door_knock")]
STEPS = {
    origin: [_sample(f"{origin}{n}", "footstep", origin, "footsteps") for n in range(2)] for origin in "bcd"
}
OPENED = {"e": [_sample("o", "door_open", "e", None)]}


def test_recordings_and_originals_are_counted():
    found = Recordings({"door_knock": {"a": KNOCKS}, "footsteps": STEPS}, {"door_open": OPENED})
    assert found.originals == {"door_knock": (1, 1), "footsteps": (6, 3), "door_open": (1, 1)}


def test_the_card_counts_the_recordings_that_there_are():
    found = {"door_knock": (1, 1), "footsteps": (6, 3), "door_open": (3, 3), "esc10/dog_bark": (15, 15)}
    heard = [
        SimpleNamespace(sample=_sample(path, "door_close", origin, "door_close"))
        for path, origin in (("x", "a"), ("x", "a"), ("y", "a"), ("z", "b"))
    ]
    heard.append(SimpleNamespace(sample=_sample("dog", "esc10/dog_bark", "c", None)))
    told = card._recordings({"originals": found}, heard)
    assert (
        "Train split: footsteps 6 of 3 originals, door_knock 1 of 1 originals; none of smoke_alarm" in told[0]
    )
    assert "door_close." in told[0]
    assert told[1] == "  Of what is taken for them: door_open 3 of 3 originals."
    assert told[2].endswith("the tune split's: door_close 3 of 2 originals.")


def test_without_recordings_the_card_says_so():
    assert card._recordings({"originals": {}}, []) == [
        "- No event was learnt from a recording: none was at hand."
    ]


def test_seconds_of_scenes_are_those_of_rendering_where_they_were_kept():
    seconds = {"scenes": 53, "learning": 1096}
    known = {"core_s": 4000, "scenes": 10_000, "untold": 600}
    assert card._seconds({"seconds": seconds, "rendering": known}) == (
        "Seconds: train and tune scenes 4000 of one core, less 600 scenes of which it was not kept; learning 1096."
    )
    assert "less" not in card._seconds({"seconds": seconds, "rendering": {**known, "untold": 0}})
    for unknown in ({}, {"rendering": {"core_s": 0, "scenes": 0, "untold": 600}}):
        assert card._seconds({"seconds": seconds, **unknown}).startswith("Seconds: scenes from cache, which")
