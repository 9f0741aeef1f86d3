"""The lease book and the slot book (see scheduler.leases, scheduler.slots), and the fence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from crosswalk.store.dialect import Database
from scheduler.leases import Lease, LeaseLost

# Longer than any timetable looks back.
_SLOTS_KEPT: Final = timedelta(days=30)


class Leases:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def acquire(self, name: str, *, holder: str, seconds: float) -> Lease | None:
        now = _millis(self._clock())
        with self._database.write() as connection:
            row = self._database.run(
                connection,
                "INSERT INTO lease (name, epoch, holder, expires_at) VALUES (?, 1, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET epoch = lease.epoch + 1, holder = excluded.holder, "
                "expires_at = excluded.expires_at WHERE lease.holder IS NULL OR lease.expires_at <= ? "
                "RETURNING epoch",
                (name, holder, now + int(seconds * 1000), now),
            ).fetchone()
        return None if row is None else Lease(name, row[0])

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        return self._change(
            "UPDATE lease SET expires_at = ? WHERE name = ? AND epoch = ? AND holder IS NOT NULL",
            (_millis(self._clock()) + int(seconds * 1000), *lease),
        )

    def release(self, lease: Lease) -> None:
        # The row stays: its epoch must go on growing.
        self._change("UPDATE lease SET holder = NULL WHERE name = ? AND epoch = ?", tuple(lease))

    def holder(self, name: str) -> str | None:
        """Who works on it now; for what people see."""
        with self._database.read() as connection:
            row = self._database.run(
                connection,
                "SELECT holder FROM lease WHERE name = ? AND expires_at > ?",
                (name, _millis(self._clock())),
            ).fetchone()
        return None if row is None else row[0]

    def _change(self, statement: str, values: tuple[object, ...]) -> bool:
        with self._database.write() as connection:
            changed = self._database.run(connection, statement, values).rowcount
        return bool(changed)


def fence(database: Database, connection: Connection, lease: Lease) -> None:
    """Raise LeaseLost unless the lease is still this worker's; then it stays so until the transaction ends.

    Call it inside the transaction that commits the work. Not a question of time: a lease that ran out and was
    not taken is still the worker's own.
    """
    # SQLite's writer is alone from BEGIN IMMEDIATE on; PostgreSQL needs the row held against a taker.
    held = " FOR SHARE" if database.dialect == "postgresql" else ""
    row = database.run(
        connection,
        f"SELECT 1 FROM lease WHERE name = ? AND epoch = ? AND holder IS NOT NULL{held}",
        tuple(lease),
    ).fetchone()
    if row is None:
        raise LeaseLost(lease)


class Slots:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, job: str, slot: datetime) -> bool:
        at = _millis(slot)
        with self._database.write() as connection:
            won = self._database.run(
                connection, "INSERT INTO slot (job, at) VALUES (?, ?) ON CONFLICT DO NOTHING", (job, at)
            ).rowcount
            if won:
                self._database.run(
                    connection, "DELETE FROM slot WHERE job = ? AND at < ?", (job, at - _millis_of(_SLOTS_KEPT))
                )
        return bool(won)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _millis_of(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
