"""`lab score` on files as people have them."""

import json

import numpy as np
import pytest
from sed_scores_eval.base_modules.io import write_sed_scores
from sed_scores_eval.base_modules.scores import create_score_dataframe

from lab.commands.main import call

FILES = 60


@pytest.fixture
def files(tmp_path):
    """60 files of 20 s; a dog from 10 to 12 s in all but the last six; found in all but one, false alarm in two."""
    rows = {"truth": [], "found": [], "durations": []}
    for i in range(FILES):
        rows["durations"].append(f"f{i}.wav\t20")
        rows["truth"].append(f"f{i}.wav\t10\t12\tdog" if i < 54 else f"f{i}.wav\t\t\t")
        if 0 < i < 54:
            rows["found"].append(f"f{i}.wav\t{10.1 + i / 100}\t12\tdog")
        if i in (5, 58):
            rows["found"].append(f"f{i}.wav\t2\t2.5\tdog")
    headers = {"truth": "filename\tonset\toffset\tevent_label", "durations": "filename\tduration"}
    for name, lines in rows.items():
        text = "\n".join([headers.get(name, headers["truth"]), *lines]) + "\n"
        (tmp_path / f"{name}.tsv").write_text(text)
    return tmp_path


def lab_score(files, *arguments):
    common = ["--truth", str(files / "truth.tsv"), "--durations", str(files / "durations.tsv")]
    return call(["score", *common, *arguments])


def test_detections_are_counted_and_bounded(files, capsys):
    out = files / "score.json"
    assert lab_score(files, "--detections", str(files / "found.tsv"), "--out", str(out)) == 0
    printed = capsys.readouterr().out
    assert "dog" in printed and "53/54" in printed and "2 in" in printed
    row = json.loads(out.read_text())["rows"][0]
    assert (row["detection"]["detected"], row["detection"]["trials"]) == (53, 54)
    assert row["false_alarms"]["count"] == 2
    # 20 s a file, less 0.2 s early + 2 s event + 1 s latency + 1 s refractory in 54 of them
    assert row["false_alarms"]["hours"] == pytest.approx((60 * 20 - 54 * 4.2) / 3600)


def test_scores_and_the_detections_read_off_them_agree(files):
    rng = np.random.default_rng(1)
    grid = np.arange(0, 20.01, 0.1)
    frames, found = {}, ["filename\tonset\toffset\tevent_label"]
    for i in range(FILES):
        scores = rng.random(200) * 0.4
        at = 102 + i % 10
        if i < 54:
            scores[at] = 0.9
            found.append(f"f{i}\t{grid[at + 1]:.6f}\t{grid[at + 2]:.6f}\tdog")  # known at the frame's end
        frames[f"f{i}"] = create_score_dataframe(scores[:, None], grid, ["dog"])
    write_sed_scores(frames, files / "scores")
    (files / "found.tsv").write_text("\n".join(found) + "\n")
    rows = []
    for arguments in (
        ["--scores", str(files / "scores"), "--threshold", "0.5"],
        ["--detections", str(files / "found.tsv")],
    ):
        out = files / "score.json"
        assert lab_score(files, *arguments, "--out", str(out)) == 0
        rows.append(json.loads(out.read_text())["rows"][0])
    assert rows[0]["detection"] == rows[1]["detection"] and rows[0]["detection"]["detected"] == 54
    assert rows[0]["latency_s"]["p95"] == pytest.approx(rows[1]["latency_s"]["p95"])
    assert rows[0]["false_alarms"]["hours"] == pytest.approx(rows[1]["false_alarms"]["hours"], rel=0.02)


@pytest.mark.parametrize(
    ("at_least", "code", "word"), [(0.8, 0, "pass"), (0.9999, 1, "fail"), (0.95, 2, "inconclusive")]
)
def test_limits_decide_the_exit_code(files, capsys, at_least, code, word):
    limits = files / "limits.toml"
    limits.write_text(f'[[accept]]\nmetric = "detection_rate"\nlabel = "dog"\nat_least = {at_least}\n')
    assert lab_score(files, "--detections", str(files / "found.tsv"), "--limits", str(limits)) == code
    assert f"at least {at_least}" in (printed := capsys.readouterr().out) and word in printed


def test_few_files_are_listed_and_not_judged(files, capsys):
    for name in ("truth", "found", "durations"):
        lines = (files / f"{name}.tsv").read_text().splitlines()
        kept = [line for line in lines if line.startswith("filename") or int(line[1:].split(".")[0]) < 5]
        (files / f"{name}.tsv").write_text("\n".join(kept) + "\n")
    limits = files / "limits.toml"
    limits.write_text('[[accept]]\nmetric = "detection_rate"\nat_least = 0.1\n')
    assert lab_score(files, "--detections", str(files / "found.tsv"), "--limits", str(limits)) == 2
    printed = " ".join(capsys.readouterr().out.split())
    assert "at least 20 distinct recordings (there are 5" in printed and "f0 0/1, f1 1/1" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --detections or --scores"),
        (["--scores", "x"], "--scores needs --threshold"),
        (["--detections", "found.tsv", "--threshold", "1"], "--threshold belongs to --scores"),
        (["--detections", "absent.tsv"], "absent.tsv: not a readable text file"),
        (
            ["--detections", "found.tsv", "--limits", "bad.toml"],
            "accept[0].at_leest is not known; did you mean 'at_least'?",
        ),
        (["--detections", "found.tsv", "--limits", "cat.toml"], "reports label 'cat'; reported: dog"),
        (["--detections", "found.tsv", "--out", "no/where.json"], "no such folder to write to"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_3(files, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(files)
    (files / "bad.toml").write_text('[[accept]]\nmetric = "detection_rate"\nat_leest = 0.9\n')
    (files / "cat.toml").write_text('[[accept]]\nmetric = "detection_rate"\nlabel = "cat"\nat_least = 0.9\n')
    assert lab_score(files, *arguments) == 3
    said = capsys.readouterr().err
    assert message in " ".join(said.split()) and "Traceback" not in said
