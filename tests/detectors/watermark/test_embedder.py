import numpy as np
import pytest
from scipy.signal import resample_poly

from detectors.errors import DetectorError
from detectors.watermark.detector import THRESHOLD
from detectors.watermark.embedder import embed, mark_duration_s
from detectors.watermark.key import load_named
from lab.acoustics.hearing import noise_to_mask
from tests.detectors.watermark.hosts import melody, track

KEY = load_named("reference")


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000])
def test_a_mark_is_heard_at_any_rate_and_stays_under_the_limit(rate_hz):
    host = melody(3.5, rate_hz)
    marked = embed(host, rate_hz, KEY, start_s=1.0, duration_s=2.05)
    part = slice(round(marked.onset_s * rate_hz), round(marked.offset_s * rate_hz))
    assert noise_to_mask(host[part], marked.audio[part], rate_hz).mean_db <= -3.0
    heard = track(resample_poly(marked.audio, 16000, rate_hz), KEY)
    assert np.nanmax(heard.scores) > THRESHOLD
    assert abs(heard.times_s[np.nanargmax(heard.scores)] - marked.offset_s) < 0.03
    assert np.nanmax(track(resample_poly(host, 16000, rate_hz), KEY).scores) < THRESHOLD


def test_nothing_changes_outside_the_marked_stretch():
    host = melody(4.0, 22050)
    marked = embed(host, 22050, KEY, start_s=1.5, duration_s=2.05)
    changed = np.flatnonzero(marked.audio != host) / 22050
    assert marked.onset_s == pytest.approx(1.5, abs=1e-4)
    assert marked.onset_s <= changed.min() and changed.max() <= marked.offset_s + 1e-3


def test_stereo_channels_carry_one_pattern_each_under_its_own_mask():
    left, right = melody(3.0), 0.1 * melody(3.0, seed=4)
    marked = embed(np.stack([left, right]), 16000, KEY, duration_s=2.05)
    assert marked.audio.shape == (2, 48000)
    mark = marked.audio - np.stack([left, right])
    assert np.std(mark[0]) > 3 * np.std(mark[1]) > 0
    for channel in (0, 1):
        part = slice(0, 32768)
        assert (
            noise_to_mask(np.stack([left, right])[channel, part], marked.audio[channel, part], 16000).mean_db
            <= -3
        )
    assert np.nanmax(track(marked.audio.sum(axis=0), KEY).scores) > THRESHOLD


def test_marking_is_repeatable():
    host = melody(3.0)
    first, second = (embed(host, 16000, KEY, 0.3) for _ in range(2))
    assert np.array_equal(first.audio, second.audio)


def test_as_many_whole_marks_as_fit_follow_one_another():
    marked = embed(melody(7.0), 16000, KEY)
    assert marked.marks == 3
    assert marked.offset_s == pytest.approx(3 * mark_duration_s(KEY))
    times = track(np.pad(marked.audio, (0, 4000)), KEY)
    for number in (1, 2, 3):
        near = np.abs(times.times_s - number * mark_duration_s(KEY)) < 0.03
        assert np.nanmax(times.scores[near]) > THRESHOLD


def test_host_to_mark_is_the_ratio_of_what_was_there_and_what_was_added():
    host = melody(2.048)
    marked = embed(host, 16000, KEY)
    added = marked.audio.astype(float) - host
    assert marked.host_to_mark_db == pytest.approx(
        10 * np.log10(np.mean(host**2.0) / np.mean(added**2)), abs=0.05
    )
    assert marked.noise_to_mask_db == pytest.approx(-4.5)


def test_a_short_host_is_refused_with_the_length_a_mark_takes():
    with pytest.raises(DetectorError, match=r"too short.*2\.048 s.*1\.500 s"):
        embed(melody(2.0), 16000, KEY, start_s=0.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad):
    host = melody(3.0)
    host[1234] = bad
    with pytest.raises(DetectorError, match="finite"):
        embed(host, 16000, KEY)


def test_a_rate_below_8_khz_is_refused():
    with pytest.raises(DetectorError, match="8000"):
        embed(melody(3.0), 7999, KEY)


def test_silence_stays_silent_and_gets_a_warning():
    silence = np.zeros((2, 40000), np.float32)
    marked = embed(silence, 16000, KEY)
    assert not marked.audio.any()
    assert np.isinf(marked.host_to_mark_db)
    assert any("quiet" in warning for warning in marked.warnings)


def test_one_silent_channel_does_not_keep_the_other_from_being_marked():
    marked = embed(np.stack([np.zeros(40000, np.float32), melody(2.5)]), 16000, KEY)
    assert not marked.audio[0].any()
    assert np.nanmax(track(np.pad(marked.audio[1], (0, 1000)), KEY).scores) > THRESHOLD


def test_a_host_that_mostly_pauses_gets_a_warning():
    host = melody(3.0)
    host[6000:] *= 1e-5
    assert any("sparse" in warning for warning in embed(host, 16000, KEY).warnings)
    assert not embed(melody(3.0), 16000, KEY).warnings
