"""Alembic's entry: migrates the connection that `lab.store.database.upgrade` hands over."""

from alembic import context

from lab.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too: a killed upgrade leaves the old schema whole
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
