"""Device and verifier together: what is asked when, what an answer does, and how little leaves the device."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.sound_events.cascade import FORGET_S, RETRY_S, Cascade
from detectors.sound_events.questions import Answer, DirectQuestions
from detectors.sound_events.verifier import Clip, State, Verdict, no_answer
from tests.detectors.sound_events.hearing import RATE, detector, glass, listen, room, smoke

HOP_S = 0.1


class Peak:
    """Confirms what holds a sample above `least`. Keeps what it was sent."""

    def __init__(self, least: float = 0.1) -> None:
        self.least = least
        self.heard: list[Clip] = []

    def judge(self, clip: Clip) -> Verdict:
        self.heard.append(clip)
        confirmed = bool(np.abs(clip.audio).max() > self.least)
        return Verdict(confirmed, 0.9 if confirmed else 0.2)


class Nobody:
    def judge(self, clip: Clip) -> Verdict:
        return no_answer(State.DOWN, "nobody there", sent=False)


class Slow(DirectQuestions):
    """Its answers count `late_s` after the end of the clip."""

    def __init__(self, verifier, late_s: float) -> None:
        super().__init__(verifier)
        self.late_s = late_s

    def answers(self, now_s: float) -> list[Answer]:
        due = [one for one in self._ready if one.clip.end_s + self.late_s <= now_s]
        self._ready = [one for one in self._ready if one not in due]
        return due


def run(
    label: str,
    device: dict[float, float],
    seconds: float,
    verifier,
    loud_s: float | None = None,
    late_s: float = 0.0,
) -> np.ndarray:
    """device: from when on the device's score is what. loud_s: when something is to be heard. Returns the cascade's scores."""
    cascade, found = Cascade((label,), Slow(verifier, late_s), (label,)), []
    for hop in range(1, round(seconds / HOP_S) + 1):
        now_s, sound = hop * HOP_S, np.full(1_600, 1e-3, np.float32)
        if loud_s is not None and now_s - HOP_S <= loud_s < now_s:
            sound[:] = 0.5
        score = [value for at, value in device.items() if at <= now_s + 1e-9][-1]
        found += cascade.step(now_s, sound, [score])
    return np.array(found)


def test_a_crash_is_judged_from_a_second_before_to_two_after_it():
    verifier = Peak()
    scores = run("glass_break", {0.0: 0.0, 5.3: 0.8, 5.6: 0.0}, 10.0, verifier, loud_s=5.05)
    (clip,) = verifier.heard
    assert (clip.start_s, clip.end_s) == pytest.approx((4.0, 7.0))
    assert np.all(scores[:69] == 0.0)  # hops up to 6.9 s
    assert np.all(scores[69:74] == 0.9)
    assert np.all(scores[75:] == 0.0)


def test_of_what_is_not_verified_nothing_is_asked_and_the_device_decides():
    verifier = Peak()
    cascade = Cascade(("footsteps", "glass_break"), DirectQuestions(verifier), ("glass_break",))
    found = [cascade.step(hop * HOP_S, np.zeros(1_600, np.float32), [0.8, 0.0]) for hop in range(1, 100)]
    assert verifier.heard == []
    assert found == [[0.8, 0.0]] * 99
    assert np.isnan(cascade.step(10.0, np.zeros(1_600, np.float32), [np.nan, 0.0])[0])


def test_what_the_verifier_rejects_never_reaches_an_alarm():
    verifier = Peak()
    scores = run("glass_break", {0.0: 0.0, 5.3: 0.8, 5.6: 0.0}, 10.0, verifier)
    assert len(verifier.heard) == 1
    assert scores.max() == 0.2


def test_a_second_crash_is_a_second_question():
    verifier = Peak()
    run("glass_break", {0.0: 0.0, 5.0: 0.8, 5.3: 0.0, 9.0: 0.7, 9.5: 0.0}, 14.0, verifier)
    assert len(verifier.heard) == 2


def test_a_crash_while_an_answer_is_on_its_way_is_asked_about_when_it_is_in():
    verifier = Peak()
    device = {0.0: 0.0, 5.3: 0.8, 5.6: 0.0, 8.0: 0.9, 8.4: 0.0}
    scores = run("glass_break", device, 15.0, verifier, loud_s=7.75, late_s=1.2)
    assert [(clip.start_s, clip.end_s) for clip in verifier.heard] == [
        pytest.approx((4.0, 7.0)),
        pytest.approx((6.7, 9.7)),
    ]
    assert np.all(scores[81:86] == 0.2)  # the first was nothing
    assert np.all(scores[108:113] == 0.9) and scores[:108].max() == 0.2


def test_an_alarm_is_asked_about_once_and_stays_confirmed_while_it_sounds():
    verifier = Peak()
    scores = run(
        "smoke_alarm", {0.0: 0.0, 25.0: 0.9, 60.0: 0.1, 70.0: 0.9, 90.0: 0.0}, 100.0, verifier, loud_s=24.05
    )
    (clip,) = verifier.heard
    assert (clip.start_s, clip.end_s) == pytest.approx((5.0, 25.0))
    assert np.all(scores[249:599] == 0.9)  # hops from 25 s to 59.9 s
    assert np.all(scores[610:690] == 0.0)
    assert np.all(scores[699:899] == 0.9)  # heard again soon enough to be the same alarm


def test_after_a_long_quiet_an_alarm_is_a_new_question():
    verifier = Peak()
    again_s = 30.0 + FORGET_S + 1.0
    run("smoke_alarm", {0.0: 0.0, 25.0: 0.9, 30.0: 0.0, again_s: 0.9}, again_s + 2.0, verifier, loud_s=24.05)
    assert len(verifier.heard) == 2


def test_an_endless_beep_is_no_endless_upload():
    """Each rejection doubles the wait, up to a limit: five questions in five minutes."""
    verifier = Peak()
    scores = run("smoke_alarm", {0.0: 0.0, 25.0: 0.9}, 325.0, verifier)
    asked = [clip.end_s for clip in verifier.heard]
    assert asked == pytest.approx([25.0, 35.0, 55.0, 95.0, 175.0], abs=0.11)
    assert asked[1] - asked[0] == pytest.approx(RETRY_S, abs=0.11)
    assert scores.max() < 0.5


def test_an_alarm_first_rejected_is_confirmed_when_more_of_it_is_heard():
    scores = run("smoke_alarm", {0.0: 0.0, 25.0: 0.9}, 45.0, Peak(), loud_s=30.05)
    assert scores[:349].max() < 0.5
    assert np.all(scores[350:] == 0.9)


def test_without_an_answer_the_device_decides():
    scores = run("glass_break", {0.0: 0.0, 5.3: 0.8, 5.6: 0.0}, 10.0, Nobody(), loud_s=5.05)
    assert scores.max() == 0.8


def test_where_the_device_does_not_sense_the_cascade_does_not_either():
    scores = run("glass_break", {0.0: np.nan, 2.0: 0.0}, 4.0, Peak())
    assert np.isnan(scores[:19]).all() and np.all(scores[19:] == 0.0)


def test_a_detector_with_a_verifier_reports_both_stages_and_counts_what_left_it():
    audio = room(30.0)
    smoke(audio, 6.0, 30.0)
    glass(audio, 25.0, rms=0.2)  # loud enough for the verifier, the alarm is not
    verifier = Peak(least=0.3)
    both = detector(verifier=lambda: DirectQuestions(verifier))
    assert both.stages == ("device", "cascade")
    tracks, alone = listen(both, audio), listen(detector(), audio)
    for key, track in alone.items():
        np.testing.assert_array_equal(tracks[key].scores, track.scores)
    assert tracks["device", "smoke_alarm"].scores.max() > 0.5 > tracks["cascade", "smoke_alarm"].scores.max()
    confirmed = np.flatnonzero(tracks["cascade", "glass_break"].scores >= 0.5)
    assert 26.7 < tracks["cascade", "glass_break"].times_s[confirmed[0]] <= 27.5
    seconds = sum(len(clip.audio) for clip in verifier.heard) / RATE
    assert both.measured == {
        "uploads": len(verifier.heard),
        "uploaded_s": pytest.approx(seconds),
        "unanswered": 0.0,
    }
    assert [clip.label for clip in verifier.heard] == ["smoke_alarm", "smoke_alarm", "glass_break"]
    listen(both, room(3.0))
    assert both.measured["uploads"] == 0.0
