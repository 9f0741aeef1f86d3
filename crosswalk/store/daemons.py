"""Daemons: who works unattended on this store, and since when one no longer says that it lives."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads and goes without the engine
    from crosswalk.store.dialect import Database

DEAD_AFTER: Final = 60_000  # milliseconds without a heartbeat
_KEPT: Final = 30 * 24 * 3600 * 1000


class Daemon(Struct, frozen=True):
    """Times in milliseconds. `ended_at`: it has ended as it should."""

    id: str
    host: str
    version: str
    started_at: int
    heartbeat_at: int
    ended_at: int | None

    def lives(self, now: int) -> bool:
        return self.ended_at is None and now - self.heartbeat_at <= DEAD_AFTER


def daemons(database: Reading, connection: Any) -> list[Daemon]:
    """All that are remembered, the one that began last of all at the end."""
    rows = database.run(
        connection, "SELECT id, host, version, started_at, heartbeat_at, ended_at FROM daemon ORDER BY started_at, id"
    ).fetchall()
    return [Daemon(*row) for row in rows]


class Presence:
    """One daemon's own row. Several on one host have several rows: an id is never used twice."""

    def __init__(self, database: "Database", daemon: str, *, host: str, version: str, clock: Callable[[], datetime]):
        self._database = database
        self._daemon = daemon
        self._clock = clock
        now = self._now()
        with database.write() as connection:
            database.run(connection, "DELETE FROM daemon WHERE heartbeat_at < ?", (now - _KEPT,))
            database.insert(
                connection,
                "daemon",
                ("id", "host", "version", "started_at", "heartbeat_at"),
                [(daemon, host, version, now, now)],
            )

    def beat(self) -> None:
        self._set("heartbeat_at = ?")

    def end(self) -> None:
        self._set("ended_at = ?")

    def _set(self, what: str) -> None:
        with self._database.write() as connection:
            self._database.run(connection, f"UPDATE daemon SET {what} WHERE id = ?", (self._now(), self._daemon))

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)
