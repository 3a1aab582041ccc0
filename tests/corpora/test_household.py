"""The corpus file that comes with the lab; no audio is needed."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from detectors.interface import LABELS
from lab.corpora.catalogue import load_corpus
from lab.corpora.fetch import public_url
from lab.corpora.split import split_of

TUNE = re.compile(
    r"speech/(cmu_arctic_us_aew_|198-209-0000)|music/(Hungarian|sorohanro)|music_loop/(break12|break28|coolloop7)\."
)
TEST = re.compile(
    r"speech/(cmu_arctic_us_axb_|3436-172162)|music/.*(Fishin|Sugar_Plum)|music_loop/(break29|breakbeat|ominous)\."
)
WORD = re.compile(r"speech_wakeword/(\d+)\.flac")


@pytest.fixture(scope="module")
def household():
    return load_corpus("household")


def fixed_split(path: str) -> str | None:
    if word := WORD.match(path):
        number = int(word[1])
        return "train" if number < 10 else "tune" if number < 60 else "test"
    return "tune" if TUNE.match(path) else "test" if TEST.match(path) else None


def test_no_original_recording_lies_in_two_splits(household):
    splits = defaultdict(set)
    for recording in household.by_path.values():
        splits[recording.origin].add(recording.split)
    assert [origin for origin, found in splits.items() if len(found) > 1] == []


def test_every_split_is_fixed_by_name_or_follows_from_the_origin(household):
    wrong = [
        r.path for r in household.by_path.values() if r.split != (fixed_split(r.path) or split_of(r.origin))
    ]
    assert wrong == []


def test_the_fixed_sets_are_not_empty(household):
    fixed = [path for path in household.by_path if fixed_split(path)]
    assert len(fixed) == 150 + 18


def test_takes_and_formats_of_one_freesound_clip_share_their_origin(household):
    for one, other in (
        ("esc10/baby_cry/1-22694-A.ogg", "esc10/baby_cry/1-22694-B.ogg"),
        ("notification/Alarmed.ogg", "notification/Alarmed.wav"),
        ("notification/Chord2.ogg", "notification/Chord2_Rev.ogg"),
        ("speech/cmu_arctic_us_aew_a0001.wav", "speech/cmu_arctic_us_aew_a0003.wav"),
    ):
        assert household.by_path[one].origin == household.by_path[other].origin


def test_splits_of_other_origins_come_near_the_stated_shares():
    drawn = [split_of(f"origin:{i}") for i in range(4000)]
    assert drawn.count("train") / 4000 == pytest.approx(0.45, abs=0.03)
    assert drawn.count("tune") / 4000 == pytest.approx(0.15, abs=0.03)


def test_every_label_but_impulse_responses_can_be_played(household):
    playable = {
        label for name, labels in household.classes.items() if "impulse" not in name for label in labels
    }
    assert {r.label for r in household.by_path.values()} - playable == {"rir_measured"}


def test_events_are_labels_a_detector_may_report(household):
    assert set(household.events) <= set(LABELS)
    assert (
        household.event_of(household.by_path["door_close/close_door_window__close_window.ogg"])
        == "door_close"
    )


def test_every_recording_credits_someone_and_states_a_licence(household):
    assert [r.path for r in household.by_path.values() if not (r.title and r.author and r.licence)] == []


def test_every_recording_has_a_public_address_and_a_sha256(household):
    for recording in household.by_path.values():
        assert public_url(household, recording).startswith("https://")
        assert re.fullmatch("[0-9a-f]{64}", recording.sha256)
