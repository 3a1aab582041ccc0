import multiprocessing

import numpy as np
import pytest

from lab.acoustics.cache import DiskCache, content_key, default_root


def test_what_was_put_comes_back(tmp_path):
    cache = DiskCache(tmp_path)
    key = content_key("thing", size=3)
    assert cache.get(key) is None
    cache.put(key, one=np.arange(5, dtype=np.float32), two=np.eye(2))
    stored = cache.get(key)
    np.testing.assert_array_equal(stored["one"], np.arange(5))
    assert stored["one"].dtype == np.float32
    np.testing.assert_array_equal(stored["two"], np.eye(2))


def test_a_key_depends_on_every_input_and_not_on_their_order():
    base = content_key("thing", a=1.0, b=np.arange(3))
    assert base == content_key("thing", b=np.arange(3), a=1.0)
    assert base != content_key("other", a=1.0, b=np.arange(3))
    assert base != content_key("thing", a=1.0000001, b=np.arange(3))
    assert base != content_key("thing", a=1.0, b=np.arange(3).astype(np.int32))
    assert base != content_key("thing", a=1.0, b=np.array([0, 1, 3]))


def test_a_key_depends_on_the_versions_of_what_computes(monkeypatch):
    before = content_key("thing", a=1)
    monkeypatch.setattr("lab.acoustics.cache.versions", lambda: {"numpy": "99.0"})
    assert content_key("thing", a=1) != before


def test_a_damaged_file_counts_as_absent_and_goes_away(tmp_path):
    cache = DiskCache(tmp_path)
    key = content_key("thing", a=1)
    cache.put(key, x=np.zeros(100))
    whole = cache.path(key).read_bytes()
    cache.path(key).write_bytes(whole[: len(whole) // 2])
    assert cache.get(key) is None
    assert not cache.path(key).exists()


def test_a_disk_that_cannot_be_written_costs_a_warning_only(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.warns(UserWarning, match="cannot be written"):
        DiskCache(blocked).put(content_key("thing", a=1), x=np.zeros(3))


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    cache = DiskCache(tmp_path)
    with pytest.warns(UserWarning, match="No space left"):
        cache.put(content_key("thing", a=1), x=np.zeros(3))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _fill(root):
    cache = DiskCache(root)
    for index in range(30):
        cache.put(content_key("thing", a=index % 3), x=np.full(20000, float(index % 3)))
        stored = cache.get(content_key("thing", a=index % 3))
        if stored is None or stored["x"][0] != index % 3:
            raise SystemExit(1)


def test_many_processes_share_one_root(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_fill, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_the_environment_chooses_the_root(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "here"))
    assert DiskCache().root == tmp_path / "here"
    monkeypatch.delenv("EARSHOT_CACHE")
    assert default_root().name == "earshot"
