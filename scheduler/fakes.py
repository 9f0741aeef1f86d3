"""Lease and slot books in memory, for tests of whatever runs jobs."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from scheduler.leases import Lease
from scheduler.slots import Firing


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
    """One process's view of a book; `beside` gives the view of another process. `gone` holds processes that died."""

    def __init__(
        self, holder: str = "me", *, beside: "FakeSlots | None" = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.holder = holder
        self._lock: threading.Lock = beside._lock if beside else threading.Lock()
        self._slots: dict[tuple[str, datetime], tuple[str, bool]] = beside._slots if beside else {}  # holder, done
        self.owed: dict[tuple[str, datetime], tuple[datetime, int]] = beside.owed if beside else {}  # when again, tries
        self._clock = clock
        self.gone: set[str] = beside.gone if beside else set()

    def claim(self, job: str, slot: datetime) -> bool:
        with self._lock:
            fresh = (job, slot) not in self._slots
            if fresh:
                self._slots[job, slot] = (self.holder, False)
            return fresh

    def finish(self, firing: Firing) -> None:
        with self._lock:
            self._slots[firing.job, firing.slot] = (self.holder, True)

    def again(self, firing: Firing, at: datetime) -> None:
        with self._lock:
            self._slots[firing.job, firing.slot] = (self.holder, True)
            self.owed[firing.job, firing.slot] = (at, firing.tries + 1)

    def last(self, job: str) -> datetime | None:
        with self._lock:
            return max((slot for name, slot in self._slots if name == job), default=None)

    def left_behind(self) -> list[Firing]:
        with self._lock:
            taken = []
            for (job, slot), (holder, done) in sorted(self._slots.items()):
                if done or holder not in self.gone:
                    continue
                last = max(other for name, other in self._slots if name == job)
                self._slots[job, slot] = (self.holder, slot != last)
                if slot == last:
                    taken.append(Firing(job, slot))
            return taken

    def due_again(self) -> list[Firing]:
        with self._lock:
            now = None if self._clock is None else self._clock()
            due = [key for key, (at, _) in sorted(self.owed.items()) if now is not None and at <= now]
            taken = []
            for job, slot in due:
                _, tries = self.owed.pop((job, slot))
                if slot == max(other for name, other in self._slots if name == job):
                    self._slots[job, slot] = (self.holder, False)
                    taken.append(Firing(job, slot, tries))
            return taken

    def open(self) -> list[Firing]:
        """Claimed and not finished."""
        with self._lock:
            return [Firing(*key) for key, (_, done) in sorted(self._slots.items()) if not done]
