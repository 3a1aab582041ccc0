"""States from probabilities: what brings presence on, what holds it, what ends it."""

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.presence.context import LABELS, Context, ContextSettings, Occupancy, logit

HOP_S = 0.05
NONE, WEAK, MINOR, MAJOR = (0.98, 0.01, 0.01), (0.2, 0.75, 0.05), (0.005, 0.98, 0.015), (0.02, 0.03, 0.95)


def run(context, probabilities, seconds):
    steps = [context.step(probabilities) for _ in range(round(seconds / HOP_S))]
    return {label: np.array(track) for label, track in zip(LABELS, zip(*steps, strict=True), strict=True)}


def made(**settings):
    return Context(ContextSettings(**settings), HOP_S)


def test_a_major_motion_is_told_within_half_a_second_and_is_presence_when_it_goes_on():
    context = made()
    run(context, NONE, 2.0)
    scores = run(context, MAJOR, 2.0)
    settings, before, now = context.settings, logit(NONE[2]), logit(MAJOR[2])
    due_s = settings.to_arrive_s * np.log((now - before) / (now - logit(settings.major) - settings.arrival))
    assert 0.5 < due_s < 2.0
    assert np.argmax(scores["presence"] >= 0.5) * HOP_S == pytest.approx(due_s, abs=0.1)
    assert np.argmax(scores["major_motion"] >= 0.5) * HOP_S <= 0.5
    assert scores["minor_motion"].max() < 0.5
    assert context.state is Occupancy.OCCUPIED


def test_a_motion_of_half_a_second_is_told_but_is_nobody_unless_somebody_is_there():
    context = made()
    run(context, NONE, 2.0)
    start = run(context, MAJOR, 0.5)
    assert start["major_motion"].max() >= 0.5 and start["presence"].max() < 0.5
    assert run(context, NONE, 5.0)["presence"].max() < 0.5
    assert context.state is Occupancy.VACANT and context.boost < 0.01
    run(context, MAJOR, 2.0)
    run(context, NONE, 5.0)
    again = run(context, MAJOR, 0.5)
    assert np.argmax(again["presence"] >= 0.5) <= np.argmax(again["major_motion"] >= 0.5) < 10
    assert again["presence"].max() >= 0.5


@pytest.mark.parametrize(
    "settings", [{"vacancy_s": 2.0, "arrival_s": 5.0}, {"vacancy_s": 1.0, "sensitivity": 1.0}]
)
def test_who_left_does_not_come_back_by_what_is_left_of_the_evidence(settings):
    context = made(**settings)
    run(context, MAJOR, 20.0)
    scores = run(context, NONE, 20.0)
    left = np.flatnonzero(scores["vacancy"] >= 0.5)
    assert (left[-1] - left[0]) * HOP_S <= 1.0
    assert scores["presence"][left[0] :].max() < 0.5


def test_a_motion_held_by_hysteresis_alone_is_told_and_is_nobody():
    context = made()
    run(context, MAJOR, 0.3)
    scores = run(context, (0.55, 0.05, 0.4), 30.0)
    assert scores["major_motion"][-1] >= 0.5
    assert scores["presence"].max() < 0.5


def test_an_arrival_takes_at_least_as_long_as_a_motion():
    assert ContextSettings().to_arrive_s == 1.0
    assert ContextSettings(average_s=2.0).to_arrive_s == 2.0


def test_who_comes_has_to_be_surer_than_who_is_there():
    likely = (0.35, 0.02, 0.63)  # more than a motion takes, less than an arrival
    context = made()
    blinds = run(context, likely, 60.0)
    assert blinds["major_motion"][-1] >= 0.5 and blinds["presence"].max() < 0.5
    assert context.state is Occupancy.VACANT and not context.sure
    assert run(made(arrival=0.0), likely, 10.0)["presence"].max() >= 0.5
    run(context, MAJOR, 2.0)
    run(context, NONE, 5.0)
    assert run(context, likely, 2.0)["presence"].max() >= 0.5


def test_small_motions_alone_take_more_to_bring_somebody_too():
    still = (0.035, 0.96, 0.005)
    context = made()
    scores = run(context, still, 10.0)
    assert scores["minor_motion"][-1] >= 0.5 and scores["presence"].max() < 0.5
    assert run(made(arrival=0.0), still, 10.0)["presence"].max() >= 0.5
    assert run(context, MINOR, 5.0)["presence"].max() >= 0.5


def test_one_hop_is_no_motion():
    context = made()
    run(context, NONE, 2.0)
    assert run(context, MAJOR, HOP_S)["presence"].max() < 0.5


def test_a_weak_motion_counts_only_after_a_major_one_and_less_as_minutes_pass():
    context = made(decay_s=120.0)
    assert run(context, WEAK, 3.0)["presence"].max() < 0.5
    run(context, MAJOR, 2.0)
    run(context, NONE, 5.0)
    soon = run(context, WEAK, 3.0)
    assert soon["presence"].max() >= 0.5
    assert soon["minor_motion"].max() >= 0.5
    run(context, NONE, 600.0)
    assert context.boost < 0.01
    assert run(context, WEAK, 3.0)["presence"].max() < 0.5


@pytest.mark.parametrize("label", ["presence", "major_motion"])
def test_the_user_shifts_what_is_asked_for(label):
    doubtful = (0.3, 0.05, 0.65)
    peaks = [run(made(sensitivity=s), doubtful, 3.0)[label].max() for s in (0.0, 0.5, 1.0)]
    assert peaks[0] < peaks[1] < peaks[2]
    assert peaks[0] < 0.5 <= peaks[2]


def test_evidence_that_wavers_about_the_threshold_is_one_motion():
    context = made(major=0.8)
    run(context, MAJOR, 1.0)
    wavering = np.concatenate(
        [run(context, (0.2, 0.05, p), 0.3)["major_motion"] for p in (0.78, 0.72, 0.78, 0.72, 0.78, 0.72)]
    )
    assert (wavering >= 0.5).all()
    assert run(made(major=0.8), (0.2, 0.05, 0.72), 3.0)["major_motion"].max() < 0.5


def test_vacancy_is_told_once_after_its_time_and_not_before():
    context = made(vacancy_s=60.0, confirm_s=10.0)
    run(context, MAJOR, 2.0)
    vacancy = run(context, NONE, 180.0)["vacancy"]
    told = np.flatnonzero(vacancy >= 0.5)
    assert told[0] * HOP_S == pytest.approx(60.0, abs=1.0)
    assert (told[-1] - told[0]) * HOP_S <= 1.0
    assert vacancy[: told[0]].max() < 0.5
    assert vacancy[-1] == 0.0
    assert context.state is Occupancy.VACANT


def test_motion_begins_the_wait_anew():
    context = made(vacancy_s=60.0)
    run(context, MAJOR, 2.0)
    run(context, NONE, 50.0)
    run(context, MINOR, 1.0)
    assert run(context, NONE, 50.0)["vacancy"].max() < 0.5
    assert context.state is Occupancy.OCCUPIED


def test_nobody_leaves_while_nobody_listens():
    context = made(vacancy_s=60.0, confirm_s=20.0)
    run(context, MAJOR, 2.0)
    for _ in range(round(100.0 / HOP_S)):
        context.idle()
    assert context.state is Occupancy.OCCUPIED
    assert run(context, NONE, 19.0)["vacancy"].max() < 0.5
    assert run(context, NONE, 2.0)["vacancy"].max() >= 0.5


def test_an_empty_room_is_never_vacated():
    assert run(made(vacancy_s=10.0), NONE, 60.0)["vacancy"].max() == 0.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sensitivity", 1.1),
        ("vacancy_s", 0.0),
        ("major", 1.0),
        ("arrival", -0.1),
        ("hysteresis", -1.0),
        ("average_s", True),
        ("arrival_s", 0.05),
    ],
)
def test_refuses_settings_out_of_range(key, value):
    with pytest.raises(DetectorError, match=f"settings.{key}"):
        ContextSettings(**{key: value})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"arrival": 5.0}, "at most 4.95 where major = 0.5 and sensitivity = 0.5"),
        ({"arrival": 3.1, "sensitivity": 0.0}, "at most 2.95 where"),
        ({"major": 0.999}, "beyond it by themselves"),
    ],
)
def test_refuses_what_would_bring_nobody_ever(settings, told):
    with pytest.raises(DetectorError, match=f"settings.arrival: .*{told}"):
        ContextSettings(**settings)


def test_the_most_that_can_be_asked_brings_somebody():
    certain = (0.0, 0.0, 1.0)
    assert run(made(arrival=4.95), certain, 20.0)["presence"].max() >= 0.5
    assert run(made(arrival=2.95, sensitivity=0.0), certain, 20.0)["presence"].max() >= 0.5
