"""Erasures: people of whom nothing is kept but hashes, by which what is sent of them again is known, and not stored.

What is hashed, with the key of the store: the address of each of their records, `connection/stream/id`, and their
identifiers that nobody else carried, e-mail addresses above all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct

from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database

_LOCK: Final = 11  # landing holds it shared, an erasure alone
_SINCE: Final = "SELECT count(*), count(lifted_at), (SELECT count(*) FROM suppressed) FROM erasure"
_HEAD: Final = "SELECT id, entity, run, at, who, reason, records, lifted_at FROM erasure"


class Erasure(NamedTuple):
    """`at`, `lifted_at`: milliseconds; `records`: how many of theirs there were."""

    id: int
    entity: int
    run: int
    at: int
    who: str
    reason: str
    records: int
    lifted_at: int | None


class Suppressed:
    """The hashes of everybody who has been erased, as far as an erasure was not lifted."""

    def __init__(self, database: Database, hashed: Callable[[str], int]) -> None:
        self.database, self.hashed = database, hashed
        self._known: tuple[tuple[int, ...], frozenset[int]] | None = None

    def held(self, connection: Connection) -> frozenset[int]:
        """Inside a write transaction: nobody is erased until it ends."""
        with self.database.lock(connection, _LOCK, shared=True):
            return self.values(connection)

    def values(self, connection: Connection) -> frozenset[int]:
        since = tuple(self.database.run(connection, _SINCE).fetchone())
        known = self._known
        if known is None or known[0] != since:
            rows = self.database.run(connection, "SELECT value FROM suppressed").fetchall() if since[0] else []
            known = self._known = since, frozenset(row[0] for row in rows)
        return known[1]


class Gate(Struct, frozen=True):
    """Keeps what is sent of erased people out of a stream. `address`: the stream's."""

    address: str
    suppressed: Suppressed

    def hashed(self, key: str) -> int:
        """Of a record's address."""
        return self.suppressed.hashed(f"{self.address}/{key}")

    def without(self, connection: Connection, keys: Sequence[str]) -> list[str]:
        """Those of these keys that nobody had who was erased."""
        values = self.suppressed.values(connection)
        return [key for key in keys if self.hashed(key) not in values] if values else list(keys)

    def learn(self, connection: Connection, idents: Mapping[str, Sequence[int]]) -> None:
        """Know these records by their addresses as well. `idents`: by key the identifiers of records not let in."""
        database = self.suppressed.database
        found = by_hashes(database, connection, (value for values in idents.values() for value in values))
        rows = [
            (self.hashed(key), erasure)
            for key, values in idents.items()
            for erasure in [next((found[value] for value in values if value in found), None)]
            if erasure is not None
        ]
        database.upsert(connection, "suppressed", ("value",), ("value", "erasure"), rows, replace=False)

    def give_up(self, connection: Connection, values: Iterable[int]) -> None:
        """These are somebody else's by now."""
        self.suppressed.database.delete(connection, "suppressed", "value", sorted(values))


def begin(database: Database, connection: Connection) -> None:
    """From now to the end of the transaction nothing lands."""
    with database.lock(connection, _LOCK):
        return


def add(
    database: Database, connection: Connection, values: Iterable[int], *, entity: int, run: int, at: int, who: str,
    reason: str, records: int,
) -> Erasure:  # fmt: skip
    """Write down that somebody is erased, and by what they are known from now on."""
    row = database.run(
        connection,
        "INSERT INTO erasure (entity, run, at, who, reason, records) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (entity, run, at, who, reason, records),
    ).fetchone()
    rows = [(value, row[0]) for value in sorted(set(values))]
    database.upsert(connection, "suppressed", ("value",), ("value", "erasure"), rows, replace=False)
    return Erasure(row[0], entity, run, at, who, reason, records, None)


def lift(database: Database, connection: Connection, erasure: int, *, at: int) -> None:
    """What is sent of them is stored again."""
    begin(database, connection)
    database.delete(connection, "suppressed", "erasure", [erasure])
    database.run(connection, "UPDATE erasure SET lifted_at = ? WHERE id = ?", (at, erasure))


def by_hashes(database: Database, connection: Connection, values: Iterable[int]) -> dict[int, int]:
    """The erasures that these hashes stand for, by hash."""
    rows = database.select(connection, "SELECT value, erasure FROM suppressed WHERE", "value", sorted(set(values)))
    return {row[0]: row[1] for row in rows}


def of(database: Database, connection: Connection, number: int) -> Erasure | None:
    """One of them, by its number."""
    row = database.run(connection, f"{_HEAD} WHERE id = ?", (number,)).fetchone()
    return None if row is None else Erasure(*row)


def listed(database: Database, connection: Connection, entities: Sequence[int] | None = None) -> list[Erasure]:
    """All of them, or those of these entities; the newest first."""
    if entities is None:
        rows: Any = database.run(connection, f"{_HEAD} ORDER BY id DESC").fetchall()
    else:
        rows = database.select(connection, f"{_HEAD} WHERE", "entity", list(entities), "ORDER BY id DESC")
    return [Erasure(*row) for row in rows]
