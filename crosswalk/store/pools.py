"""Connections to a database: the driver's own, kept for who asks next.

A statement goes straight to the driver: through SQLAlchemy's engine it costs twice, and a row three times. Its pools do
no more than is done here, and come with all of it: 0.2 s, half of what a command took to begin.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from crosswalk.store.connections import DatabaseError

_MOST_LEFT: Final = 30  # more than are kept


class Connections(ABC):
    """Hands them out, to any number of threads."""

    failure: type[Exception]  # of the driver, the root of all that it raises
    greeting = ""  # what a connection is asked before it is handed out, where nothing else is; "": it never goes away

    def __init__(self, *, keep: int) -> None:
        """`keep`: how many that nobody has stay open. As many are opened as are asked for."""
        self._keep = keep
        # The one that was used last comes first: SQLite's knows most pages, and what another writes empties its cache.
        self._idle: list[Any] = []

    @abstractmethod
    def open(self) -> Any:
        """A new one. Raises `failure`."""
        ...

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
        connection = None
        try:
            connection = self._answering(first)
            yield connection
        except self.failure as error:
            raise DatabaseError(error, unreached=connection is None or self.is_away(error, connection)) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def _answering(self, first: str) -> Any:
        """One on which `first` has been done: it asks at once whether the database is still at the other end.

        A connection that was left while nobody had it is let go of, and another one asked.
        """
        left = 0
        while True:
            connection = self._taken()
            try:
                if first:
                    self.run(connection, first)
            except self.failure as error:
                lost, unreached = self.is_lost(connection), self.is_away(error, connection)
                self._give_back(connection)
                if not lost or left == _MOST_LEFT:
                    raise DatabaseError(error, unreached=unreached) from error
                left += 1
                continue
            except BaseException:  # Ctrl-C too: nobody else knows of this connection yet
                self._give_back(connection)
                raise
            return connection

    def _taken(self) -> Any:
        try:
            return self._idle.pop()  # at once, whoever else asks
        except IndexError:
            return self.open()

    def _give_back(self, connection: Any) -> None:
        if not self.is_lost(connection):
            try:
                connection.rollback()
            except self.failure:  # what ails it has been told, or is to be told of nobody's work
                pass
            else:
                if len(self._idle) < self._keep:
                    self._idle.append(connection)
                    return
        self._let_go(connection)

    def _let_go(self, connection: Any) -> None:
        with suppress(self.failure):
            connection.close()

    def rest(self) -> None:
        """Those that nobody has give back the memory that they keep; nothing to do where it is the server's."""
        return

    def close(self) -> None:
        """Those that nobody has."""
        while self._idle:
            self._let_go(self._idle.pop())

    def is_away(self, error: Exception, connection: Any) -> bool:
        """Is the database, and not what it was asked, at fault?"""
        return self.is_lost(connection)
