"""How long what has happened is kept. What still decides something stays, however old it is.

Kept for ever: of every record the last value that the hub wrote to each of its fields (it tells the merge whose value
stands there), the creates (by them a record is known to be ours), everything that is open, and the runs. Of a removed
record its key and whose it was: it is not made again.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from crosswalk.store import meta, records
from crosswalk.store.codec import load
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database
from crosswalk.store.reading import batches
from crosswalk.store.records import DELETED, FORGOTTEN, MERGED
from crosswalk.store.removals import CLOSED

FOREVER: Final = ("create",)  # operations of the journal
_ASKED_AT: Final = "retention_at"
_EVERY: Final = timedelta(days=1)
_BATCH: Final = 2000


def forget(database: Database, *, history: timedelta, journal: timedelta, removed: timedelta, now: int) -> int:
    """Drop what is older, once a day; how many rows. `now` in milliseconds."""
    last = meta.get(database, _ASKED_AT)
    if last is not None and now - int(last) < _millis(_EVERY):
        return 0
    dropped = (
        _drop_history(database, now - _millis(history))
        + _drop_journal(database, now - _millis(journal))
        + _drop_removed(database, now - _millis(removed), now)
    )
    with database.write() as connection:
        meta.put(database, connection, _ASKED_AT, str(now).encode())
    return dropped


def _millis(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _drop_history(database: Database, before: int) -> int:
    """What golden fields were, and what queues and plans held that are settled."""
    closed = "state IN ('acked', 'moved', 'rejected', 'dropped', 'proposed')"
    # A create that came to nothing goes on under the same hub id.
    ended = f"{closed} AND (op <> 'create' OR state = 'acked') AND plan IN (SELECT id FROM plan WHERE created_at < ?)"
    return (
        _drop(database, "golden_history", ("entity", "run"), "at < ?", before)
        + _drop(database, "conflict", ("id",), "state = 'gone' AND at < ?", before)
        + _drop(database, "dead_letter", ("id",), "state IN ('closed', 'dropped') AND last_at < ?", before)
        + _drop(database, "action", ("id",), ended, before)
    )


def _drop(database: Database, table: str, key: Sequence[str], clause: str, before: int) -> int:
    """In short transactions: others write meanwhile."""
    columns = ", ".join(key)
    same = " AND ".join(f"{name} = ?" for name in key)
    dropped = 0
    while True:
        with database.write() as connection:
            rows = database.run(
                connection, f"SELECT {columns} FROM {table} WHERE {clause} LIMIT {_BATCH}", (before,)
            ).fetchall()
            database.run_many(connection, f"DELETE FROM {table} WHERE {same}", [tuple(row) for row in rows])
        dropped += len(rows)
        if len(rows) < _BATCH:
            return dropped


def _drop_journal(database: Database, before: int) -> int:
    with database.read() as connection:
        written = [
            row[0]
            for row in database.run(
                connection, "SELECT DISTINCT record FROM journal WHERE at < ? ORDER BY record", (before,)
            ).fetchall()
        ]
    dropped = 0
    for some in batches(written, _BATCH):
        with database.write() as connection:
            rows = database.select(
                connection, "SELECT record, id, at, op, fields FROM journal WHERE", "record", some, "ORDER BY id DESC"
            )
            old = _superseded(rows, before)
            database.run_many(connection, "DELETE FROM journal WHERE id = ?", [(number,) for number in old])
        dropped += len(old)
    return dropped


def _drop_removed(database: Database, before: int, now: int) -> int:
    """What records showed that were removed at their vendor, and are still."""
    with database.write() as connection:
        database.run(
            connection,
            "INSERT INTO removed (record, since, state) SELECT id, ?, ? FROM record "
            f"WHERE state IN ({DELETED}, {MERGED}) "
            "ON CONFLICT (record) DO UPDATE SET since = coalesce(removed.since, excluded.since)",
            (now, CLOSED),
        )
        database.run(
            connection,
            f"DELETE FROM removed WHERE record IN (SELECT d.record FROM removed d JOIN record r ON r.id = d.record "
            f"WHERE r.state NOT IN ({DELETED}, {MERGED}))",
        )
    dropped = after = 0
    while True:
        with database.write() as connection:
            rows = database.run(
                connection,
                "SELECT d.record, m.fields FROM removed d JOIN record r ON r.id = d.record "
                "JOIN mapping m ON m.id = r.mapping JOIN body b ON b.record = r.id "
                f"WHERE d.since < ? AND b.raw <> ? AND d.record > ? ORDER BY d.record LIMIT {_BATCH}",
                (before, FORGOTTEN, after),
            ).fetchall()
            database.hold(connection, "record", [row[0] for row in rows])
            _empty(database, connection, [(row[0], len(load(bytes(row[1])))) for row in rows])
        dropped += len(rows)
        if len(rows) < _BATCH:
            return dropped
        after = rows[-1][0]


def _empty(database: Database, connection: Connection, removed: Sequence[tuple[int, int]]) -> None:
    """Take from records, each with its number of fields, what they showed, unless they have come back just now."""
    numbers = dict(removed)
    still = [
        row[0]
        for row in database.select(
            connection, f"SELECT id FROM record WHERE state IN ({DELETED}, {MERGED}) AND", "id", list(numbers)
        )
    ]
    records.forget(database, connection, {number: numbers[number] for number in still})


def _superseded(rows: Iterable[Any], before: int) -> list[int]:
    """Rows all of whose fields were written again since. `rows`: the newest first."""
    written: dict[int, set[str]] = {}
    found = []
    for record, number, at, op, fields in rows:
        names = {one["field"] for one in load(bytes(fields))}
        later = written.setdefault(record, set())
        if at < before and op not in FOREVER and names <= later:
            found.append(number)
        later |= names
    return found
