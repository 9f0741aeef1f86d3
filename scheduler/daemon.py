"""The daemon: runs jobs at their slots, each in a thread of its own, and comes to rest when it is told to.

APScheduler is the ticker: it keeps the next slot of every job in memory and wakes the daemon there. What is run is
decided by the timetable and the slot book alone, so a tick too many, too late or in several processes changes nothing.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from apscheduler.executors.pool import ThreadPoolExecutor as TickExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from scheduler.slots import Firing, SlotBook, Timetable
from scheduler.triggers import Trigger

BEAT_SECONDS: Final = 15.0
# After how many seconds what failed is tried again, the first time, the second, ...; from then on as after the last.
PAUSES: Final = (60, 120, 300, 600, 1800)
_LONG_AGO: Final = timedelta(days=400)  # no schedule has slots further apart that anybody would want made up for

# What became of a slot. again: it failed in a way that time may mend; left: the program ends, the next one has it.
Work: TypeAlias = Literal["done", "again", "left"]

_log = logging.getLogger(__name__)


class Daemon:
    """Runs `run` for every firing, at most `limit` side by side and never two of one job.

    `run` says what became of the work. What is to be done again is tried in a minute, then after longer and longer
    pauses, until the next slot takes its place.
    `beat` is called several times a minute: what else has to be looked after goes there. `failed` is told what goes
    wrong besides, a book that cannot be reached for instance; the next tick tries again.
    """

    def __init__(
        self,
        book: SlotBook,
        run: Callable[[Firing], Work],
        *,
        clock: Callable[[], datetime],
        limit: int,
        beat: Callable[[], None] = lambda: None,
        failed: Callable[[Exception], None] = lambda error: _log.error("a tick failed", exc_info=error),
    ) -> None:
        self._book = book
        self._run = run
        self._clock = clock
        self._beat = beat
        self._failed = failed
        self._lock = threading.RLock()
        self._table = Timetable({}, book, since={})
        self._running: dict[str, Future[None]] = {}
        self._unnoted: dict[Firing, Work] = {}  # what became of slots while the book could not be reached
        self._stopping = False
        self._pool = ThreadPoolExecutor(max_workers=max(1, limit), thread_name_prefix="run")
        self._ticker = Ticker(self.tick, self.beat)

    def start(self) -> None:
        """Begin to tick. What was missed is made up for at once."""
        self._ticker.start()
        self.beat()

    def follow(self, triggers: Mapping[str, Trigger], *, patient: Collection[str] = ()) -> None:
        """Run by this timetable from now on. A job that never ran is due at once, but for those in `patient`."""
        now = self._clock()
        since = {job: self._book.last(job) or (now if job in patient else now - _LONG_AGO) for job in triggers}
        with self._lock:
            self._table = Timetable(triggers, self._book, since=since)
        self._ticker.follow(triggers)

    def tick(self) -> None:
        """Start what is due."""
        self._start_all(lambda: self._table.due(self._clock()))

    def beat(self) -> None:
        """Say that it lives, make up for what others have left behind, and look whether anything is due."""
        self._beat()
        self._note_all()
        self._start_all(self._book.left_behind)
        self._start_all(self._book.due_again)
        self.tick()

    @property
    def at_work(self) -> list[str]:
        """The jobs that run now, or wait for a thread."""
        with self._lock:
            return sorted(self._running)

    def stop(self, *, within: float) -> list[str]:
        """Start nothing more, and wait so many seconds for what runs; the jobs that have not ended by then."""
        with self._lock:
            self._stopping = True
            running = list(self._running.values())
        self._ticker.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait([one for one in running if not one.cancelled()], timeout=within)
        return self.at_work

    def _start_all(self, look: Callable[[], Sequence[Firing]]) -> None:
        with self._lock:
            if self._stopping:
                return
            try:
                for firing in look():
                    self._start(firing)
            except Exception as error:  # a boundary: what cannot be looked up now is looked up again
                self._failed(error)

    def _start(self, firing: Firing) -> None:
        if firing.job in self._running:
            # It takes longer than its interval: what it would find now, the next slot finds.
            self._book.finish(firing)
            return
        future = self._pool.submit(self._work, firing)
        self._running[firing.job] = future
        future.add_done_callback(lambda _future: self._ended(firing.job))

    def _ended(self, job: str) -> None:
        with self._lock:
            self._running.pop(job, None)

    def _work(self, firing: Firing) -> None:
        work: Work = "again"
        try:
            work = self._run(firing)
        except Exception as error:  # a boundary: the next slot comes whatever happened to this one
            self._failed(error)
        try:
            self._note(firing, work)
        except Exception as error:  # as above
            self._failed(error)
            with self._lock:
                self._unnoted[firing] = work

    def _note(self, firing: Firing, work: Work) -> None:
        if work == "done":
            self._book.finish(firing)
        elif work == "again":
            pause = PAUSES[min(firing.tries, len(PAUSES) - 1)]
            self._book.again(firing, self._clock() + timedelta(seconds=pause))

    def _note_all(self) -> None:
        """What could not be noted when it was time."""
        with self._lock:
            try:
                while self._unnoted:
                    self._note(*next(iter(self._unnoted.items())))
                    del self._unnoted[next(iter(self._unnoted))]
            except Exception as error:  # as above
                self._failed(error)


class Ticker:
    """Calls `tick` at every slot of a timetable and `beat` every few seconds."""

    def __init__(self, tick: Callable[[], None], beat: Callable[[], None]) -> None:
        self._tick = tick
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={name: TickExecutor(max_workers=1) for name in ("default", "beat")},
            # What is late is run, however late, and once: by default it is forgotten after a second.
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._scheduler.add_job(beat, IntervalTrigger(seconds=BEAT_SECONDS, timezone=UTC), id="beat", executor="beat")

    def follow(self, triggers: Mapping[str, Trigger]) -> None:
        for job in self._scheduler.get_jobs():
            if job.id != "beat":
                job.remove()
        for name, trigger in triggers.items():
            self._scheduler.add_job(self._tick, _Slots(trigger), id=f"job:{name}")

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


class _Slots(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger of ours, for APScheduler. Slots that have passed are not its business: the timetable knows them."""

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> Any:
        return self._trigger.next(now if previous_fire_time is None else max(previous_fire_time, now))
