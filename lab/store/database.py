"""Engine, migrations and what a database error means for a person.

SQLite (the default) runs in WAL mode with foreign keys on: one process writes, any number read.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from lab.errors import BadInput, LabFailure

if TYPE_CHECKING:
    from alembic.config import Config  # Alembic is slow to import, so only opening a store does

SQLITE_NAME = "lab.sqlite"
URL_VARIABLE = "EARSHOT_STORE"
BUSY_TIMEOUT_MS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"
_KEPT = "everything stored before is kept, free space and run with --resume"
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def engine_for(directory: Path, url: str | None, *, write: bool) -> sa.Engine:
    """An engine for `url`, else for $EARSHOT_STORE, else for DIRECTORY/lab.sqlite.

    Connections are opened per operation, so that a forked worker never inherits one.
    Raises BadInput for a URL that cannot be used.
    """
    url = url or os.environ.get(URL_VARIABLE)
    if url is None:
        return _sqlite_engine(directory / SQLITE_NAME, write=write)
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(Path(parsed.database or ""), write=write)
        if parsed.get_backend_name() != "postgresql":
            raise BadInput(f"store {_shown(parsed)}: allowed are sqlite and postgresql URLs")
        return sa.create_engine(parsed, poolclass=NullPool)
    except SQLAlchemyError as error:
        raise BadInput(f"store: not a database URL ({error})") from error
    except ImportError as error:
        raise BadInput(f"store {_shown(parsed)}: the driver {error.name} is not installed") from error


def _shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)


def name_of(engine: sa.Engine) -> str:
    """How messages call this database: its file, or its URL without the password."""
    return engine.url.database if engine.dialect.name == "sqlite" else _shown(engine.url)


def _sqlite_engine(path: Path, *, write: bool) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        flags = ""
        if not write:
            # WAL readers need a shared-memory file; where none can be made, nobody writes either.
            flags = "?mode=ro" if os.access(path.parent, os.W_OK) else "?immutable=1"
        # isolation_level None: the driver begins nothing by itself, so schema changes are transactional too.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}{flags}", uri=True, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    url = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, creator=connect, poolclass=NullPool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def settle(engine: sa.Engine) -> None:
    """Move what lies in SQLite's write-ahead log into the database file, so that the file alone is the store.

    Where a reader is in the middle of something or the disk is full the log simply stays; nothing is lost.
    """
    if engine.dialect.name == "sqlite":
        with suppress(SQLAlchemyError, sqlite3.Error), engine.connect() as connection:
            driver = connection.connection.driver_connection
            driver.execute("PRAGMA busy_timeout = 1000")  # closing waits for no one for long
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def guarded(what: str, engine: sa.Engine) -> Iterator[None]:
    """Turn a failing disk or database into LabFailure with one message; `what` says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise LabFailure(_full(what, error.filename or name_of(engine))) from error
        raise LabFailure(f"{what}: {error}") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_FULL:
            raise LabFailure(_full(what, name_of(engine))) from error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        if code & 0xFF == sqlite3.SQLITE_IOERR:  # extended codes keep the primary one in the low byte
            reason += f"; {_KEPT}"
        raise LabFailure(f"{what}: {name_of(engine)}: {reason}") from error


def _full(what: str, where: object) -> str:
    return f"{what}: no space left for {where}; {_KEPT}"


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the newest version; an empty database gets it all.

    Raises BadInput when a newer release wrote the database.
    """
    from alembic import command

    config = _alembic_config()
    with guarded("cannot open the store", engine), engine.begin() as connection:
        if not is_current(connection, engine):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def is_current(connection: sa.Connection, engine: sa.Engine) -> bool:
    """Whether the schema is the newest this release knows. Raises BadInput when it is newer still."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_alembic_config())
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise BadInput(
            f"{name_of(engine)}: schema {found} is newer than this release of Earshot knows "
            f"(up to {scripts.get_current_head()}); use the release that wrote it"
        )
    return found == scripts.get_current_head()


def _alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
