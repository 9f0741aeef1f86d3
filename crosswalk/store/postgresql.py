"""Connections to PostgreSQL. Imported where a store is on one: psycopg takes as long as all of SQLite."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from crosswalk.store.connections import AddressError, DatabaseError, Pool


class _Cursor(psycopg.Cursor[TupleRow]):
    def scalar(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]


class PostgresqlPool(Pool):
    """Of the server and database that libpq finds by `target`. Raises AddressError."""

    size = 5
    failure = psycopg.Error

    def __init__(self, target: str) -> None:
        super().__init__()
        try:
            conninfo_to_dict(target)
        except psycopg.Error:
            raise AddressError("no address of a database") from None
        self._target = target

    def connect(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(self._target, autocommit=True, cursor_factory=_Cursor)

    def is_in_transaction(self, connection: psycopg.Connection[TupleRow]) -> bool:
        return connection.info.transaction_status is not TransactionStatus.IDLE

    def is_lost(self, connection: psycopg.Connection[TupleRow]) -> bool:
        return connection.closed

    def run(self, connection: psycopg.Connection[TupleRow], statement: str) -> None:
        connection.execute(statement.encode(), prepare=False)  # several at once cannot be prepared

    def _said(self, error: Exception, connection: Any) -> DatabaseError:
        said = super()._said(error, connection)
        said.unreached |= isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        return said
