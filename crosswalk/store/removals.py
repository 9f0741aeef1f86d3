"""Removals: records of which their vendor says that they are gone, until it is known what that means for the others.

Open from the moment it was learned; agreed once a person said that the others are to follow; closed when there is
nothing left to do. A record that comes back has none. Only what was held as there before can be removed.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from crosswalk.store import unsettled
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database

OPEN, AGREED, CLOSED = "open", "agreed", "closed"
_COLUMNS: Final = ("record", "since", "there_until", "state")


class Removal(NamedTuple):
    """One that is not closed."""

    record: int
    stream: int
    rkey: str
    entity: int | None
    there_until: int  # when it was last known to be there, in milliseconds
    agreed: bool


def note(
    database: Database,
    connection: Connection,
    records: Iterable[int],
    *,
    since: int | None,
    there_until: int | None,
    state: str = OPEN,
) -> None:
    """Of records that were there until now."""
    rows = [(record, since, there_until, state) for record in records]
    database.upsert(connection, "removed", ("record",), _COLUMNS, rows)


def withdraw(database: Database, connection: Connection, records: Sequence[int]) -> None:
    """They are there again."""
    database.delete(connection, "removed", "record", records)


def mark(database: Database, connection: Connection, records: Iterable[int], state: str) -> None:
    database.run_many(
        connection, "UPDATE removed SET state = ? WHERE record = ?", [(state, record) for record in records]
    )


def date(database: Database, connection: Connection, *, at: int) -> None:
    """Those that a page told of were learned of, and their records last seen, when the run began that reads them."""
    database.run(
        connection,
        f"UPDATE removed SET since = ?, there_until = ? WHERE since IS NULL AND {unsettled.REMOVAL}",
        (at, at),
    )


def unanswered(database: Database, connection: Connection) -> list[Removal]:
    rows = database.run(
        connection,
        "SELECT d.record, r.stream, r.rkey, m.entity, d.there_until, d.state FROM removed d "
        "JOIN record r ON r.id = d.record LEFT JOIN member m ON m.record = d.record "
        "WHERE d.state <> 'closed' ORDER BY d.record",
    ).fetchall()
    return [Removal(row[0], row[1], row[2], row[3], row[4] or 0, row[5] == AGREED) for row in rows]
