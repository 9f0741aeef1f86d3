"""The store's schema, step by step. `migrate` brings any store to what this program knows.

Steps stand in `versions`, numbered; `tables.py` is where they lead. A new store does not go through them: it is made
as `tables.py` has it, by the statements in `sqlite.sql` and `postgresql.sql`. After a change of `tables.py`:

    python -m crosswalk.store.migrations "Add a column for X"     writes the next step, and those files
    python -m crosswalk.store.migrations --again                  writes the last one anew, while nobody has it

A step only adds what the running version can live with; what it drops goes one release later.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crosswalk.store.errors import StoreTooNewError
from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` asks for the step and goes without the engine
    from crosswalk.store.connections import Connection
    from crosswalk.store.dialect import Database

# The last step in `versions`. A constant, so that an up-to-date store is opened without reading them.
HEAD: Final = 14

FOLDER: Final = Path(__file__).resolve().parent
LOCK: Final = 0x63726F73  # of pg_advisory_lock; any number that nobody else uses
_WAL_TRIES: Final = 200
_WAL_PAUSE: Final = 0.05


def migrate(database: "Database") -> None:
    """Bring the store to HEAD, from whatever step or from nothing. Safe when several processes start at once.

    Raises StoreTooNewError, and changes nothing, where a newer program has been.
    """
    found = step(database)
    if found is not None:
        _check(found)
        if found == HEAD:
            return
    if database.dialect == "sqlite":
        _use_wal(database)
    with database.write() as connection:  # on SQLite alone from here on
        if database.dialect == "postgresql":
            database.run(connection, "SELECT pg_advisory_xact_lock(?)", (LOCK,))
        if not _is_begun(database, connection):
            _make(database, connection)
            return
    # Alembic takes longer to import than `crosswalk status` may take in all.
    from crosswalk.store.migrations.upgrade import upgrade

    upgrade(database.url, check=_check)


def _is_begun(database: "Database", connection: "Connection") -> bool:
    """Has anybody made tables here?"""
    asked = {
        "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'",
        "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
    }
    return database.run(connection, asked[database.dialect]).fetchone() is not None


def _make(database: "Database", connection: "Connection") -> None:
    """A new store, in the caller's transaction: all of it or nothing."""
    for statement in statements(database.dialect):
        database.run(connection, statement)
    database.run(connection, "INSERT INTO alembic_version (version_num) VALUES (?)", (str(HEAD),))


def statements(dialect: str) -> list[str]:
    """What makes the tables of a new store, in order."""
    return (FOLDER / f"{dialect}.sql").read_text("utf-8").rstrip(";\n").split(";\n\n")


def step(database: Reading) -> int | None:
    """At which step the store is; None: there is nothing yet."""
    try:
        with database.read() as connection:
            row = database.run(connection, "SELECT version_num FROM alembic_version").fetchone()
    except Exception as error:  # of a database or of a reader, around the driver's
        # A store that cannot be reached looks different, and says so; a missing table is a new store.
        if _missing_table(getattr(error, "orig", None)):
            return None
        raise
    return None if row is None else int(row[0])


def _missing_table(error: Any) -> bool:
    return getattr(error, "sqlstate", None) == "42P01" or "no such table" in str(error)


def _check(found: int) -> None:
    if found > HEAD:
        raise StoreTooNewError(
            f"the store is at schema {found}, this program knows {HEAD}",
            hint="run the newer program here as well; nothing was changed",
        )


def _use_wal(database: "Database") -> None:
    """Readers beside a writer. The file remembers it; changing it is the one thing SQLite's busy timeout ignores."""
    pause = threading.Event()
    with database.lent() as connection:
        for attempt in range(_WAL_TRIES):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except Exception as error:
                if "locked" not in str(error) or attempt == _WAL_TRIES - 1:
                    raise
                pause.wait(_WAL_PAUSE)
