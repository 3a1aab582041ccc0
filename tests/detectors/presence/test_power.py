"""The tone rests once presence is sure, and the share of time it is on is told."""

import pytest

from detectors.errors import DetectorError
from detectors.presence.context import Context, ContextSettings, Occupancy
from detectors.presence.power import Power, PowerSettings

HOP_S = 0.05
NONE, MINOR, MAJOR = (0.99, 0.005, 0.005), (0.005, 0.985, 0.01), (0.01, 0.01, 0.98)


def live(seconds, moves, vacancy_s=1800.0, motion=MAJOR, **settings):
    """Motion where moves(t); the detector hears it only while the tone is on. Returns power, context and when it was on."""
    context = Context(ContextSettings(vacancy_s=vacancy_s), HOP_S)
    power = Power(PowerSettings(**settings), context, HOP_S)
    on, track, before = True, [], 0
    for index in range(round(seconds / HOP_S)):
        if on:
            before = max(before, index + min(power.certain_hops, 10_000) - 1)
        if on:
            context.step(motion if moves(index * HOP_S) else NONE)
        else:
            context.idle()
        on, was = power.step(on), on
        assert on or not was or index >= before, "a rest began before the hops were over that are certain"
        track.append(on)
    return power, context, track


def test_an_empty_room_is_listened_to_all_the_time():
    power, _, track = live(600.0, lambda t: False)
    assert all(track)
    assert power.duty == 1.0


def test_rests_for_the_set_time_once_presence_is_sure():
    _, context, track = live(400.0, lambda t: t < 5.0, off_s=300.0, sure_s=1.0)
    off = [index * HOP_S for index, on in enumerate(track) if not on]
    assert 1.0 <= off[0] <= 3.5
    assert len(off) * HOP_S == pytest.approx(300.0, abs=0.2)
    assert off[-1] - off[0] == pytest.approx(300.0, abs=0.2)
    assert context.state is Occupancy.OCCUPIED


def test_so_many_hops_are_certain_as_motion_is_still_to_be_heard():
    assert live(10.0, lambda t: False)[0].certain_hops == 8
    assert live(20.0, lambda t: t > 2.0, motion=MINOR, sure_s=1.0)[0].certain_hops == 1
    assert live(10.0, lambda t: True, off_s=0.0)[0].certain_hops > 1e6


def test_somebody_who_moves_every_two_minutes_costs_less_than_thirty_percent():
    power, context, _ = live(3600.0, lambda t: t % 120.0 < 3.0, off_s=300.0)
    assert context.state is Occupancy.OCCUPIED
    assert power.occupied_duty < 0.3


def test_a_short_motion_does_not_bring_a_rest():
    assert all(live(60.0, lambda t: 10.0 < t < 10.5, sure_s=1.0)[2])


def test_small_motions_alone_make_nobody_sure():
    _, context, track = live(60.0, lambda t: t > 5.0, motion=MINOR)
    assert context.state is Occupancy.OCCUPIED
    assert all(track)


def test_a_room_left_during_a_rest_is_vacant_in_time():
    _, context, track = live(900.0, lambda t: t < 5.0, vacancy_s=600.0, off_s=300.0)
    assert context.state is Occupancy.VACANT
    assert all(track[round(620.0 / HOP_S) :])


def test_no_rest_where_none_is_wanted():
    assert all(live(60.0, lambda t: True, off_s=0.0)[2])


def test_refuses_a_rest_that_would_outlast_a_vacancy():
    with pytest.raises(DetectorError, match="off_s: 0 to vacancy_s - confirm_s = 15"):
        live(1.0, lambda t: False, vacancy_s=60.0, off_s=30.0)
