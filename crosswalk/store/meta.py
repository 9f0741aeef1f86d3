"""Single facts of a store, by name."""

import secrets
from typing import TYPE_CHECKING, Any, Final

from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads facts and goes without the engine
    from crosswalk.store.dialect import Database

_SECRET: Final = "secret"


def get(database: Reading, name: str) -> bytes | None:
    with database.read() as connection:
        row = database.run(connection, "SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def put(database: "Database", connection: Any, name: str, value: bytes) -> None:
    database.upsert(connection, "meta", ("name",), ("name", "value"), [(name, value)])


def drop(database: "Database", connection: Any, name: str) -> None:
    database.run(connection, "DELETE FROM meta WHERE name = ?", (name,))


def secret(database: "Database") -> bytes:
    """What hashes of this store are keyed with: made once, never shown."""
    known = get(database, _SECRET)
    if known is None:
        with database.write() as connection:
            database.run(
                connection,
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (_SECRET, secrets.token_bytes(32)),
            )
        known = get(database, _SECRET)
    return known or b""
