"""Lease and slot books in memory, for tests of whatever runs jobs."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from scheduler.leases import Lease


class FakeLeases:
    """Behaves as the store's book does; `clock` is the test's."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[int, datetime | None]] = {}  # epoch, until (None: released)

    def acquire(self, name: str, *, holder: str, seconds: float) -> Lease | None:
        with self._lock:
            epoch, until = self._held.get(name, (0, None))
            if until is not None and until > self._clock():
                return None
            self._held[name] = (epoch + 1, self._clock() + timedelta(seconds=seconds))
            return Lease(name, epoch + 1)

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        with self._lock:
            if not self._owns(lease):
                return False
            self._held[lease.name] = (lease.epoch, self._clock() + timedelta(seconds=seconds))
            return True

    def release(self, lease: Lease) -> None:
        with self._lock:
            if self._owns(lease):
                self._held[lease.name] = (lease.epoch, None)

    def holds(self, lease: Lease) -> bool:
        with self._lock:
            return self._owns(lease)

    def _owns(self, lease: Lease) -> bool:
        epoch, until = self._held.get(lease.name, (0, None))
        return epoch == lease.epoch and until is not None


class FakeSlots:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[tuple[str, datetime]] = set()

    def claim(self, job: str, slot: datetime) -> bool:
        with self._lock:
            fresh = (job, slot) not in self._claimed
            self._claimed.add((job, slot))
            return fresh
