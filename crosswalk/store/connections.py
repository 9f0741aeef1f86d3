"""What is said of connections to a database, wherever they come from. A look at the store imports no more than this."""

import re
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

from msgspec import Struct

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

_SQLITE: Final = re.compile(r"sqlite(?:\+pysqlite)?://(?:/(?P<file>[^?]*))?$")
_POSTGRESQL: Final = re.compile(r"postgresql(?:\+psycopg)?(?P<rest>://.*)$")


class AddressError(ValueError):
    """Not the address of a database that we know."""


class Address(Struct, frozen=True):
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

    @property
    def in_the_way(self) -> bool:
        """Has PostgreSQL ended a transaction that stood in the way of another one? Once more, it may succeed."""
        return getattr(self.orig, "sqlstate", None) in ("40P01", "40001")  # deadlock, serialization failure


class Connection(Protocol):
    """One of a driver. Its transaction is begun and ended by whoever hands it out."""

    def cursor(self, *name: str) -> Any:
        """The driver's, which also has `scalar`: of the first row its first value. A name makes it the server's."""
        ...

    def execute(self, statement: str, /) -> Any: ...
