"""DCASE files: what is read, and messages that name file, row and column."""

import numpy as np
import pytest
from sed_scores_eval.base_modules.io import write_sed_scores
from sed_scores_eval.base_modules.scores import create_score_dataframe

from lab.errors import BadInput
from lab.scoring.dcase import file_key, read_durations, read_events, read_scores, score_files

DURATIONS = {"a": 10.0, "b": 5.0}


@pytest.fixture
def write(tmp_path):
    def _write(*rows: str, name: str = "file.tsv"):
        path = tmp_path / name
        path.write_text("\n".join(row.replace(" ", "\t") for row in rows) + "\n")
        return path

    return _write


def test_files_meet_by_name_without_folder_and_audio_suffix():
    assert file_key("audio/eval/a.wav") == file_key("a.FLAC".replace("FLAC", "flac")) == file_key("a") == "a"
    assert file_key("clip_1.000_2.000") == "clip_1.000_2.000"


def test_events_are_read_by_file_and_files_without_events_are_kept(write):
    path = write("filename onset offset event_label", "x/a.wav 1.5 2.5 dog", "b.wav", "a.wav 3 4 cat")
    found = read_events(path, DURATIONS)
    assert [(e.onset_s, e.offset_s, e.label) for e in found["a"]] == [(1.5, 2.5, "dog"), (3.0, 4.0, "cat")]
    assert found["b"] == []


HEADER = "filename onset offset event_label"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("filename onset event_label", "a 1 dog"), "row 1: no column 'offset'"),
        ((HEADER, "a 1 2 dog", "a one 2 dog"), "row 3, column onset: 'one' is no number"),
        ((HEADER, "a nan 2 dog"), "row 2, column onset: 'nan' is not finite"),
        ((HEADER, "c 1 2 dog"), "row 2, column filename: 'c' has no duration"),
        ((HEADER, "a 3 2 dog"), "row 2, column offset: 2 is before the onset 3"),
        ((HEADER, "a -1 2 dog"), "row 2, column onset: -1 is not within the file's 0 to 10 s"),
        ((HEADER, "b 1 7 dog"), "row 2, column offset: 7 is beyond the file's 5 s"),
        ((HEADER, "a 1 2"), "row 2, column event_label: is empty"),
        ((HEADER, "a 1 2 dog tail"), "row 2: 5 columns, the header has 4"),
        (("",), "row 1: no column 'filename'; needed, separated by tabs: filename, onset"),
    ],
)
def test_a_bad_event_row_is_named(write, rows, message):
    path = write(*rows)
    with pytest.raises(BadInput) as caught:
        read_events(path, DURATIONS)
    assert message in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("filename duration", "a 0"), "row 2, column duration: 0 must be above 0"),
        (("filename duration", "a 3", "a.wav 3"), "row 3, column filename: 'a' stands twice"),
        (("filename duration",), "no row"),
    ],
)
def test_a_bad_duration_is_named(write, rows, message):
    with pytest.raises(BadInput) as caught:
        read_durations(write(*rows))
    assert message in str(caught.value)


def test_a_file_that_is_no_text_is_one_message(tmp_path):
    path = tmp_path / "noise.tsv"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(BadInput, match="not a readable text file"):
        read_durations(path)


def test_scores_written_by_sed_scores_eval_are_dated_at_the_end_of_their_frame(tmp_path):
    scores = np.random.default_rng(0).random((50, 2))
    frames = create_score_dataframe(scores, np.arange(51) * 0.064, ["dog", "cat"])
    write_sed_scores({"a": frames}, tmp_path)
    tracks = read_scores(score_files(tmp_path, {"a": 3.2})["a"], 3.2, ["cat", "dog"], "d")
    assert [track.label for track in tracks] == ["cat", "dog"]
    np.testing.assert_allclose(tracks[1].scores, scores[:, 0])
    np.testing.assert_allclose(tracks[1].times_s, np.arange(1, 51) * 0.064, atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("0 1 .5", "1.5 2.5 .5"), "row 3, column onset: 1.5 does not follow the frame before"),
        (("0 1 .5", "1 3 .5"), "row 3, column offset: a frame of 2 s among frames of 1 s"),
        (("0 0 .5",), "row 2, column offset: 0 must be after the onset"),
        (("0 1 high",), "row 2, column dog: 'high' is no number"),
        (("0 20 .5",), None),
        (("0 5 .5", "5 10 .5", "10 15 .5", "15 20 .5"), "row 5, column offset: 20 is beyond the file's 10 s"),
    ],
)
def test_a_bad_score_row_is_named(write, rows, message):
    path = write("onset offset dog", *rows)
    if message is None:  # one frame may be longer than the file
        assert len(read_scores(path, 10.0, ["dog"], "d")) == 1
        return
    with pytest.raises(BadInput) as caught:
        read_scores(path, 10.0, ["dog"], "d")
    assert message in str(caught.value)


def test_a_file_without_scores_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"no b\.tsv for the file 'b'"):
        score_files(tmp_path, {"b": 5.0})
    with pytest.raises(BadInput, match="not a folder of score files"):
        score_files(tmp_path / "absent", {"b": 5.0})
