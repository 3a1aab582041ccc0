"""Lost samples turn all microphones at once; moving air does too, all the time, and is no loss. A gap within a hop is one."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.presence.hearing import MUTE, ONSET, Hearing, Verdict, clean

HOPS, PER_HOP = 400, 50
LOST = 0.2618  # rad: two samples at 34 kHz and 96 kHz


def judged(turns_rad: np.ndarray, seed: int = 1, playing: bool = False) -> list[Verdict]:
    """Four microphones whose carriers turn together by so much from hop to hop, each a little by its own."""
    rng = np.random.default_rng(seed)
    hearing, found = Hearing(np.ones(4, bool)), []
    for angle in np.cumsum(turns_rad):
        own = angle + 0.002 * rng.standard_normal(4)
        envelope = np.repeat(np.exp(1j * own)[:, None], PER_HOP, axis=1).astype(np.complex64)
        found.append(hearing.judge(envelope, np.ones(4, bool), playing=playing))
    return found[ONSET:]


@pytest.mark.parametrize("at", [100, 300])
def test_lost_samples_in_still_air_are_skipped(at):
    turns = 0.003 * np.random.default_rng(0).standard_normal(HOPS)
    turns[at] += LOST
    assert [i + ONSET for i, one in enumerate(judged(turns)) if one is Verdict.SKIP] == [at]


def test_air_that_turns_the_carrier_hop_after_hop_is_listened_to():
    turns = 0.08 * np.random.default_rng(0).standard_normal(
        HOPS
    )  # in one of eight hops more than two samples do
    skipped = [one is Verdict.SKIP for one in judged(turns)]
    assert np.mean(skipped[:100]) < 0.2
    assert not any(skipped[100:])


def test_when_the_air_is_still_again_losses_are_seen_again():
    rng = np.random.default_rng(0)
    turns = np.concatenate([0.08 * rng.standard_normal(HOPS), 0.003 * rng.standard_normal(HOPS)])
    turns[HOPS + 300] += LOST
    found = [i + ONSET for i, one in enumerate(judged(turns)) if one is Verdict.SKIP]
    assert HOPS + 300 in found
    assert [i for i in found if i > HOPS] == [HOPS + 300]


@pytest.mark.parametrize("lost", [LOST / 2, LOST])
@pytest.mark.parametrize("every", [20, 10, 5])  # hops: one to four times a second
def test_losses_that_come_again_and_again_are_each_seen(lost, every):
    turns = 0.003 * np.random.default_rng(0).standard_normal(HOPS)
    turns[50::every] += lost
    found = [i + ONSET for i, one in enumerate(judged(turns)) if one is Verdict.SKIP]
    assert found == list(range(50, HOPS, every))


def test_a_loss_within_a_hop_shows_half_in_each_of_two_and_is_seen():
    turns = 0.003 * np.random.default_rng(0).standard_normal(HOPS)
    for at in range(50, HOPS - 1, 20):
        turns[at : at + 2] += LOST / 4
    found = {i + ONSET for i, one in enumerate(judged(turns)) if one is Verdict.SKIP}
    assert found == {at + 1 for at in range(50, HOPS - 1, 20)}


def test_music_teaches_nothing_of_the_air():
    rng = np.random.default_rng(0)
    hearing = Hearing(np.ones(4, bool))
    angle, found = 0.0, []
    for number in range(2 * HOPS):
        playing = number < HOPS
        angle += 0.2 * rng.standard_normal() if playing else 0.003 * rng.standard_normal()
        angle += LOST if number == HOPS + 20 else 0.0
        own = angle + 0.002 * rng.standard_normal(4)
        envelope = np.repeat(np.exp(1j * own)[:, None], PER_HOP, axis=1).astype(np.complex64)
        found.append(hearing.judge(envelope, np.ones(4, bool), playing))
    assert [i for i, one in enumerate(found) if one is Verdict.SKIP and i > HOPS + 2] == [HOPS + 20]


@pytest.mark.parametrize("form", [np.float32, np.complex64])
def test_zeros_in_a_row_are_a_gap_under_a_tone_and_may_be_silence_without_one(form):
    """A complex sample has two parts, so half as many of those make a gap."""
    row = MUTE // np.dtype(form).itemsize * np.dtype(np.float32).itemsize
    hop = np.exp(1j * np.arange(200)).astype(np.complex64)
    hop = np.array([hop, hop, hop], np.complex64) if form is np.complex64 else np.array([hop.real] * 3, form)
    hop[0, 60 : 60 + row] = 0.0
    hop[1, 60 : 60 + row - 1] = 0.0
    cleaned, usable = clean(hop)
    assert usable.tolist() == [False, True, True]
    assert np.array_equal(cleaned, hop)
    assert clean(hop, toned=False)[1].all()
    hop[0] = 0.0
    assert clean(hop, toned=False)[1].tolist() == [False, True, True]  # dead, tone or not
