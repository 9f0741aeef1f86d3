"""Whom a write waits for without end on PostgreSQL: a process that stands still in the middle of what it sends.

Between two statements of a transaction the server ends it by itself (see dialect.STILL_SECONDS). In the middle of a
COPY, or of statements that go out together, it waits for the rest of them and knows no limit: of a process that is
suspended until it wakes, of a machine without power for hours. The rows that it holds are what its successor needs.
"""

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from crosswalk.store.connections import DatabaseError
from crosswalk.store.pools import Connections

# `Client`: the server waits for it, to send or to take. Only who is in somebody's way, and of our own user. Whatever
# its state is called: between two messages of a batch it may be "idle in transaction" without the server's limit.
_END: Final = """
SELECT pg_terminate_backend(stuck.pid) FROM pg_stat_activity stuck
WHERE stuck.wait_event_type = 'Client' AND stuck.usename = current_user
AND stuck.state_change < clock_timestamp() - make_interval(secs => %s)
AND stuck.pid IN (
  SELECT unnest(pg_blocking_pids(waiting.pid)) FROM pg_stat_activity waiting
  WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock'
)
"""
_LOOKS: Final = 3  # in the time for which somebody may stand still


class Watch:
    """While a write of this process takes long, it looks who is stuck in its way, and has the server end them.

    Looking takes a thread, which begins with the first write and ends with `end`, or with the connections.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = weakref.ref(connections)
        self._writes: dict[object, float] = {}  # since when each goes on
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    @contextmanager
    def over(self, seconds: float) -> Iterator[None]:
        """Watch over a write. `seconds`: how long somebody may stand still who is in its way."""
        write = object()
        self._writes[write] = time.monotonic()
        if self._thread is None:
            self._begin(seconds)
        try:
            yield
        finally:
            del self._writes[write]

    def end(self) -> None:
        self._over.set()

    def _begin(self, seconds: float) -> None:
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, args=(seconds,), name="store-watch", daemon=True)
                self._thread.start()

    def _look(self, seconds: float) -> None:
        pause = seconds / _LOOKS
        while not self._over.wait(pause):
            connections = self._connections()
            if connections is None:
                return
            if any(time.monotonic() - since >= pause for since in tuple(self._writes.values())):
                try:
                    with connections.lent() as connection:
                        connection.execute(_END, (seconds,))
                except DatabaseError:  # it cannot be asked now: who waits is told so, or waits on, and is looked after
                    pass
            del connections
