"""Run named jobs side by side, each under its lease.

One thread per job, a bounded number at a time; one more renews the leases of those that run. A job that
lost its lease is told so at its next `check`, and the fence keeps it from committing in between. A job that
fails stops no other. Stopping is asking: a job ends at its next `check`, where it is whole.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from scheduler.leases import Lease, LeaseBook, LeaseLost

RENEWALS_PER_LEASE: Final = 3
_ASK_EVERY: Final = 0.5  # seconds between two tries for a lease that another process holds


class Stopped(Exception):  # noqa: N818 - nobody made an error
    """The program is ending; the job goes on next time from where it stands."""


class Turn:
    """What a job holds while it runs. Call `check` wherever the work is whole, before each page for instance."""

    def __init__(self, lease: Lease, stop: threading.Event) -> None:
        self.lease = lease
        self._stop = stop
        self._lost = threading.Event()

    def check(self) -> None:
        if self._lost.is_set():
            raise LeaseLost(self.lease)
        if self._stop.is_set():
            raise Stopped(self.lease.name)

    def lose(self) -> None:
        self._lost.set()


class Job(NamedTuple):
    """`name` is the name of its lease as well."""

    name: str
    run: Callable[[Turn], Any]


class Ended(Struct, frozen=True, kw_only=True):
    """How a job ended. busy: another process has its lease; stopped: told to, before or while it ran."""

    name: str
    state: Literal["done", "failed", "busy", "lost", "stopped"]
    result: Any = None
    error: Exception | None = None


class Renewer:
    """Keeps leases while their jobs run. `beat` renews all of them once."""

    def __init__(self, book: LeaseBook, *, seconds: float) -> None:
        self._book = book
        self._seconds = seconds
        self._turns: dict[str, Turn] = {}
        self._missed: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, turn: Turn) -> None:
        with self._lock:
            self._turns[turn.lease.name] = turn
            self._missed[turn.lease.name] = 0

    def remove(self, turn: Turn) -> None:
        with self._lock:
            self._turns.pop(turn.lease.name, None)

    def beat(self) -> None:
        with self._lock:
            turns = list(self._turns.values())
        for turn in turns:
            name = turn.lease.name
            try:
                held = self._book.renew(turn.lease, seconds=self._seconds)
            except Exception:  # the store cannot be reached: it may come back before the lease runs out
                self._missed[name] += 1
                held = self._missed[name] < RENEWALS_PER_LEASE
            else:
                self._missed[name] = 0
            if not held:
                turn.lose()

    def run(self, pause: Callable[[float], bool]) -> None:
        """Beat until `pause`, which waits that many seconds, says True."""
        while not pause(self._seconds / RENEWALS_PER_LEASE):
            self.beat()


def run_jobs(
    jobs: Sequence[Job],
    *,
    book: LeaseBook,
    holder: str,
    limit: int,
    stop: threading.Event,
    seconds: float = 60,
    patience: float = 0,
    on_end: Callable[[Ended], None] = lambda _ended: None,
) -> list[Ended]:
    """Run all jobs, at most `limit` at once; how each ended, in their order.

    A job waits `patience` seconds for a lease that another process holds before it is busy.

    `on_end` is called in the caller's thread as each job ends. Set `stop` to end early; Ctrl-C does, and goes on
    to the caller when every job has come to rest.
    """
    renewer = Renewer(book, seconds=seconds)
    finished = threading.Event()
    beating = threading.Thread(target=renewer.run, args=(finished.wait,), name="lease-renewal")
    beating.start()
    ended: dict[int, Ended] = {}
    try:
        with ThreadPoolExecutor(max_workers=max(1, limit), thread_name_prefix="job") as pool:
            futures: dict[Future[Ended], int] = {
                pool.submit(_run, job, book, holder, seconds, patience, renewer, stop): place
                for place, job in enumerate(jobs)
            }
            try:
                while futures:
                    done, _ = wait(futures, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=futures.__getitem__):
                        one = future.result()
                        ended[futures.pop(future)] = one
                        on_end(one)
            except BaseException:
                stop.set()
                raise
    finally:
        finished.set()
        beating.join()
    return [ended[place] for place in sorted(ended)]


def _run(
    job: Job,
    book: LeaseBook,
    holder: str,
    seconds: float,
    patience: float,
    renewer: Renewer,
    stop: threading.Event,
) -> Ended:
    """One job, in its thread. Whatever goes wrong is an answer, never an exception."""
    if stop.is_set():
        return Ended(name=job.name, state="stopped")
    try:
        lease = book.acquire(job.name, holder=holder, seconds=seconds)
        while lease is None and patience > 0 and not stop.wait(_ASK_EVERY):
            patience -= _ASK_EVERY
            lease = book.acquire(job.name, holder=holder, seconds=seconds)
    except Exception as error:
        return Ended(name=job.name, state="failed", error=error)
    if lease is None:
        return Ended(name=job.name, state="stopped" if stop.is_set() else "busy")
    turn = Turn(lease, stop)
    renewer.add(turn)
    try:
        return Ended(name=job.name, state="done", result=job.run(turn))
    except LeaseLost as error:
        return Ended(name=job.name, state="lost", error=error)
    except Stopped:
        return Ended(name=job.name, state="stopped")
    except Exception as error:
        return Ended(name=job.name, state="failed", error=error)
    finally:
        renewer.remove(turn)
        _give_back(book, lease)


def _give_back(book: LeaseBook, lease: Lease) -> None:
    try:
        book.release(lease)
    except Exception:  # it runs out by itself; how the job ended matters more
        return
