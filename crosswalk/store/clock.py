"""The time of a store that several machines share: their own clocks may differ by more than a lease lasts, and who is
ahead would take every lease of who is behind for one that has run out."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from crosswalk import clock as real_clock
from crosswalk.store.connections import DatabaseError
from crosswalk.store.dialect import Database

Clock = Callable[[], datetime]
_ASKED_EVERY: Final = 60.0  # seconds
_NOTHING: Final = timedelta(seconds=1)  # so much may pass while it is asked


def in_step(database: Database, clock: Clock) -> Clock:
    """This clock, in step with that of the store's server. A file of SQLite's is one machine's anyway."""
    return clock if database.dialect == "sqlite" else _InStep(database, clock)


class _InStep:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._ahead = timedelta(0)  # the server is
        self._ask_at = 0.0

    def __call__(self) -> datetime:
        if time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASKED_EVERY
            self._ask()
        return self._clock() + self._ahead

    def _ask(self) -> None:
        try:
            with self._database.read() as connection:
                there = self._database.run(connection, "SELECT clock_timestamp()").scalar()
        except DatabaseError:
            return  # whoever works with the store is told
        ahead = there - real_clock.now()
        self._ahead = ahead if abs(ahead) >= _NOTHING else timedelta(0)
