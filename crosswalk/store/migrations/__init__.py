"""The store's schema, step by step. `migrate` brings any store to what this program knows.

Steps stand in `versions`, numbered; `tables.py` is where they lead. After a change of `tables.py`:

    python -m crosswalk.store.migrations "Add a column for X"     writes the next step
    python -m crosswalk.store.migrations --again                  writes the last one anew, while nobody has it

A step only adds what the running version can live with; what it drops goes one release later.
"""

import threading
from typing import TYPE_CHECKING, Any, Final

from crosswalk.store.errors import StoreTooNewError
from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` asks for the step and goes without the engine
    from crosswalk.store.dialect import Database

# The last step in `versions`. A constant, so that an up-to-date store is opened without reading them.
HEAD: Final = 8

_LOCK: Final = 0x63726F73  # of pg_advisory_lock; any number that nobody else uses
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
            database.run(connection, "SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        # Alembic takes longer to import than `crosswalk status` may take in all.
        from crosswalk.store.migrations.upgrade import current, upgrade

        found = current(connection)
        if found is not None:
            _check(found)
        if found != HEAD:
            upgrade(connection)


def step(database: Reading) -> int | None:
    """At which step the store is; None: there is nothing yet."""
    try:
        with database.read() as connection:
            row = database.run(connection, "SELECT version_num FROM alembic_version").fetchone()
    except Exception as error:  # of the engine or of a reader, around the driver's
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
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        for attempt in range(_WAL_TRIES):
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                break
            except Exception as error:
                if "locked" not in str(error) or attempt == _WAL_TRIES - 1:
                    raise
                pause.wait(_WAL_PAUSE)
        cursor.close()
