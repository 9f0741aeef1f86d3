"""The lease book and the slot book (see scheduler.leases, scheduler.slots), and the fence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from crosswalk import clock as real_clock
from crosswalk.store.connections import Connection
from crosswalk.store.daemons import DEAD_AFTER
from crosswalk.store.dialect import Database
from scheduler.leases import Lease, LeaseLost
from scheduler.slots import Firing

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

    def held_by(self, holder: str) -> list[str]:
        """The names of what a process works on now."""
        with self._database.read() as connection:
            rows = self._database.run(
                connection,
                "SELECT name FROM lease WHERE holder = ? AND expires_at > ?",
                (holder, _millis(self._clock())),
            ).fetchall()
        return [row[0] for row in rows]

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
    """`holder`: the daemon that claims here, by its id in the table of daemons."""

    def __init__(
        self, database: Database, *, holder: str | None = None, clock: Callable[[], datetime] = real_clock.now
    ) -> None:
        self._database = database
        self._holder = holder
        self._clock = clock

    def claim(self, job: str, slot: datetime) -> bool:
        at = _millis(slot)
        with self._database.write() as connection:
            won = self._database.run(
                connection,
                "INSERT INTO slot (job, at, holder) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (job, at, self._holder),
            ).rowcount
            if won:
                self._database.run(
                    connection, "DELETE FROM slot WHERE job = ? AND at < ?", (job, at - _millis_of(_SLOTS_KEPT))
                )
        return bool(won)

    def finish(self, firing: Firing) -> None:
        with self._database.write() as connection:
            self._database.run(
                connection,
                "UPDATE slot SET done_at = ? WHERE job = ? AND at = ?",
                (_millis(self._clock()), firing.job, _millis(firing.slot)),
            )

    def again(self, firing: Firing, at: datetime) -> None:
        with self._database.write() as connection:
            self._database.run(
                connection,
                "UPDATE slot SET done_at = ?, again_at = ?, tries = ? WHERE job = ? AND at = ?",
                (_millis(self._clock()), _millis(at), firing.tries + 1, firing.job, _millis(firing.slot)),
            )

    def last(self, job: str) -> datetime | None:
        with self._database.read() as connection:
            at = self._database.run(connection, "SELECT max(at) FROM slot WHERE job = ?", (job,)).scalar()
        return None if at is None else _moment(at)

    def left_behind(self) -> list[Firing]:
        now = _millis(self._clock())
        with self._database.read() as connection:
            rows = self._database.run(
                connection,
                "SELECT s.job, s.at, s.holder, s.tries, (SELECT max(at) FROM slot o WHERE o.job = s.job) FROM slot s "
                "LEFT JOIN daemon d ON d.id = s.holder WHERE s.done_at IS NULL AND s.holder IS NOT NULL "
                "AND (d.id IS NULL OR d.ended_at IS NOT NULL OR d.heartbeat_at < ?) ORDER BY s.job, s.at",
                (now - DEAD_AFTER,),
            ).fetchall()
        taken = []
        for job, at, holder, tries, last in rows:
            if holder != self._holder and self._take_over(job, at, holder, done_at=None if at == last else now):
                taken.append(Firing(job, _moment(at), tries))
        return taken

    def due_again(self) -> list[Firing]:
        now = _millis(self._clock())
        with self._database.read() as connection:
            rows = self._database.run(
                connection,
                "SELECT job, at, again_at, tries FROM slot s WHERE again_at <= ? "
                "AND at = (SELECT max(at) FROM slot o WHERE o.job = s.job) ORDER BY job",
                (now,),
            ).fetchall()
        return [Firing(job, _moment(at), tries) for job, at, again_at, tries in rows if self._begin(job, at, again_at)]

    def _begin(self, job: str, at: int, again_at: int) -> bool:
        with self._database.write() as connection:
            won = self._database.run(
                connection,
                "UPDATE slot SET holder = ?, done_at = NULL, again_at = NULL WHERE job = ? AND at = ? AND again_at = ?",
                (self._holder, job, at, again_at),
            ).rowcount
        return bool(won)

    def _take_over(self, job: str, at: int, holder: str, *, done_at: int | None) -> bool:
        """Whether the slot is now to be worked on here; with `done_at` it is only closed."""
        with self._database.write() as connection:
            won = self._database.run(
                connection,
                "UPDATE slot SET holder = ?, done_at = ? WHERE job = ? AND at = ? AND holder = ? AND done_at IS NULL",
                (self._holder, done_at, job, at, holder),
            ).rowcount
        return bool(won) and done_at is None


def _millis(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1000, UTC)


def _millis_of(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
