"""Connections to a database: the driver's own, kept by a pool of SQLAlchemy's.

A statement goes straight to the driver: on its way through the engine it costs twice, and a row three times.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.pool import Pool, PoolProxiedConnection

from crosswalk.store.connections import DatabaseError


class Connections(ABC):
    """Hands them out, to any number of threads."""

    failure: type[Exception]  # of the driver, the root of all that it raises

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
        with self.lent() as connection:
            self.run(connection, begin)
            yield connection
            self.run(connection, "COMMIT")

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """A connection outside any transaction; one that is left open is rolled back. Raises DatabaseError."""
        kept: PoolProxiedConnection | None = None
        try:
            kept = self._pool.connect()
            yield kept.driver_connection
        except self.failure as error:
            connection = None if kept is None else kept.driver_connection
            raise DatabaseError(error, unreached=connection is None or self.is_away(error, connection)) from error
        finally:
            if kept is not None:
                if self.is_lost(kept.driver_connection):
                    kept.invalidate()
                kept.close()

    def close(self) -> None:
        """Of those that nobody has."""
        self._pool.dispose()

    def is_away(self, error: Exception, connection: Any) -> bool:
        """Is the database, and not what it was asked, at fault?"""
        return self.is_lost(connection)
