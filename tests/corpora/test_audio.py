from __future__ import annotations

import numpy as np
import pytest
import soundfile

from lab.corpora.audio import ClipCache, corpus_root, load_clip, read_audio, read_mono
from lab.corpora.catalogue import load_corpus
from lab.errors import BadInput
from tests.corpora.small import RATE_HZ, tone, write_small


def test_channels_are_averaged(tmp_path):
    file = tmp_path / "stereo.wav"
    soundfile.write(file, np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1), RATE_HZ)
    np.testing.assert_allclose(read_mono(file, RATE_HZ), 0.125, atol=1e-4)


def test_resampling_keeps_a_tone_its_pitch_and_level(tmp_path):
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(440.0, seconds=1.0), RATE_HZ)
    heard = read_mono(file, 48_000)
    assert len(heard) == 48_000
    expected = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(48_000) / 48_000)
    middle = slice(4800, -4800)
    assert np.max(np.abs(heard[middle] - expected[middle])) < 1e-3


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.zeros((0, 1)), "holds no samples"),
        (np.array([[0.0], [np.nan], [0.0]]), "sample 1 is not a finite number"),
        (np.array([[0.0], [0.0], [np.inf]]), "sample 2 is not a finite number"),
        (np.zeros((10, 9)), "9 channels; at most 8"),
    ],
)
def test_audio_that_cannot_be_used_is_named_with_its_fault(tmp_path, samples, told):
    file = tmp_path / "bad.wav"
    soundfile.write(file, samples, RATE_HZ, subtype="FLOAT")
    with pytest.raises(BadInput, match=f"bad.wav: .*{told}"):
        read_audio(file)


def test_what_is_no_audio_is_named(tmp_path):
    file = tmp_path / "noise.wav"
    file.write_bytes(b"this is no audio at all")
    with pytest.raises(BadInput, match="noise.wav: not readable as audio"):
        read_audio(file)


def test_a_recording_cut_short_is_named(tmp_path):
    file = tmp_path / "short.flac"
    soundfile.write(file, np.random.default_rng(0).uniform(-0.5, 0.5, 40_000), RATE_HZ)
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(BadInput, match="short.flac: not readable as audio"):
        read_audio(file)


def test_a_missing_recording_is_named(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    (tmp_path / "audio/b/high.wav").unlink()
    with pytest.raises(BadInput, match="b/high.wav: no such recording"):
        load_clip(corpus, corpus.by_path["b/high.wav"], RATE_HZ, tmp_path / "audio")


def test_a_recording_that_is_another_than_the_corpus_names_is_refused(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    soundfile.write(tmp_path / "audio/b/high.wav", tone(555.0, seconds=0.5), RATE_HZ)
    with pytest.raises(BadInput, match="b/high.wav: not the recording that its corpus names"):
        load_clip(corpus, corpus.by_path["b/high.wav"], RATE_HZ, tmp_path / "audio")


def test_a_corpus_that_is_nowhere_says_how_to_get_it(tmp_path, monkeypatch):
    corpus = load_corpus(write_small(tmp_path))
    monkeypatch.delenv("EARSHOT_CORPUS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    with pytest.raises(BadInput, match="lab corpus fetch small.*--corpus DIR or EARSHOT_CORPUS.*procedural"):
        corpus_root(corpus)


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    corpus = load_corpus(write_small(tmp_path))
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "audio"))
    assert len(load_clip(corpus, corpus.by_path["a/low.wav"], RATE_HZ)) == RATE_HZ // 2


def test_the_clip_cache_drops_the_clip_longest_unused(tmp_path):
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    for file in files:
        soundfile.write(file, tone(300.0, seconds=1.0), RATE_HZ)
    cache = ClipCache(limit_bytes=2 * 4 * RATE_HZ)
    first, second = cache.get(files[0], RATE_HZ), cache.get(files[1], RATE_HZ)
    assert cache.get(files[0], RATE_HZ) is first
    cache.get(files[2], RATE_HZ)
    assert cache.get(files[0], RATE_HZ) is first
    assert cache.get(files[1], RATE_HZ) is not second


def test_a_cached_clip_cannot_be_changed(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    clip = load_clip(corpus, corpus.by_path["a/low.wav"], RATE_HZ, tmp_path / "audio")
    with pytest.raises(ValueError, match="read-only"):
        clip[0] = 1.0
