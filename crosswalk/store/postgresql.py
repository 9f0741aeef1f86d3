"""Connections to PostgreSQL. Imported where a store is on one: psycopg takes as long as all of SQLite."""

from functools import cached_property
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from crosswalk.store.connections import AddressError
from crosswalk.store.pools import Connections


class _Cursor(psycopg.Cursor[TupleRow]):
    def scalar(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]


class _Connection(psycopg.Connection[TupleRow]):
    @cached_property
    def few(self) -> psycopg.Cursor[TupleRow]:
        """For small answers that are taken at once: to make a cursor for each takes as long as what it asks."""
        return self.cursor()


class PostgresqlConnections(Connections):
    """To the server and database that libpq finds by `target`. Raises AddressError."""

    failure = psycopg.Error
    greeting = "SELECT 1"

    def __init__(self, target: str) -> None:
        try:
            conninfo_to_dict(target)
        except psycopg.Error:
            raise AddressError("no address of a database") from None
        self._target = target
        super().__init__(keep=5)

    def open(self) -> Any:
        return _Connection.connect(self._target, autocommit=True, cursor_factory=_Cursor)

    def is_lost(self, connection: psycopg.Connection[TupleRow]) -> bool:
        return connection.closed

    def run(self, connection: psycopg.Connection[TupleRow], statement: str) -> None:
        connection.execute(statement.encode(), prepare=False)  # several at once cannot be prepared

    def is_away(self, error: Exception, connection: psycopg.Connection[TupleRow]) -> bool:
        return self.is_lost(connection) or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None)
