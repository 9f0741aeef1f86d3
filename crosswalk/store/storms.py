"""Streams that write no more since too many of their writes were refused, until a person says so."""

from typing import Any, Final

from crosswalk.store import meta
from crosswalk.store.dialect import Database

_NAME: Final = "storm:"


def stop(database: Database, connection: Any, stream: int, *, run: int) -> None:
    """Let nothing of this stream out any more. `run`: the one whose writes were refused."""
    meta.put(database, connection, f"{_NAME}{stream}", str(run).encode())


def stopped(database: Database, connection: Any) -> dict[int, int]:
    """By stream, the run that it was stopped in."""
    rows = database.run(
        connection, "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ?", (len(_NAME), _NAME)
    ).fetchall()
    return {int(name.removeprefix(_NAME)): int(bytes(value)) for name, value in rows}


def go_on(database: Database, connection: Any, stream: int) -> None:
    """A person has mended what was refused."""
    meta.drop(database, connection, f"{_NAME}{stream}")
