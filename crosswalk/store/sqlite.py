"""Connections to SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from crosswalk.store.pools import Connections
from crosswalk.store.reading import BUSY_SECONDS

# KiB of pages that a connection may keep; also what a sort takes before it goes on in a file.
_CACHE: Final = 32 * 1024

# The same while a table is read, sorted or filled from end to end: no page is asked for twice, and a million rows sort
# as fast in more runs.
_ONCE: Final = 8 * 1024

# Bytes that the log may keep once what it held stands in the file; a first load fills hundreds of times as much.
_LOG: Final = 64 * 1024 * 1024


class _Cursor(sqlite3.Cursor):
    def scalar(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]


# Of a value that is no number and no text the driver asks for an adapter: where there is none, an exception is made and
# thrown away before the value is taken as it is: 2,500 instructions each time.
sqlite3.register_adapter(bytes, bytes.__bytes__)
sqlite3.register_adapter(type(None), {None: None}.get)


class SqliteConnection(sqlite3.Connection):
    def cursor(self, *_name: Any) -> sqlite3.Cursor:  # type: ignore[override] # only a server keeps named ones
        return super().cursor(_Cursor)


class SqliteConnections(Connections):
    """To a file."""

    failure = sqlite3.Error

    def __init__(self, file: str) -> None:
        self._file = file
        super().__init__(keep=10)

    def open(self) -> SqliteConnection:
        return connect(self._file)

    def rest(self) -> None:
        for connection in list(self._idle):
            connection.execute("PRAGMA shrink_memory")

    def run(self, connection: SqliteConnection, statement: str) -> None:
        for one in statement.split("; "):
            connection.execute(one)


@contextmanager
def passing(connection: Any) -> Iterator[None]:
    """The connection keeps little meanwhile."""
    connection.execute(f"PRAGMA cache_size = -{_ONCE}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")


class MemoryConnections(SqliteConnections):
    """To a private store in memory, which is one connection for all."""

    def __init__(self) -> None:
        super().__init__("")
        self._only = self.open()

    def _taken(self) -> Any:
        return self._only

    def _give_back(self, connection: Any) -> None:
        connection.rollback()

    def close(self) -> None:
        self._only.close()


def connect(file: str) -> SqliteConnection:
    """A new one, to a file or (empty) to a store in memory of its own."""
    connection = sqlite3.connect(
        file or ":memory:",
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say, not where the driver guesses
        check_same_thread=False,
        factory=SqliteConnection,
    )
    try:
        prepare(connection)
    except BaseException:  # a file that is damaged, or no store at all
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    # A new file only: bigger pages take a third off what a load costs in writing them. Before the size of the cache,
    # which SQLite counts in pages of the size that it knows at that moment.
    connection.execute("PRAGMA page_size = 16384")
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG}")
    connection.execute("PRAGMA foreign_keys = ON")
