"""Faults of a stream: none makes somebody present for longer than 5 s, and 5 s after each a person is heard again."""

import numpy as np
import pytest

from detectors.interface import BASEBAND, PLAYBACK
from detectors.presence.detector import Phase
from detectors.presence.hiss import HISS_S
from tests.detectors.presence.played import PLAYED, bass, cone, heard
from tests.detectors.presence.synthetic import RATE, detector, envelope, listen, seconds

START_S, STOP_S, BACK_S, WALK_S = 10.0, 12.0, 5.0, 20.0
WALK = (WALK_S, WALK_S + 2.0, 250.0, -60.0)


def faulty(kind, seed=1):
    """30 s; the fault comes at START_S and goes at STOP_S where it can; somebody walks at WALK_S."""
    samples = envelope(30.0, [WALK], seed=seed)
    time = np.arange(samples.shape[1]) / RATE
    first, last = round(START_S * RATE) + 37, round(STOP_S * RATE) + 11
    during = slice(first, last)
    if kind == "nan":
        samples[:, during] = np.nan
    elif kind == "one nan":
        samples[2, first] = complex(np.nan, np.inf)
    elif kind == "nan at one microphone":
        samples[1, first:] = np.nan
    elif kind == "clipping":
        samples[:, during] = np.clip((20.0 * samples[:, during]).real, -1.0, 1.0)
    elif kind == "dead microphone":
        samples[3, first:] = 0.0
    elif kind == "microphone of noise":
        samples[0, first:] = 1e-5 * np.random.default_rng(7).standard_normal(samples.shape[1] - first)
    elif kind == "loose contact":
        samples[0, during] *= np.repeat(np.arange(40) % 2, (last - first) // 40 + 1)[: last - first]
    elif kind == "faltering contact":
        samples[1, first:] *= np.arange(samples.shape[1] - first) % (RATE * 3 // 4) >= RATE // 200
    elif kind == "tone":
        samples[:, first:] += 1e-3 * np.exp(2j * np.pi * 311.3 * time[first:])
    elif kind == "hiss":
        noise = np.random.default_rng(9).standard_normal((2, len(samples), last - first))
        samples[:, during] += 3e-3 * (noise[0] + 1j * noise[1])
    elif kind == "lost samples":
        samples[:, first:] *= np.exp(-2j * np.pi * 17 / 48)
    elif kind == "one lost sample in many":
        samples[:, first:] *= np.exp(-2j * np.pi * 1 / 48)
    elif kind == "suspended":
        samples[:, during] = 0.0
    elif kind == "suspended and moved":
        samples[:, during] = 0.0
        samples[:, last:] *= np.exp(2j) * 0.7
    return samples


KINDS = (
    "nan",
    "one nan",
    "nan at one microphone",
    "clipping",
    "dead microphone",
    "microphone of noise",
    "loose contact",
    "faltering contact",
    "tone",
    "hiss",
    "lost samples",
    "one lost sample in many",
    "suspended",
    "suspended and moved",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_over_within_five_seconds(kind):
    one = detector()
    scores = listen(one, faulty(kind))
    presence, when = scores["presence"], seconds(scores["presence"])
    passing = ("nan", "clipping", "suspended", "suspended and moved", "loose contact", "hiss")
    ends = STOP_S if kind in passing else START_S
    settled = (when > ends + BACK_S) & (when < WALK_S)
    assert np.isfinite(presence[settled]).all()
    assert presence[settled].max() < 0.5
    walking = (when > WALK_S) & (when < WALK_S + 2.5)
    assert scores["major_motion"][walking].max() >= 0.5
    assert presence[when > WALK_S + 6.0].max() < 0.5
    assert one.phase is Phase.SENSING


@pytest.mark.parametrize("kind", KINDS)
def test_cutting_a_faulty_stream_changes_no_bit(kind):
    samples = faulty(kind)
    whole, pieces, hops = (listen(detector(), samples, cuts=cuts) for cuts in (1, 37, None))
    for other in (pieces, hops):
        assert all(np.array_equal(whole[label], other[label], equal_nan=True) for label in whole)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tone"])
def test_a_fault_is_no_presence(kind):
    scores = listen(detector(), faulty(kind))
    before_walk = seconds(scores["presence"]) < WALK_S
    assert not np.any(scores["presence"][before_walk] >= 0.5)


def test_what_cannot_be_used_has_no_score():
    scores = listen(detector(), faulty("suspended"))
    during = (seconds(scores["presence"]) > START_S + 0.1) & (seconds(scores["presence"]) < STOP_S)
    assert all(np.isnan(track[during]).all() for track in scores.values())


def test_what_hisses_hides_and_is_no_background_unless_it_stays():
    scores = listen(detector(), faulty("hiss"))["presence"]
    during = (seconds(scores) > START_S + 0.3) & (seconds(scores) < STOP_S + 0.9)
    assert np.isnan(scores[during]).all()
    samples = envelope(115.0, [(105.0, 107.0, 250.0, -45.0)])
    noise = np.random.default_rng(9).standard_normal((2, *samples.shape))
    samples[:, 10 * RATE :] += (1e-4 * (noise[0] + 1j * noise[1]))[:, 10 * RATE :]
    scores = listen(detector(), samples)["presence"]
    when = seconds(scores)
    assert np.isnan(scores[(when > 10.5) & (when < 10.0 + HISS_S)]).all()
    assert np.isfinite(scores[when > 10.0 + HISS_S + 25.0]).all()
    assert scores[(when > 95.0) & (when < 105.0)].max() < 0.5
    assert scores[(when > 105.0) & (when < 107.0)].max() >= 0.5


def test_a_dead_microphone_is_given_up_and_taken_back():
    samples = envelope(30.0)
    samples[2, 10 * RATE : 20 * RATE] = 0.0
    one = detector()
    listen(one, samples[:, : 15 * RATE])
    assert one.alive.tolist() == [True, True, False, True]
    listen(one, samples)
    assert one.alive.all()


def test_a_fault_while_somebody_walks_does_not_latch():
    samples = envelope(30.0, [(8.0, 11.0, 250.0, -60.0)])
    samples[:, 10 * RATE : 12 * RATE] = np.nan
    presence = listen(detector(), samples)["presence"]
    when = seconds(presence)
    assert np.nanmax(presence[(when > 8.0) & (when < 10.0)]) >= 0.5
    assert presence[when > 12.0 + BACK_S].max() < 0.5


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_any_number_of_microphones_hears_a_walk(channels):
    presence = listen(detector(), envelope(14.0, [(8.0, 10.0, 250.0, -60.0)], channels=channels))["presence"]
    when = seconds(presence)
    assert presence[(when > 8.0) & (when < 9.5)].max() >= 0.5
    assert presence[(when > 5.0) & (when < 8.0)].max() < 0.5


MUSIC_S, WALKS = 24.0, (18.0, 20.0)


def under_music(lost_s, of_playback=False):
    """The envelope of a room with music, somebody who walks at the end, and what is played; lost_s: of one of them, at START_S."""
    played = bass(MUSIC_S + 1.0)
    room = heard(cone(played))
    walk = envelope(MUSIC_S + 1.0, [(*WALKS, 250.0, -50.0)], carrier=0.0, noise_db=-80.0)
    samples = room + walk
    at = round(START_S * RATE) + 37
    if of_playback:
        played = np.delete(played, slice(4 * at, 4 * at + round(lost_s * PLAYED)))
    else:
        samples = np.delete(samples, slice(at, at + round(lost_s * RATE)), axis=1)
    count = round(MUSIC_S * RATE)
    return samples[:, :count], played[: 4 * count]


@pytest.mark.parametrize(("lost_s", "of_playback"), [(0.0, False), (0.05, False), (0.2, False), (0.05, True)])
def test_streams_that_have_come_apart_are_brought_together(lost_s, of_playback):
    samples, played = under_music(lost_s, of_playback)
    one = detector((BASEBAND, PLAYBACK))
    scores = listen(one, samples, playback=played)
    presence, when = scores["presence"], seconds(scores["presence"])
    assert one.apart_s == pytest.approx(-lost_s if of_playback else lost_s, abs=0.0025)
    settled = (when > START_S + BACK_S) & (when < WALKS[0])
    assert np.isfinite(presence[settled]).all() and presence[settled].max() < 0.5
    assert one.removed_db > 10.0
    assert scores["major_motion"][(when > WALKS[0]) & (when < WALKS[1] + 0.5)].max() >= 0.5


@pytest.mark.parametrize("of_playback", [False, True])
def test_cutting_streams_that_come_apart_changes_no_bit(of_playback):
    samples, played = under_music(0.05, of_playback)
    whole, pieces, hops = (
        listen(detector((BASEBAND, PLAYBACK)), samples, cuts=cuts, playback=played) for cuts in (1, 37, None)
    )
    for other in (pieces, hops):
        assert all(np.array_equal(whole[label], other[label], equal_nan=True) for label in whole)


def test_streams_too_far_apart_stay_as_they_are():
    samples, played = under_music(0.4)
    one = detector((BASEBAND, PLAYBACK))
    listen(one, samples, playback=played)
    assert one.apart_s == 0.0
