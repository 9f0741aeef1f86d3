"""Asking for what records name no more, so that who has been deleted is told from who was taken away; see `emptied`."""

from crosswalk.engine.model import House, Stream
from crosswalk.engine.pull import Pulled, fetch_records, remove
from crosswalk.store.dialect import Database
from crosswalk.store.leases import fence
from crosswalk.store.records import MERGE, add_work
from scheduler.leases import Lease


def in_doubt(database: Database) -> set[int]:
    """The streams of which something is to be asked for."""
    with database.read() as connection:
        rows = database.run(connection, "SELECT DISTINCT stream FROM doubt WHERE there = ?", (False,)).fetchall()
    return {row[0] for row in rows}


def ask(house: House, stream: Stream, lease: Lease, *, run: int) -> Pulled:
    """Ask for what records name no more, of this stream; what they show is then judged anew."""
    database = house.database
    with database.read() as connection:
        rows = database.run(
            connection, "SELECT rkey, record FROM doubt WHERE stream = ? AND there = ?", (stream.id, False)
        ).fetchall()
    keys = sorted({row[0] for row in rows})
    landed, missing = fetch_records(house, stream, keys, lease, run=run)
    pulled = Pulled(landed=landed)
    pulled.removed = remove(house, stream, missing, lease)
    with database.write() as connection:
        fence(database, connection, lease)
        database.run_many(
            connection,
            "UPDATE doubt SET there = ? WHERE stream = ? AND rkey = ? AND record = ?",
            [(True, stream.id, key, record) for key, record in rows],
        )
        records = sorted({row[1] for row in rows})
        homes = database.select(connection, "SELECT entity FROM member WHERE", "record", records)
        add_work(database, connection, MERGE, sorted({row[0] for row in homes}))
    return pulled
