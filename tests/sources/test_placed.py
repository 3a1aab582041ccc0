"""Sources that sound now and then: where they stand, when they start, and how their sounds are laid on the timeline."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from pydantic import ValidationError

from detectors.interface import Event
from lab.sources.placed import PlacedSpec, Schedule, Sound, SoundStream, starts

RATE_HZ = 16_000


def ring(onset_s: float, seconds: float, value: float = 1.0, truth: tuple[Event, ...] = ()) -> Sound:
    return Sound(onset_s, np.full(round(seconds * RATE_HZ), value, np.float32), truth)


def play(sounds, duration_s: float) -> SoundStream:
    return SoundStream("bell", sounds, RATE_HZ, duration_s, cluster="one")


@pytest.mark.parametrize("places", [{}, {"distance_m": 2.0, "rule": "wall"}])
def test_a_source_stands_in_exactly_one_place(places):
    with pytest.raises(ValidationError, match="exactly one of distance_m, position_m, rule"):
        PlacedSpec(name="bell", **places)


def test_a_sound_falls_on_the_sample_of_its_onset():
    audio = play([ring(0.25, 0.5)], 1.0).read(RATE_HZ)
    assert np.array_equal(np.flatnonzero(audio)[[0, -1]], [4000, 11_999])


def test_sounds_that_overlap_add_up():
    audio = play([ring(0.0, 0.5, 1.0), ring(0.25, 0.5, 2.0), ring(0.25, 0.125, 4.0)], 1.0).read(RATE_HZ)
    assert list(audio[[0, 3999, 4000, 5999, 6000, 7999, 8000, 11_999, 12_000]]) == [1, 1, 7, 7, 3, 3, 2, 2, 0]


def test_cuts_change_no_bit():
    rng = np.random.default_rng(3)
    onsets = np.sort(rng.uniform(0.0, 2.0, 60))
    sounds = [Sound(float(t), rng.standard_normal(3000).astype(np.float32)) for t in onsets]
    whole = play(sounds, 2.0).read(2 * RATE_HZ)
    stream = play(sounds, 2.0)
    cut = np.concatenate([stream.read(n) for n in (1, 7, 800, 0, 16_000, 12_345, 40_000)])
    assert np.array_equal(cut[: 2 * RATE_HZ], whole) and not cut[2 * RATE_HZ :].any()


def test_truth_is_told_once_begun_and_is_cut_at_the_end_of_the_trial():
    event, late = Event(0.5, 9.0, "smoke_alarm"), Event(1.5, 1.6, "glass_break")
    stream = play([ring(0.5, 0.1, truth=(event, late)), ring(5.0, 0.1, truth=(event,))], 2.0)
    stream.read(RATE_HZ // 2)
    assert stream.truth == ()
    stream.read(RATE_HZ)
    assert stream.truth == (Event(0.5, 2.0, "smoke_alarm"),)
    stream.read(RATE_HZ)
    assert stream.truth == (Event(0.5, 2.0, "smoke_alarm"), late)


def test_sounds_out_of_order_are_refused():
    with pytest.raises(ValueError, match="bell: a sound at 0.5 s comes after a later one"):
        play([ring(1.0, 0.1), ring(0.5, 0.1)], 2.0).read(2 * RATE_HZ)


def test_a_day_of_endless_sounds_passes_in_constant_memory():
    endless = (ring(0.5 * k, 0.25) for k in itertools.count())
    stream = play(endless, 1800.0)
    stream.read(RATE_HZ)
    tracemalloc.start()
    heard = sum(int(np.count_nonzero(piece)) for piece in stream.chunks(10 * RATE_HZ))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert heard == 1799 * RATE_HZ // 2
    assert peak < 3e6


def test_a_schedule_starts_as_often_as_it_says():
    spec = PlacedSpec(name="bell", rule="table", start_s=100.0, schedule=Schedule(poisson_per_h=30.0))
    found = starts(spec, np.random.default_rng(1), 1e6)
    gaps = np.diff(found)
    assert found[0] > 100.0 and gaps.min() > 0.0
    assert len(found) == pytest.approx(1e6 / 120.0, rel=0.04)  # 3.6 standard deviations
    assert np.std(gaps) == pytest.approx(120.0, rel=0.06)
