"""Connections to a database: the driver's own, kept by a pool of SQLAlchemy's.

A statement goes straight to the driver: on its way through the engine it costs twice, and a row three times.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from sqlalchemy.pool import Pool, PoolProxiedConnection

from crosswalk.store.connections import DatabaseError

_MOST_LEFT: Final = 30  # more than a pool holds


class Connections(ABC):
    """Hands them out, to any number of threads."""

    failure: type[Exception]  # of the driver, the root of all that it raises
    greeting = ""  # what a connection is asked before it is handed out, where nothing else is; "": it never goes away

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def is_lost(self, connection: Any) -> bool:
        """Has the database left it? A file never does."""
        return False

    @abstractmethod
    def run(self, connection: Any, statement: str) -> None:
        """A statement without values, or several."""
        ...

    @contextmanager
    def transaction(self, begin: str) -> Iterator[Any]:
        """A connection inside a transaction that `begin` begins; an error rolls back. Raises DatabaseError."""
        with self._lent(begin) as connection:
            yield connection
            self.run(connection, "COMMIT")

    def lent(self) -> AbstractContextManager[Any]:
        """A connection outside any transaction; one that is left open is rolled back. Raises DatabaseError."""
        return self._lent(self.greeting)

    @contextmanager
    def _lent(self, first: str) -> Iterator[Any]:
        kept: PoolProxiedConnection | None = None
        try:
            kept = self._answering(first)
            yield kept.driver_connection
        except self.failure as error:
            connection = None if kept is None else kept.driver_connection
            raise DatabaseError(error, unreached=connection is None or self.is_away(error, connection)) from error
        finally:
            if kept is not None:
                self._give_back(kept)

    def _answering(self, first: str) -> PoolProxiedConnection:
        """One on which `first` has been done: it asks at once whether the database is still at the other end.

        A connection that was left while nobody had it is let go of, and another one asked.
        """
        left = 0
        while True:
            kept = self._pool.connect()
            connection = kept.driver_connection
            try:
                if first:
                    self.run(connection, first)
            except self.failure as error:
                lost, unreached = self.is_lost(connection), self.is_away(error, connection)
                self._give_back(kept)
                if not lost or left == _MOST_LEFT:
                    raise DatabaseError(error, unreached=unreached) from error
                left += 1
                continue
            except BaseException:  # Ctrl-C too: nobody else knows of this connection yet
                self._give_back(kept)
                raise
            return kept

    def _give_back(self, kept: PoolProxiedConnection) -> None:
        if self.is_lost(kept.driver_connection):
            kept.invalidate()
        kept.close()

    def close(self) -> None:
        """Of those that nobody has."""
        self._pool.dispose()

    def is_away(self, error: Exception, connection: Any) -> bool:
        """Is the database, and not what it was asked, at fault?"""
        return self.is_lost(connection)
