"""What of migrating needs Alembic; imported only where there is something to migrate."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from crosswalk.store import sqlite
from crosswalk.store.connections import Address, DatabaseError
from crosswalk.store.migrations import FOLDER, LOCK


@contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """One that may write, as Alembic wants it. Raises DatabaseError."""
    address = Address.of(url)
    if address.dialect == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: sqlite.connect(address.target))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield connection
    except DBAPIError as error:
        raise DatabaseError(_driver_error(error), unreached=error.connection_invalidated) from error
    finally:
        engine.dispose()


def _driver_error(error: DBAPIError) -> Exception:
    return error.orig if isinstance(error.orig, Exception) else error


def config(connection: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def current(connection: Connection) -> int | None:
    found = MigrationContext.configure(connection).get_current_revision()
    return None if found is None else int(found)


def upgrade(url: str, to: str = "head", *, check: Callable[[int], None] = lambda _found: None) -> None:
    """In one transaction: all steps or none, on both databases. `check` may refuse the step that is found."""
    with transaction(url) as connection:
        if (found := current(connection)) is not None:
            check(found)
        command.upgrade(config(connection), to)
