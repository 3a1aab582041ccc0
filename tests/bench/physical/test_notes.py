import resource

import pytest

from lab.bench.physical.notes import read_note, write_note


def test_a_note_that_the_disk_refuses_leaves_the_one_before(tmp_path):
    path = tmp_path / "trial.json"
    write_note(path, {"trial": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_note(path, {"console": "x" * 10_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_note(path) == {"trial": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["trial.json"]
