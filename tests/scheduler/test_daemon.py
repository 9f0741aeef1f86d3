"""The daemon: what is due is run once, what was missed is made up for once, and it comes to rest when told."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from scheduler.daemon import PAUSES, Daemon, Ticker, Work
from scheduler.fakes import FakeSlots
from scheduler.slots import Firing
from scheduler.triggers import Every, Trigger
from tests.clocks import SetClock

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


class On:
    """A slot at every full hour."""

    def next(self, after: datetime) -> datetime:
        return after.replace(minute=0, second=0, microsecond=0) + HOUR


class House:
    """Daemons that tick when the test says so; their runs are noted. `hold` keeps runs from ending."""

    def __init__(self) -> None:
        self.clock = SetClock(START + timedelta(minutes=5))
        self.ran: list[Firing] = []
        self.failed: list[Exception] = []
        self.work: Work = "done"
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()
        self.daemons: list[Daemon] = []

    def run(self, firing: Firing) -> Work:
        self.ran.append(firing)
        self.began.set()
        self.go.wait(10)
        return self.work

    def daemon(
        self,
        book: FakeSlots,
        *jobs: str,
        patient: tuple[str, ...] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> Daemon:
        made = Daemon(book, self.run, clock=self.clock, limit=4, beat=beat, failed=self.failed.append)
        triggers: dict[str, Trigger] = {job: On() for job in jobs}
        made.follow(triggers, patient=patient)
        self.daemons.append(made)
        return made

    def rest(self) -> None:
        """Until all runs have ended; then the daemons do."""
        for one in self.daemons:
            idle(one)
            one.stop(within=10)
        self.daemons.clear()


def idle(daemon: Daemon) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if not daemon.at_work:
            return
        pause.wait(0.01)
    pytest.fail(f"still at work: {daemon.at_work}")


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.go.set()
    made.rest()


def test_a_job_that_never_ran_is_due_at_once_unless_it_is_patient(house: House) -> None:
    house.daemon(FakeSlots(), "crm", "audit", patient=("audit",)).tick()
    house.rest()

    assert house.ran == [Firing("crm", START)]


def test_what_was_missed_while_nobody_ran_is_made_up_for_once(house: House) -> None:
    book = FakeSlots()
    house.daemon(book, "crm", "audit", patient=("audit",)).tick()
    house.rest()
    house.clock.forward(seconds=5 * 3600)
    house.daemon(book, "crm", "audit", patient=("audit",)).tick()
    house.rest()
    house.clock.forward(seconds=3 * 3600)

    house.daemon(book, "crm").tick()
    house.rest()

    assert house.ran == [Firing("crm", START + HOUR * hours) for hours in (0, 5, 8)]


def test_a_patient_job_is_made_up_for_once_it_has_run_before(house: House) -> None:
    book = FakeSlots()
    book.finish(Firing("audit", START - HOUR * 9))

    house.daemon(book, "audit", patient=("audit",)).tick()
    house.rest()

    assert house.ran == [Firing("audit", START)]


def test_two_daemons_run_a_slot_once(house: House) -> None:
    first = FakeSlots("a")
    daemons = [house.daemon(first, "crm", "cem"), house.daemon(FakeSlots("b", beside=first), "crm", "cem")]

    for _ in range(3):
        for one in daemons:
            one.tick()
        house.clock.forward(seconds=3600)
    house.rest()

    assert len(house.ran) == len(set(house.ran))
    assert {job for job, *_ in house.ran} == {"crm", "cem"}


def test_a_job_never_runs_beside_itself_and_the_slot_it_slept_through_is_done_with(house: House) -> None:
    book = FakeSlots()
    house.go.clear()
    daemon = house.daemon(book, "crm")
    daemon.tick()
    house.began.wait(10)
    assert daemon.at_work == ["crm"]

    house.clock.forward(seconds=3600)
    daemon.tick()
    house.go.set()
    house.rest()

    assert house.ran == [Firing("crm", START)]
    assert book.open() == []


def test_the_slot_of_a_daemon_that_died_is_taken_over(house: House) -> None:
    dead = FakeSlots("dead")
    dead.claim("crm", START)
    mine = FakeSlots("mine", beside=dead)
    daemon = house.daemon(mine, "crm")
    daemon.beat()
    assert house.ran == []

    dead.gone.add("dead")
    daemon.beat()
    daemon.beat()
    house.rest()

    assert house.ran == [Firing("crm", START)]
    assert mine.open() == []


def test_of_several_slots_that_a_dead_daemon_left_the_last_alone_is_run(house: House) -> None:
    dead = FakeSlots("dead")
    for hours in (2, 1, 0):
        dead.claim("crm", START - HOUR * hours)
    dead.gone.add("dead")

    house.daemon(FakeSlots("mine", beside=dead), "crm").beat()
    house.rest()

    assert house.ran == [Firing("crm", START)]
    assert dead.open() == []


def test_what_was_stopped_is_left_for_the_next(house: House) -> None:
    book = FakeSlots()
    house.work = "left"

    house.daemon(book, "crm").tick()
    house.rest()

    assert book.open() == [Firing("crm", START)]


def test_a_book_that_cannot_be_reached_is_told_and_asked_again(house: House) -> None:
    class Away(FakeSlots):
        away = True

        def claim(self, job: str, slot: datetime) -> bool:
            if self.away:
                raise OSError("connection refused")
            return super().claim(job, slot)

    book = Away()
    daemon = house.daemon(book, "crm")
    daemon.tick()
    assert [str(error) for error in house.failed] == ["connection refused"]
    book.away = False

    daemon.beat()
    house.rest()

    assert house.ran == [Firing("crm", START)]


def test_a_run_that_breaks_is_to_be_tried_again_and_the_next_slot_comes(house: House) -> None:
    book = FakeSlots()
    failures: list[Firing] = []

    def run(firing: Firing) -> Work:
        failures.append(firing)
        raise ValueError("x")

    daemon = Daemon(book, run, clock=house.clock, limit=1, failed=house.failed.append)
    daemon.follow({"crm": On()})
    daemon.tick()
    idle(daemon)
    assert book.owed == {("crm", START): (house.clock() + timedelta(seconds=PAUSES[0]), 1)}
    house.clock.forward(seconds=3600)
    daemon.tick()
    idle(daemon)
    daemon.stop(within=10)

    assert failures == [Firing("crm", START), Firing("crm", START + HOUR)]
    assert book.open() == []
    assert [str(error) for error in house.failed] == ["x", "x"]


def test_stopping_starts_nothing_more_and_names_what_does_not_end(house: House) -> None:
    house.go.clear()
    daemon = house.daemon(FakeSlots(), "crm")
    daemon.tick()
    house.began.wait(10)

    assert daemon.stop(within=0) == ["crm"]
    house.clock.forward(seconds=3600)
    daemon.tick()
    daemon.beat()
    house.go.set()

    assert daemon.stop(within=10) == []
    assert len(house.ran) == 1


def test_what_waits_for_a_thread_when_told_to_stop_is_not_begun(house: House) -> None:
    book = FakeSlots()
    house.go.clear()
    daemon = Daemon(book, house.run, clock=house.clock, limit=1)
    daemon.follow({"a": On(), "b": On()})
    daemon.tick()
    house.began.wait(10)

    daemon.stop(within=0)
    house.go.set()
    daemon.stop(within=10)

    assert [firing.job for firing in house.ran] == ["a"]
    assert book.open() == [Firing("b", START)]


def test_another_timetable_takes_over_where_the_last_one_stood(house: House) -> None:
    book = FakeSlots()
    daemon = house.daemon(book, "crm")
    daemon.tick()

    daemon.follow({"crm": On(), "cem": On()})
    daemon.tick()
    house.rest()

    assert sorted(house.ran) == [Firing("cem", START), Firing("crm", START)]


def test_the_ticker_ticks_at_slots_of_the_real_clock_and_follows_another_timetable() -> None:
    ticked = threading.Semaphore(0)
    ticker = Ticker(lambda: ticked.release(), lambda: None)
    never = Every(timedelta(days=4000), name="never")
    ticker.follow({"never": never})
    ticker.start()

    assert not ticked.acquire(timeout=0.05)
    ticker.follow({"often": Every(timedelta(seconds=1), name="often")})

    assert all(ticked.acquire(timeout=20) for _ in range(2))
    ticker.stop()


def test_while_a_daemon_ticks_it_beats(house: House) -> None:
    beaten = threading.Event()
    daemon = house.daemon(FakeSlots(), "crm", beat=beaten.set)

    daemon.start()

    assert beaten.wait(10)
    house.rest()
    assert house.ran == [Firing("crm", START)]


def test_what_failed_is_tried_again_after_longer_and_longer_pauses_until_its_next_slot(house: House) -> None:
    book = FakeSlots(clock=house.clock)
    daemon = house.daemon(book, "crm")
    house.work = "again"
    daemon.tick()
    idle(daemon)
    began = house.clock()
    tried: list[float] = []
    while house.clock() < START + HOUR:
        daemon.beat()
        idle(daemon)
        if len(house.ran) > len(tried) + 1:
            tried.append((house.clock() - began).total_seconds())
        house.clock.forward(seconds=15)

    assert tried == list(accumulate(PAUSES))
    assert house.ran == [Firing("crm", START, tries) for tries in range(6)]
    house.work = "done"
    daemon.beat()
    idle(daemon)
    house.clock.forward(seconds=1800)
    daemon.beat()
    idle(daemon)
    assert house.ran[6:] == [Firing("crm", START + HOUR)]


def test_what_failed_is_tried_again_by_one_daemon_and_by_another_one_after_a_restart(house: House) -> None:
    book = FakeSlots("a", clock=house.clock)
    house.work = "again"
    house.daemon(book, "crm").tick()
    house.rest()
    others = [house.daemon(FakeSlots(name, beside=book, clock=house.clock), "crm") for name in "bc"]
    house.clock.forward(seconds=PAUSES[0])
    house.work = "done"

    for one in others * 2:
        one.beat()

    house.rest()
    assert house.ran == [Firing("crm", START), Firing("crm", START, 1)]
    assert book.open() == []


def test_what_became_of_a_slot_is_noted_once_the_book_can_be_reached(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = FakeSlots(clock=house.clock)
    daemon = house.daemon(book, "crm")

    def away(_firing: Firing) -> None:
        raise OSError("the store is away")

    monkeypatch.setattr(book, "finish", away)
    daemon.tick()
    idle(daemon)
    assert book.open() == [Firing("crm", START)]
    monkeypatch.undo()

    daemon.beat()

    assert book.open() == []
    assert [type(one) for one in house.failed] == [OSError]
