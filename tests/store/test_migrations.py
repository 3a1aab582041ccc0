import sqlite3

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from lab.errors import BadInput, LabFailure
from lab.store.database import _alembic_config, engine_for, upgrade
from lab.store.schema import metadata
from lab.store.store import Store
from tests.store.samples import BATCH, RUN, SCENARIO, make_trial


@pytest.fixture
def engine(tmp_path):
    return engine_for(tmp_path, None, write=True)


def drift(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)


def test_migrations_lead_an_empty_database_to_the_tables_of_the_code(engine):
    upgrade(engine)
    assert drift(engine) == []


def test_drift_between_migrations_and_code_would_be_seen(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE trials DROP COLUMN wall_s"))
    assert [change[0] for change in drift(engine)] == ["add_column"]


def test_upgrading_twice_changes_nothing(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO batches VALUES (1, '2027-01-01', '2027-01-02', 'abc', '3.12', '{}', 'Linux')"
            )
        )
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM batches")).scalar() == 1


def test_a_store_of_before_batches_keeps_its_trials_and_says_that_nothing_was_kept_of_their_making(store):
    store.add_trials(RUN.id, [make_trial(0), make_trial(1)], BATCH)
    store.close()
    engine, config = engine_for(store.directory, None, write=True), _alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert set(sa.inspect(engine).get_table_names()) == {
        "alembic_version", "calibrations", "runs", "scenarios", "trials"
    }  # fmt: skip
    with Store.open(store.directory) as opened:
        assert drift(engine) == []
        assert opened.add_trials(RUN.id, [make_trial(1), make_trial(2)], BATCH) == 1
        first, _, last = opened.trials(RUN.id, SCENARIO.id)
        assert opened.batches(RUN.id, SCENARIO.id, SCENARIO.hash) == [(None, 2), (BATCH, 1)]
        assert (first.index, last.index) == (0, 2) and opened.tracks(first) and opened.tracks(last)


def test_a_store_of_before_withdrawn_trials_keeps_its_trials_and_takes_what_is_repeated_from_now_on(store):
    store.add_trials(RUN.id, [make_trial(0), make_trial(1)], BATCH)
    store.close()
    engine, config = engine_for(store.directory, None, write=True), _alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    assert "withdrawn" not in sa.inspect(engine).get_table_names()
    with Store.open(store.directory) as opened:
        assert drift(engine) == []
        assert opened.withdrawn(RUN.id, SCENARIO.id, SCENARIO.hash) == []
        opened.withdraw_trial(RUN.id, make_trial(1), "a door slammed", "2026-11-20T09:00:00+00:00")
        (kept,) = opened.trials(RUN.id, SCENARIO.id)
        assert kept.index == 0 and opened.batches(RUN.id, SCENARIO.id, SCENARIO.hash) == [(BATCH, 1)]
        assert [one.why for one in opened.withdrawn(RUN.id, SCENARIO.id, SCENARIO.hash)] == ["a door slammed"]


def test_a_failed_upgrade_leaves_no_half_schema(engine):
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE batches (foreign_table INTEGER)")
        )  # in the way of a late step
    with pytest.raises(LabFailure, match="already exists"):
        upgrade(engine)
    assert sa.inspect(engine).get_table_names() == ["batches"]


def test_every_table_can_be_written_for_postgresql():
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert text.strip().startswith(f"CREATE TABLE {table.name}")
    assert 'cell_key VARCHAR COLLATE "C"' in text_of("trials")


def text_of(name):
    return str(CreateTable(metadata.tables[name]).compile(dialect=postgresql.dialect()))


def test_sqlite_runs_in_wal_mode_with_foreign_keys_on(engine):
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 5000


@pytest.mark.parametrize("opening", [Store.open, Store.read])
def test_a_store_of_a_newer_release_is_refused_untouched(store, opening):
    store.add_trials(RUN.id, [make_trial(0)])
    store.close()
    path = store.directory / "lab.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(BadInput, match=r"lab.sqlite: schema 9999 is newer than this release"):
        opening(store.directory)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (1,)


@pytest.mark.parametrize("opening", [Store.open, Store.read])
def test_a_file_that_is_no_database_is_named(tmp_path, opening):
    (tmp_path / "lab.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(LabFailure, match=r"lab.sqlite: file is not a database"):
        opening(tmp_path)
    (tmp_path / "lab.sqlite").unlink()
    Store.open(tmp_path).close()  # the failed attempt holds no lock


def test_reading_where_there_is_no_store_says_so_and_creates_nothing(tmp_path):
    with pytest.raises(BadInput, match="no store here"):
        Store.read(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://someone:secret@host/lab", "allowed are sqlite and postgresql"),
        ("no url at all", "not a database URL"),
        ("postgresql+nodriver://someone:secret@host/lab", "store"),
    ],
)
def test_an_unusable_url_is_refused_without_showing_its_password(tmp_path, url, message):
    with pytest.raises(BadInput, match=message) as caught:
        Store.open(tmp_path, url)
    assert "secret" not in str(caught.value)


def test_the_store_may_lie_where_a_url_says(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_STORE", f"sqlite:///{tmp_path}/from_environment.sqlite")
    Store.open(tmp_path / "out").close()
    Store.open(tmp_path / "out", f"sqlite:///{tmp_path}/from_argument.sqlite").close()
    assert {p.name for p in tmp_path.glob("*.sqlite")} == {"from_environment.sqlite", "from_argument.sqlite"}
    assert not (tmp_path / "out" / "lab.sqlite").exists()
