"""Connections to a database, straight from its driver, kept for whoever needs one next.

No engine stands between: to import SQLAlchemy takes longer than all else that a run does before its first call, and a
statement costs twice on its way through. It is asked where a schema is changed (migrations), and nowhere else.
"""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

_SQLITE: Final = re.compile(r"sqlite(?:\+pysqlite)?://(?:/(?P<file>[^?]*))?$")
_POSTGRESQL: Final = re.compile(r"postgresql(?:\+psycopg)?(?P<rest>://.*)$")


class AddressError(ValueError):
    """Not the address of a database that we know."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. `target`: a file (empty: in memory), or what libpq takes."""

    dialect: Dialect
    target: str

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises AddressError, which does not repeat the address: there may be a password in it."""
        if found := _SQLITE.match(url):
            file = found["file"] or ""
            return cls("sqlite", "" if file == ":memory:" else file)
        if found := _POSTGRESQL.match(url):
            return cls("postgresql", f"postgresql{found['rest']}")
        raise AddressError("no address of a database")

    @property
    def place(self) -> str:
        """As people are told of it."""
        return "PostgreSQL" if self.dialect == "postgresql" else Path(self.target or "the store").name


class DatabaseError(Exception):
    """What a driver says. `orig` is its own error; `unreached`: the database, not what it was asked, is at fault."""

    def __init__(self, orig: Exception, *, unreached: bool = False) -> None:
        super().__init__(str(orig))
        self.orig = orig
        self.unreached = unreached


class Connection(Protocol):
    """One of a driver. Its transaction is begun and ended by whoever hands it out."""

    def cursor(self, *name: str) -> Any:
        """The driver's, which also has `scalar`: of the first row its first value. A name makes it the server's."""
        ...

    def execute(self, statement: str, /) -> Any: ...


class Pool(ABC):
    """Hands out connections; at most `size` stay open while nobody needs them. For any number of threads."""

    size: int
    failure: type[Exception]  # of the driver, the root of all that it raises

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._lock = threading.Lock()

    @abstractmethod
    def connect(self) -> Any:
        """A new one, which begins transactions only where it is told to."""
        ...

    @abstractmethod
    def is_in_transaction(self, connection: Any) -> bool: ...

    @abstractmethod
    def is_lost(self, connection: Any) -> bool:
        """Has the database left it?"""
        ...

    @abstractmethod
    def run(self, connection: Any, statement: str) -> None:
        """A statement without values, or several."""
        ...

    @contextmanager
    def transaction(self, begin: str) -> Iterator[Any]:
        """A connection inside a transaction that `begin` begins; an error rolls back. Raises DatabaseError."""
        connection = None
        try:
            connection = self._begun(begin)
            yield connection
            self.run(connection, "COMMIT")
        except self.failure as error:
            raise self._said(error, connection) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """A connection outside any transaction. Raises DatabaseError."""
        connection = None
        try:
            connection = self._take() or self.connect()
            yield connection
        except self.failure as error:
            raise self._said(error, connection) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def close(self) -> None:
        """Of those that nobody has."""
        while (connection := self._take()) is not None:
            connection.close()

    def _begun(self, begin: str) -> Any:
        while (connection := self._take()) is not None:
            try:
                self.run(connection, begin)
            except self.failure:
                if not self.is_lost(connection):
                    self._give_back(connection)
                    raise
                self.close()  # whatever ended this one has ended the others, too
            else:
                return connection
        connection = self.connect()
        try:
            self.run(connection, begin)
        except self.failure:
            self._give_back(connection)
            raise
        return connection

    def _take(self) -> Any:
        """The one that was used last knows most pages: what another one writes empties its cache."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: Any) -> None:
        with suppress(self.failure):
            if self.is_in_transaction(connection):
                self.run(connection, "ROLLBACK")
        with self._lock:
            if len(self._idle) < self.size and not self.is_lost(connection) and not self.is_in_transaction(connection):
                self._idle.append(connection)
                return
        connection.close()

    def _said(self, error: Exception, connection: Any) -> DatabaseError:
        return DatabaseError(error, unreached=connection is None or self.is_lost(connection))
