"""Connections to SQLite, and their pool: importing SQLAlchemy for it took a fifth of what a run needs to start."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from crosswalk.store.pools import Connections
from crosswalk.store.reading import BUSY_SECONDS

# KiB of pages that a connection may keep; also what a sort takes before it goes on in a file.
_CACHE: Final = 32 * 1024
_KEPT: Final = 10  # connections that nobody uses; more are closed


class _Cursor(sqlite3.Cursor):
    def scalar(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]


class SqliteConnection(sqlite3.Connection):
    def cursor(self, *_name: Any) -> sqlite3.Cursor:  # type: ignore[override] # only a server keeps named ones
        return super().cursor(_Cursor)


class _Pool:
    """Any number of connections, for any number of threads. The one that was used last comes first: it knows most
    pages, and what another one writes empties its cache."""

    def __init__(self, opened: Callable[[], SqliteConnection]) -> None:
        self._opened = opened
        self._idle: list[SqliteConnection] = []

    def connect(self) -> "_Kept":
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._opened()
        return _Kept(connection, self)

    def take_back(self, connection: SqliteConnection) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def dispose(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _Single(_Pool):
    """One connection for all: a store in memory is gone with its connection."""

    def connect(self) -> "_Kept":
        if not self._idle:
            self._idle.append(self._opened())
        return _Kept(self._idle[0], self)

    def take_back(self, connection: SqliteConnection) -> None:
        """Nobody else has it."""


class _Kept:
    """A connection that a pool has handed out."""

    def __init__(self, connection: SqliteConnection, pool: _Pool) -> None:
        self.driver_connection = connection
        self._pool = pool

    def invalidate(self) -> None:
        self.driver_connection.close()

    def close(self) -> None:
        try:
            self.driver_connection.rollback()
        except sqlite3.Error:
            self.driver_connection.close()  # and with it goes what it left open
        else:
            self._pool.take_back(self.driver_connection)


class SqliteConnections(Connections):
    """To a file, or (empty) to a private store in memory, which is one connection for all."""

    failure = sqlite3.Error

    def __init__(self, file: str) -> None:
        def opened() -> Any:
            return connect(file)

        super().__init__(_Pool(opened) if file else _Single(opened))

    def run(self, connection: SqliteConnection, statement: str) -> None:
        connection.execute(statement)


def connect(file: str) -> SqliteConnection:
    """A new one, to a file or (empty) to a store in memory of its own."""
    connection = sqlite3.connect(
        file or ":memory:",
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say, not where the driver guesses
        check_same_thread=False,
        factory=SqliteConnection,
    )
    prepare(connection)
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    # A new file only: bigger pages take a third off what a load costs in writing them. Before the size of the cache,
    # which SQLite counts in pages of the size that it knows at that moment.
    connection.execute("PRAGMA page_size = 16384")
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
