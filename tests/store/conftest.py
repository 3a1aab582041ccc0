import pytest

from lab.store.store import Store
from tests.store.samples import RUN, SCENARIO, make_results


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An open store that holds the run and its scenario, no trials yet."""
    monkeypatch.delenv("EARSHOT_STORE", raising=False)
    with Store.open(tmp_path / "out") as opened:
        opened.begin_run(RUN)
        opened.add_scenario(RUN.id, SCENARIO)
        yield opened


@pytest.fixture
def example_results():
    return make_results()
