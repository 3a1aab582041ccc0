import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from lab.bench.physical.retention import delete, old_captures
from lab.commands.main import call
from lab.errors import BadInput, ExitCode
from rigs.rig_file import BENCHES
from rigs.rig_tables import Captures

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def runs(tmp_path):
    """`runs(name, days, **changes)`: a capture so many days old, and its note."""

    def _capture(name, days, file_days=None, **changes):
        made = NOW - timedelta(days=days)
        folder = tmp_path / "runs" / "one" / "captures"
        folder.mkdir(parents=True, exist_ok=True)
        capture = folder / f"{name}.flac"
        capture.write_bytes(b"x" * 1000)
        at = (NOW - timedelta(days=days if file_days is None else file_days)).timestamp()
        os.utime(capture, (at, at))
        note = {
            "capture": capture.name,
            "rig": "loopback",
            "made": made.isoformat(),
            "keep_days": 30,
        } | changes
        (folder / f"{name}.json").write_text(json.dumps(note))
        return capture

    return _capture


@pytest.fixture
def found(rig_of, tmp_path):
    """`found(keep_days)`: names of captures that may go."""

    def _found(keep_days=30):
        rig = rig_of("loopback", captures=Captures(keep_days=keep_days))
        return [old.capture.stem for old in old_captures([tmp_path / "runs"], rig, NOW)]

    return _found


def test_only_captures_older_than_stated_may_go_oldest_first(runs, found):
    runs("a", 29)
    runs("b", 31)
    runs("c", 400)
    assert found() == ["c", "b"]


def test_without_a_stated_time_nothing_may_go(runs, found):
    runs("a", 10_000)
    with pytest.raises(
        BadInput, match="captures.keep_days is not stated in its rig file; nothing is deleted"
    ):
        found(None)


def test_what_was_promised_when_it_was_made_holds_too(runs, found):
    runs("long", 100, keep_days=365)
    runs("never-said", 100, keep_days=None)
    assert found() == ["never-said"]
    assert found(200) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"rig": "another"},
        {"capture": "../../elsewhere.flac"},
        {"capture": None},
        {"made": "long ago"},
        {"made": "2020-01-01T00:00:00"},  # no time zone
        {"keep_days": "30"},
        {"file_days": 1},  # a file younger than its note says: one of two clocks was wrong
    ],
)
def test_what_is_not_plainly_an_old_capture_of_this_bench_stays(runs, found, tmp_path, changes):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "elsewhere.flac").write_bytes(b"x")
    runs("a", 1000, **changes)
    assert found() == []


def test_a_capture_without_its_note_stays(runs, found):
    runs("a", 1000).with_suffix(".json").unlink()
    assert found() == []


def test_the_note_of_a_deleted_capture_stays_and_says_so(runs, rig_of, tmp_path):
    capture = runs("a", 1000)
    (old,) = old_captures([tmp_path / "runs"], rig_of("loopback", captures=Captures(keep_days=30)), NOW)
    delete(old, NOW)
    assert not capture.exists()
    note = json.loads(capture.with_suffix(".json").read_text())
    assert note["deleted"] == "2026-11-21T12:00:00+00:00"
    assert note["keep_days"] == 30


def test_the_command_lists_asks_and_logs(runs, tmp_path, capsys):
    capture, fresh = runs("a", 1000), runs("b", (NOW - datetime.now(UTC)).days)
    bench = tmp_path / "bench.toml"
    bench.write_text((BENCHES / "loopback.toml").read_text() + "\n[captures]\nkeep_days = 30\n")
    clean = ["rig", "clean", str(bench), str(tmp_path / "runs")]
    assert call(clean) == ExitCode.BAD_INPUT  # nobody is at a terminal
    assert "nothing was deleted: say --yes" in capsys.readouterr().err
    assert capture.exists()
    assert call([*clean, "--yes"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert str(capture) in shown
    assert "deleted 1 captures, 0.0 MB" in shown
    assert not capture.exists()
    assert fresh.exists()
    assert "capture a.flac deleted: made 2024-02-25" in (tmp_path / "runs" / "one" / "bench.log").read_text()
    assert call([*clean, "--yes"]) == ExitCode.PASS
    assert "no capture of loopback is older than 30 days" in capsys.readouterr().out


def test_the_command_deletes_nothing_where_no_time_is_stated(runs, tmp_path, capsys):
    capture = runs("a", 1000)
    assert call(["rig", "clean", "loopback", str(tmp_path / "runs"), "--yes"]) == ExitCode.BAD_INPUT
    assert "captures.keep_days is not stated" in capsys.readouterr().err
    assert capture.exists()
