"""Alembic's way in: runs on the connection, and in the transaction, that `upgrade` hands over."""

from alembic import context

from crosswalk.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a table by copying it.
    render_as_batch=True,
    # The driver begins no transactions of its own here, so DDL is undone with the rest on SQLite too.
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
