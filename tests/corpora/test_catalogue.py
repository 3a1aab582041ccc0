from __future__ import annotations

import pytest

from lab.corpora.catalogue import load_corpus
from lab.errors import BadInput
from tests.corpora.small import write_small


def test_recordings_come_by_split_and_class_in_file_order(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    chosen = corpus.recordings(split="test", purpose="trial", classes=["tone"])
    assert [r.path for r in chosen] == ["a/low.wav", "b/high.wav"]
    assert [r.path for r in corpus.recordings(split="test", purpose="trial", classes=["low"])] == [
        "a/low.wav"
    ]


@pytest.mark.parametrize(
    ("purpose", "split"), [("training", "test"), ("training", "tune"), ("tuning", "test")]
)
def test_training_and_tuning_are_refused_what_is_kept_for_the_test(tmp_path, purpose, split):
    corpus = load_corpus(write_small(tmp_path))
    with pytest.raises(BadInput, match=f"{purpose} must not open split '{split}'"):
        corpus.recordings(split=split, purpose=purpose)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "earshot-corpus/1",
            "earshot-corpus/9",
            r"format is 'earshot-corpus/9', this lab reads 'earshot-corpus/1'",
        ),
        ("title =", "titel =", r"unknown key 'titel' \(did you mean 'title'\?\)"),
        ('recordings = "small.csv"', "", "key 'recordings' is missing"),
        ("small.csv", "other.csv", "other.csv: No such file"),
        (
            "door_knock",
            "door_knok",
            r"small\.toml: events\.door_knok: no label \(did you mean 'door_knock'\?\); there are watermark, ",
        ),
        ('["low"]', '["lo"]', "no recording has label or path 'lo'"),
        ('["low"]', '"low"', "must be a list of labels"),
        ("[classes]", "[classes", "not readable as TOML"),
    ],
)
def test_a_wrong_head_is_explained(tmp_path, old, new, told):
    file = write_small(tmp_path)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(BadInput, match=told):
        load_corpus(file)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",test,", ",exam,", "small.csv:2: split is 'exam', allowed: train, tune, test"),
        ("a/low.wav,", "../low.wav,", "must lie below the corpus root"),
        (",0.5,8000", ",half,8000", "small.csv:2: seconds, rate_hz and channels must be numbers"),
        (",0.5,8000", ",0,8000", "must be above 0"),
        (",8000,1,test", ",1,test", "small.csv:2: wrong number of columns"),
        ("path,label", "file,label", "the first line must be path,label"),
        ("b/high.wav,", "a/low.wav,", "'a/low.wav' is listed twice"),
        (
            "tone:250",
            "tone:200",
            r"small\.csv: origin 'tone:200' is in two splits, test \('a/low\.wav'\) and train \('a/low two\.wav'\)",
        ),
    ],
)
def test_a_wrong_row_is_explained(tmp_path, old, new, told):
    file = write_small(tmp_path)
    listing = file.with_name("small.csv")
    listing.write_text(listing.read_text().replace(old, new, 1))
    with pytest.raises(BadInput, match=told):
        load_corpus(file)


def test_files_that_a_spreadsheet_marked_with_their_byte_order_are_read(tmp_path):
    file = write_small(tmp_path)
    for one in (file, file.with_name("small.csv")):
        one.write_text(one.read_text(), encoding="utf-8-sig")
    assert len(load_corpus(file).by_path) == 3


def test_an_excluded_recording_is_listed_but_never_given_out(tmp_path):
    file = write_small(tmp_path)
    file.write_text(file.read_text() + '\n[excluded]\n"a/low.wav" = "breaks off"\n')
    corpus = load_corpus(file)
    assert "a/low.wav" in corpus.by_path
    assert [r.path for r in corpus.recordings(split="test", purpose="trial")] == ["b/high.wav"]


def test_a_mistyped_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="no corpus 'houshold' .did you mean 'household'"):
        load_corpus("houshold")


def test_a_mistyped_class_is_answered_with_the_nearest(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    with pytest.raises(BadInput, match="no class 'tones' .did you mean 'tone'"):
        corpus.recordings(split="test", purpose="trial", classes=["tones"])
