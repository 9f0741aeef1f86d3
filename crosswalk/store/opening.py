"""Open a store: find it, bring its schema up to date, try its key; and say in words what a database cannot do."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

from crosswalk.store.connections import Address, AddressError, DatabaseError
from crosswalk.store.dialect import STILL_SECONDS, Database
from crosswalk.store.errors import StoreError, StoreKeyError
from crosswalk.store.migrations import migrate
from crosswalk.store.tokens import Vault, check_key, new_key


class StoreClosedError(StoreError):
    """CW501: the store cannot be opened or reached."""

    code: ClassVar[str] = "CW501"


class StoreFullError(StoreError):
    """CW503: there is no room to write."""

    code: ClassVar[str] = "CW503"


# What work on a store raises, in words or before anybody has found some.
STORE_ERRORS: Final = (StoreError, DatabaseError)

_FULL: Final = ("database or disk is full", "no space left", "could not extend file")


def open_store(url: str, *, key: str | None, key_file: Path | None) -> tuple[Database, Vault]:
    """The store at HEAD and the vault of its secrets. A key file that is not there is made for a store that is new.

    Raises StoreClosedError, StoreKeyError, StoreFullError, StoreTooNewError.
    """
    try:
        _for_us_alone(url)
        database = Database(url)
    except (AddressError, ModuleNotFoundError):
        raise StoreClosedError(
            "store.url is no address of a database",
            hint="such as sqlite:///crosswalk.db or postgresql://user@host/database",
        ) from None
    try:
        with in_words(database):
            migrate(database)
        vault = Vault([key if key is not None else _key_of(database, key_file)])
        with in_words(database):
            check_key(database, vault)
    except BaseException:
        database.close()
        raise
    return database, vault


def _for_us_alone(url: str) -> None:
    """A new SQLite file can be read by its owner alone: it holds customers. What SQLite puts beside it follows suit."""
    address = Address.of(url)
    if address.dialect == "sqlite" and address.target:
        with suppress(OSError):  # it is there, or its folder is not: the database says so in its own words
            os.close(os.open(address.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _key_of(database: Database, key_file: Path | None) -> str:
    if key_file is None:
        raise StoreKeyError(
            "there is no key for this store", hint="set store.encryption_key, or let `crosswalk init` make one"
        )
    try:
        return key_file.read_text().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreKeyError(
            f"{key_file.name} cannot be read: {error.strerror}", hint="let this user read it"
        ) from error
    with database.read() as connection:
        used = database.run(connection, "SELECT 1 FROM meta WHERE name = 'key'").fetchone()
    if used is not None:
        raise StoreKeyError(
            f"{key_file.name} is not there, and the store was made with it",
            hint="bring it back from the backup; without it: new tokens, and a full resync",
        )
    made = new_key()
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(made + "\n")
    return made


@contextmanager
def in_words(database: Database) -> Iterator[None]:
    """What the database says, for operators; what is none of its sayings goes on as it is."""
    try:
        yield
    except DatabaseError as error:
        told = _told(database, error)
        if told is None:
            raise
        raise told from error


def _told(database: Database, error: DatabaseError) -> StoreError | None:
    said = str(error.orig).lower()
    if any(word in said for word in _FULL):
        return StoreFullError(
            f"the disk is full where {database.place} lies",
            hint="make room; the run stopped between pages and goes on where it stood",
        )
    if isinstance(error.orig, sqlite3.OperationalError | sqlite3.DatabaseError):
        for word, hint in _SQLITE.items():
            if word in said:
                return StoreClosedError(f"{database.place} cannot be opened: {word}", hint=hint)
        return None
    if getattr(error.orig, "sqlstate", None) == _STOOD_STILL:
        return StoreClosedError(
            f"this process stood still for {STILL_SECONDS:.0f} s inside a transaction, which PostgreSQL has undone",
            hint="was it, or its machine, suspended? another process may have gone on; the next run does",
        )
    if error.unreached or "connection" in said:
        said, hint = next(
            ((plain, hint) for words, plain, hint in _POSTGRESQL if re.search(words, said)), ("no connection", _START)
        )
        return StoreClosedError(f"the store cannot be opened: {said}", hint=f"{hint}; nothing was pulled")
    if getattr(error.orig, "sqlstate", None) == _MAY_NOT:
        return StoreClosedError(
            "the store cannot be used: permission denied",
            hint="let the user of `store.url` create tables in its schema, and own what is there",
        )
    return None


_SQLITE: Final = {
    "unable to open database file": "correct `store.url`: its folder must be there and be writable",
    "readonly database": "let this user write the file and its folder",
    "file is not a database": "correct `store.url`, or restore the file from a backup",
    "database disk image is malformed": "restore it from a backup; what is newer is read again from the systems",
    "database is locked": "another process holds it for too long; wait, or look at `crosswalk runs`",
}


_START: Final = "start PostgreSQL or correct `store.url`"
_MAY_NOT: Final = "42501"
_STOOD_STILL: Final = "25P03"
# What the driver says, without the addresses and names that it puts into its sentences; and what to do.
_POSTGRESQL: Final = (
    ("connection refused", "connection refused", _START),
    ("password authentication failed", "password authentication failed", "correct user and password in `store.url`"),
    ("no password supplied", "no password given", "write user and password into what `store.url` refers to"),
    (r'database "[^"]*" does not exist', "there is no such database", "make it, or correct `store.url`"),
    (r'role "[^"]*" does not exist', "there is no such user", "make it, or correct `store.url`"),
    ("system is (starting up|shutting down)", "PostgreSQL is starting or stopping", "try again in a moment"),
    ("terminating connection", "PostgreSQL has ended the connection", "try again in a moment"),
    ("too many clients|connection slots", "PostgreSQL takes no more connections", "raise its max_connections"),
    ("timeout", "timeout", _START),
    ("resolve host|translate host name", "no such host", _START),
    ("no such", "no such file or directory", _START),
)
