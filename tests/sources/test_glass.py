"""Panes of glass against measured recordings, and what the splits hold apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from lab.acoustics.levels import db_spl_from_pa
from lab.errors import BadInput
from lab.sources.draws import held_out, strip_of
from lab.sources.glass import SIDE_M, THICKNESS_MM, GlassSpec, draw_glass, open_glass
from lab.sources.loudness import active_rms
from lab.sources.modal import RATE_HZ, strike, supported_plate
from lab.sources.struck import lasting_s, pressure

EDGES_HZ = (0.0, 200.0, 1000.0, 3000.0, 8000.0, 22_000.0)


def pane(**keys) -> GlassSpec:
    return GlassSpec(kind="glass", name="pane", **({"distance_m": 2.0} | keys))


def band_percent(audio, rate_hz=RATE_HZ):
    power = np.abs(np.fft.rfft(audio)) ** 2
    hz = np.arange(len(power)) * rate_hz / len(audio)
    bands = [power[(hz >= low) & (hz < high)].sum() for low, high in itertools.pairwise(EDGES_HZ)]
    return 100.0 * np.array(bands) / power.sum()


def figures(audio):
    """Share of the bands in %, time to 30 dB down in s, crest in dB over that time."""
    lasts = lasting_s(audio, RATE_HZ)
    heard = audio[: round(lasts * RATE_HZ)]
    crest = 20.0 * np.log10(np.abs(heard).max() / np.sqrt(np.mean(np.square(heard, dtype=np.float64))))
    return np.array([*band_percent(audio), lasts, crest])


def median_of(spec, split="train", draws=12):
    found = [
        figures(pressure(draw_glass(spec, np.random.default_rng([3, i]), split), RATE_HZ))
        for i in range(draws)
    ]
    return np.median(found, axis=0)


# Measured medians of 16 and of 5 recordings of glass that breaks: 1/3/9/38/40 and 3/6/15/29/35 %, 0.89 and 1.0 s.
# Crest measured 17 dB (recordings of 15 to 21); without room and recorder ours is 4 to 8 dB above that.
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("kind", ["single", "tempered"])
def test_breaking_panes_have_the_measured_medians(kind, split):
    low = np.array([0.0, 1.0, 4.0, 28.0, 20.0, 0.6, 17.0])
    high = np.array([6.0, 14.0, 26.0, 50.0, 60.0, 1.5, 26.0])
    found = median_of(pane(pane=kind), split)
    assert np.all(found >= low), found
    assert np.all(found <= high), found


def test_energy_comes_as_early_as_in_recordings():
    """Of six recordings half the energy has come 0.02 to 0.15 s after the onset, nine tenths after 0.14 to 0.51 s."""
    found = []
    for i in range(12):
        audio = draw_glass(pane(), np.random.default_rng([5, i]), "train").render()
        share = np.cumsum(audio**2) / np.sum(audio**2)
        found.append(np.searchsorted(share, (0.5, 0.9)) / RATE_HZ)
    half, most = np.median(found, axis=0)
    assert 0.02 <= half <= 0.2
    assert 0.14 <= most <= 0.7


def test_a_pane_that_holds_has_no_label_and_is_over_sooner():
    held = open_glass(pane(breaks=False), seed=4, rate_hz=16_000, duration_s=4.0, split="train")
    held.read(64_000)
    assert held.truth == ()
    assert median_of(pane(breaks=False))[5] < 0.5 * median_of(pane())[5]


def test_truth_begins_with_the_blow_and_ends_30_db_down():
    stream = open_glass(pane(start_s=0.5), seed=4, rate_hz=16_000, duration_s=6.0, split="train")
    audio = stream.read(96_000)
    (event,) = stream.truth
    assert event.label == "glass_break"
    assert event.onset_s == 0.5
    assert not audio[:8000].any()
    assert np.abs(audio[8000:8160]).max() > 1e-3 * np.abs(audio).max()
    frames = np.square(audio.astype(np.float64)).reshape(-1, 160).mean(axis=1)
    end = round(event.offset_s * 100)
    assert frames[end - 1] >= 1e-3 * frames.max()
    assert frames[end:].max() < 1e-3 * frames.max()


def test_a_double_pane_breaks_twice():
    """The second pane 20 to 200 ms after the first: with both cracks the early energy comes later."""

    def half_s(kind, i):
        audio = draw_glass(pane(pane=kind), np.random.default_rng([8, i]), "train").render()
        return np.searchsorted(np.cumsum(audio**2), 0.25 * np.sum(audio**2)) / RATE_HZ

    assert np.median([half_s("double", i) for i in range(8)]) > 1.3 * np.median(
        [half_s("single", i) for i in range(12)]
    )


def test_level_is_that_asked_for_and_the_sound_the_same_at_every_rate():
    struck = draw_glass(pane(level_db_spl=93.0), np.random.default_rng(2), "train")
    narrow, wide = pressure(struck, 16_000), pressure(struck, 48_000)
    for audio, rate_hz in ((narrow, 16_000), (wide, 48_000)):
        assert float(db_spl_from_pa(active_rms(audio, rate_hz))) == pytest.approx(93.0, abs=0.1)
    shared = np.abs(np.fft.rfft(wide)[: len(narrow) * 7 // 16]) / 3.0
    error = np.abs(np.abs(np.fft.rfft(narrow)[: len(shared)]) - shared)
    assert np.sqrt(np.sum(error**2) / np.sum(shared**2)) < 0.01


def test_splits_share_no_value_of_a_drawn_range():
    seen = {}
    for split in ("train", "tune", "test"):
        rng = np.random.default_rng(1)
        seen[split] = {strip_of(held_out(rng, split, 2.4, 6.4), 2.4, 6.4) for _ in range(300)}
    assert seen == {"train": {0, 2, 5, 6}, "tune": {3}, "test": {1, 4, 7}}
    for i in range(20):
        drawn = draw_glass(pane(), np.random.default_rng(i), "test").figures
        assert strip_of(drawn["thickness_mm"], *THICKNESS_MM["single"]) in {1, 4, 7}
        assert strip_of(drawn["width_m"], *SIDE_M) in {1, 4, 7}
    with pytest.raises(BadInput, match="split is 'all', allowed: train, tune, test"):
        held_out(np.random.default_rng(1), "all", 1.0, 2.0)


def test_trials_are_repeatable_and_reads_change_no_bit():
    def whole(seed, *cuts):
        stream = open_glass(pane(), seed=seed, rate_hz=16_000, duration_s=2.0, split="test")
        return np.concatenate([stream.read(n) for n in cuts])

    assert np.array_equal(whole(1, 32_000), whole(1, 1, 6999, 25_000))
    assert not np.array_equal(whole(1, 32_000), whole(2, 32_000))


def test_trials_with_the_same_pane_elsewhere_are_alike():
    def cluster(seed, **keys):
        return open_glass(pane(**keys), seed=seed, rate_hz=16_000, duration_s=1.0, split="train").cluster

    assert cluster(1, distance_m=1.0) == cluster(1, distance_m=7.6)
    assert len({cluster(1), cluster(2), cluster(1, pane="double")}) == 3


def test_a_thickness_that_is_not_made_is_refused():
    with pytest.raises(ValidationError, match=r'thickness_mm = 12: 3.2 to 6.4 for pane = "tempered"'):
        pane(pane="tempered", thickness_mm=12.0)


def test_a_plate_rings_where_theory_says():
    """4 mm glass, 1 m x 1 m, simply supported: (pi / 2) 1566 * 0.004 * 2 = 19.7 Hz, the next two 2.5 times that."""
    found = supported_plate(1566.0 * 0.004, 1.0, 1.0, 60.0)
    assert found == pytest.approx([19.68, 49.20, 49.20], abs=0.01)


def test_a_struck_mode_is_the_closed_form():
    """exp(-t / tau) sin(2 pi f t) convolved with 1 - cos over the contact, by quadrature at 16 times the rate.

    Residual -62 dB: the force is summed at 48 kHz, not integrated.
    """
    hz, tau, contact_s = 1234.5, 0.01, 1.1e-3
    out = np.zeros(1500)
    strike(out, 0.0, contact_s, [hz], [tau], [1.0])
    fine = 16 * RATE_HZ
    t = np.arange(1500 * 16) / fine
    force = np.where(t < contact_s, (1.0 - np.cos(2.0 * np.pi * t / contact_s)) / contact_s, 0.0) / fine
    exact = np.convolve(force, np.exp(-t / tau) * np.sin(2.0 * np.pi * hz * t))[: len(t) : 16]
    assert 20.0 * np.log10(np.std(out - exact) / np.std(exact)) < -60.0
