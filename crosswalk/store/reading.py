"""Reading a store: what SQLite and PostgreSQL have in common, and a reader that goes without the engine.

SQL is written once with `?` and sent through the driver. `Database` (dialect.py) reads and writes; a `Reader` never
makes the store that is not there, and needs less.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from crosswalk.store.connections import Address, AddressError, Dialect

Row = Sequence[Any]
BATCH: Final = 500  # keys a prefetch; SQLite slows down beyond
BUSY_SECONDS: Final = 60


class Reading(ABC):
    """A store that can be asked. `read()` gives a connection inside one transaction, `run` its cursor."""

    dialect: Dialect

    @abstractmethod
    def read(self) -> AbstractContextManager[Any]: ...

    @abstractmethod
    def run(self, connection: Any, statement: str, values: Row = ()) -> Any:
        """One statement through the driver; its cursor or cursor result, which have `fetchone` and `fetchall`."""
        ...

    def sql(self, statement: str) -> str:
        """`?` as this driver's placeholder. Statements hold no `?` or `%` of their own."""
        return statement if self.dialect == "sqlite" else statement.replace("?", "%s")

    def among(self, column: str, keys: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        """A condition that a column is one of these keys (at most BATCH on SQLite), and its parameters."""
        if self.dialect == "sqlite":
            return f"{column} IN ({', '.join('?' * len(keys))})", tuple(keys)
        if len(keys) == 1:
            return f"{column} = ?", tuple(keys)
        if type(keys[0]) is int:
            return f"{column} = ANY(?::bigint[])", (array_of(keys),)
        return f"{column} = ANY(?)", (list(keys),)

    def select(
        self,
        connection: Any,
        head: str,
        column: str,
        keys: Sequence[Any],
        tail: str = "",
        first: Row = (),
    ) -> Iterator[Any]:
        """Rows of `head` (up to and including WHERE or AND) for any number of keys; `first`: its parameters."""
        for some in batches(keys):
            clause, values = self.among(column, some)
            yield from self.run(connection, f"{head} {clause} {tail}", (*first, *values)).fetchall()


def array_of(some: Iterable[int]) -> str:
    """An array of PostgreSQL, as text: the driver looks at each of a list to find out how to send it, which takes as
    long as the statement, and sends small numbers as another type, of which the server makes another plan."""
    return f"{{{','.join(map(str, some))}}}"


def batches(keys: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


class UnreadableError(Exception):
    """The reader cannot read this store; whoever opens it by the engine says why in the operator's words."""


class Reader(Reading):
    """Reads a store that is there, from one thread, and never writes to it. One connection serves every `read()`.

    Raises UnreadableError for everything that fails, on opening and in `read()`.
    """

    def __init__(self, url: str) -> None:
        self._failure: type[Exception]
        try:
            address = Address.of(url)
        except AddressError as error:
            raise UnreadableError(str(error)) from None
        self.dialect = address.dialect
        if address.dialect == "sqlite":
            self._failure = sqlite3.Error
            # A plain `connect` would make the file that is not there.
            file = f"file:{quote(str(Path(address.target).absolute()))}?mode=rw"
            connect = partial[Any](sqlite3.connect, file, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        else:
            import psycopg  # takes longer than SQLite's whole answer

            self._failure = psycopg.Error
            connect = partial[Any](psycopg.connect, address.target, autocommit=True)
        try:
            self._connection = connect()
            if self.dialect == "sqlite":
                self._connection.execute("PRAGMA query_only = ON")
        except self._failure as error:
            raise UnreadableError(str(error)) from error

    @contextmanager
    def read(self) -> Iterator[Any]:
        try:
            self._connection.execute("BEGIN" if self.dialect == "sqlite" else "BEGIN READ ONLY")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")
        except self._failure as error:
            raise UnreadableError(str(error)) from error

    def run(self, connection: Any, statement: str, values: Row = ()) -> Any:
        return connection.execute(self.sql(statement), tuple(values))

    def close(self) -> None:
        self._connection.close()
