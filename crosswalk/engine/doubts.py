"""Asking for what records name no more, so that who has been deleted is told from who was taken away; see `emptied`."""

from collections.abc import Iterable
from typing import Any

from crosswalk.engine.emptied import targets
from crosswalk.engine.model import House, Stream
from crosswalk.engine.pull import Pulled, fetch_records, remove
from crosswalk.store.codec import unmark
from crosswalk.store.dialect import Database
from crosswalk.store.leases import fence
from crosswalk.store.records import MERGE, add_work, load_bases, save_bases
from scheduler.leases import Lease


def in_doubt(house: House) -> set[int]:
    """The streams of which something is to be asked for."""
    database, streams = house.database, [stream.id for stream in house.streams.values()]
    with database.read() as connection:
        return {
            row[0] for row in database.select(connection, "SELECT DISTINCT stream FROM doubt WHERE", "stream", streams)
        }


def ask(house: House, stream: Stream, lease: Lease, *, run: int) -> Pulled:
    """Ask for what records name no more, of this stream; what they show is then judged anew."""
    database = house.database
    with database.read() as connection:
        rows = database.run(connection, "SELECT rkey, record FROM doubt WHERE stream = ?", (stream.id,)).fetchall()
    doubts = [(str(key), int(record)) for key, record in rows]
    landed, missing = fetch_records(house, stream, sorted({key for key, _ in doubts}), lease, run=run)
    pulled = Pulled(landed=landed)
    pulled.removed = remove(house, stream, missing, lease)
    records = sorted({record for _, record in doubts})
    with database.write() as connection:
        fence(database, connection, lease)
        database.hold(connection, "record", records)
        _note_asked(database, connection, stream, doubts, records)
        database.run_many(
            connection,
            "DELETE FROM doubt WHERE stream = ? AND rkey = ? AND record = ?",
            [(stream.id, *one) for one in doubts],
        )
        homes = database.select(connection, "SELECT entity FROM member WHERE", "record", records)
        add_work(database, connection, MERGE, sorted({row[0] for row in homes}))
    return pulled


def _note_asked(
    database: Database, connection: Any, stream: Stream, doubts: Iterable[tuple[str, int]], records: list[int]
) -> None:
    """Whatever of it is not known as gone now is there."""
    bases = load_bases(database, connection, records)
    for key, record in doubts:
        base = bases.get(record)
        for field, entry in list(base.side.items()) if base is not None else ():
            if base is not None and (stream.name, key) in targets(unmark(entry[0])):
                base.found_there(field, f"{stream.name}/{key}")
    save_bases(database, connection, bases)
