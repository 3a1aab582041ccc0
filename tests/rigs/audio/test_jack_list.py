"""JACK's own list of servers: emptied when it can only hold dead ones."""

import pytest

from rigs.emulators.jack import forget_dead_servers


@pytest.mark.parametrize(
    ("running", "kept"),
    [
        ({}, False),
        ({"17": "python3"}, False),
        ({"17": "jackd"}, True),
        ({"17": "bash", "9": "jackdbus"}, True),
    ],
)
def test_the_list_goes_only_when_no_server_runs(tmp_path, running, kept):
    memory, processes = tmp_path / "shm", tmp_path / "proc"
    memory.mkdir()
    (memory / "jack-shm-registry").write_bytes(b"KCAJ")
    (processes / "self").mkdir(parents=True)
    for number, name in running.items():
        (processes / number).mkdir()
        (processes / number / "comm").write_text(name + "\n")
    forget_dead_servers(memory, processes)
    assert (memory / "jack-shm-registry").exists() == kept


def test_nothing_to_forget_is_no_error(tmp_path):
    forget_dead_servers(tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())
