"""Jobs side by side: bounded, each under its lease, none stopping another."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from scheduler.fakes import FakeLeases
from scheduler.leases import Lease, LeaseLost
from scheduler.workers import RENEWALS_PER_LEASE, Ended, Job, Renewer, Stopped, Turn, run_jobs
from tests.clocks import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 24, 8, tzinfo=UTC))


@pytest.fixture
def book(clock: SetClock) -> FakeLeases:
    return FakeLeases(clock)


def run(book: FakeLeases, *jobs: Job, limit: int = 4, **more: Any) -> list[Ended]:
    return run_jobs(jobs, book=book, holder="me", limit=limit, **{"stop": threading.Event(), **more})


def states(ended: list[Ended]) -> dict[str, str]:
    return {one.name: one.state for one in ended}


def test_all_jobs_run_and_answer_in_their_order(book: FakeLeases) -> None:
    ended = run(book, *(Job(f"job-{n}", lambda turn: turn.lease.name.upper()) for n in range(6)))

    assert [one.name for one in ended] == [f"job-{n}" for n in range(6)]
    assert [one.result for one in ended] == [f"JOB-{n}" for n in range(6)]


def test_no_jobs_is_no_work(book: FakeLeases) -> None:
    assert run(book) == []


def test_a_failure_stops_no_other(book: FakeLeases) -> None:
    fault = ValueError("page 3")

    def broken(_turn: Turn) -> None:
        raise fault

    ended = run(book, Job("a", broken), Job("b", lambda _turn: 1), Job("c", lambda _turn: 2), limit=1)

    assert states(ended) == {"a": "failed", "b": "done", "c": "done"}
    assert ended[0].error is fault


def test_no_more_than_the_limit_run_at_once(book: FakeLeases) -> None:
    lock = threading.Lock()
    running = most = 0
    pair = threading.Barrier(2)

    def job(_turn: Turn) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pair.wait(10)  # passes only if two run side by side
        with lock:
            running -= 1

    run(book, *(Job(f"job-{n}", job) for n in range(6)), limit=2)

    assert most == 2


def test_a_job_that_another_process_holds_is_left_alone(book: FakeLeases) -> None:
    book.acquire("a", holder="another", seconds=60)
    ran: list[str] = []

    ended = run(book, Job("a", lambda _turn: ran.append("a")), Job("b", lambda _turn: ran.append("b")))

    assert states(ended) == {"a": "busy", "b": "done"}
    assert ran == ["b"]


def test_a_patient_job_waits_for_a_lease_that_another_process_gives_back(book: FakeLeases) -> None:
    book.acquire("a", holder="another", seconds=60)
    asked: list[str] = []

    class Watched(FakeLeases):
        def acquire(self, name: str, *, holder: str, seconds: float) -> Lease | None:
            asked.append(name)
            if len(asked) == 2:
                book.release(Lease("a", 1))
            return book.acquire(name, holder=holder, seconds=seconds)

    watched = Watched(lambda: datetime(2026, 11, 24, 8, tzinfo=UTC))

    assert states(run(watched, Job("a", lambda _turn: None), patience=30)) == {"a": "done"}
    assert len(asked) == 2


def test_patience_ends_with_the_program(book: FakeLeases) -> None:
    book.acquire("a", holder="another", seconds=60)
    stop = threading.Event()
    timer = threading.Timer(0.05, stop.set)
    timer.start()

    assert states(run(book, Job("a", lambda _turn: None), patience=3600, stop=stop)) == {"a": "stopped"}
    timer.join()


def test_leases_are_given_back_however_a_job_ends(book: FakeLeases) -> None:
    def broken(_turn: Turn) -> None:
        raise ValueError

    run(book, Job("a", broken), Job("b", lambda _turn: None))

    assert book.acquire("a", holder="next", seconds=60) == Lease("a", 2)
    assert book.acquire("b", holder="next", seconds=60) == Lease("b", 2)


def test_stopping_ends_what_runs_at_its_next_check_and_starts_nothing(book: FakeLeases) -> None:
    stop = threading.Event()
    pages: list[int] = []

    def job(turn: Turn) -> None:
        for page in range(5):
            turn.check()
            pages.append(page)
            if page == 1:
                stop.set()

    ended = run(book, Job("a", job), Job("b", job), limit=1, stop=stop)

    assert states(ended) == {"a": "stopped", "b": "stopped"}
    assert pages == [0, 1]


def test_an_interrupt_lets_jobs_come_to_rest_and_goes_on(book: FakeLeases) -> None:
    rested = threading.Event()
    started = threading.Event()
    stop = threading.Event()

    def long(turn: Turn) -> None:
        started.set()
        stop.wait(10)
        try:
            turn.check()
        except Stopped:
            rested.set()
            raise

    def interrupt(_ended: Ended) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(book, Job("a", long), Job("b", lambda _turn: started.wait(10)), stop=stop, on_end=interrupt)

    assert rested.is_set()
    assert book.acquire("a", holder="next", seconds=60) is not None


def test_each_end_is_told_at_once(book: FakeLeases) -> None:
    told = threading.Event()
    seen: list[str] = []

    def on_end(ended: Ended) -> None:
        seen.append(ended.name)
        told.set()

    run(book, Job("slow", lambda _turn: told.wait(10)), Job("quick", lambda _turn: None), on_end=on_end)

    assert seen == ["quick", "slow"]


def test_a_taken_lease_stops_the_job_at_its_next_check(book: FakeLeases, clock: SetClock) -> None:
    renewer = Renewer(book, seconds=60)
    lease = book.acquire("a", holder="me", seconds=60)
    assert lease is not None
    turn = Turn(lease, threading.Event())
    renewer.add(turn)
    clock.forward(seconds=61)
    book.acquire("a", holder="another", seconds=60)

    turn.check()
    renewer.beat()

    with pytest.raises(LeaseLost):
        turn.check()


def test_the_fence_stops_a_job_in_the_middle(book: FakeLeases) -> None:
    def job(turn: Turn) -> None:
        raise LeaseLost(turn.lease)

    assert states(run(book, Job("a", job))) == {"a": "lost"}


def test_renewing_keeps_a_long_job(book: FakeLeases, clock: SetClock) -> None:
    renewer = Renewer(book, seconds=60)
    lease = book.acquire("a", holder="me", seconds=60)
    assert lease is not None
    turn = Turn(lease, threading.Event())
    renewer.add(turn)

    for _ in range(10):
        clock.forward(seconds=50)
        renewer.beat()
        turn.check()

    assert book.acquire("a", holder="another", seconds=60) is None


def test_after_its_end_a_job_is_renewed_no_more(book: FakeLeases, clock: SetClock) -> None:
    renewer = Renewer(book, seconds=60)
    lease = book.acquire("a", holder="me", seconds=60)
    assert lease is not None
    turn = Turn(lease, threading.Event())
    renewer.add(turn)
    renewer.remove(turn)
    clock.forward(seconds=61)

    renewer.beat()

    assert book.acquire("a", holder="another", seconds=60) is not None


class Unreachable(FakeLeases):
    """A store that is away for some renewals."""

    def __init__(self, clock: Callable[[], datetime], away: int) -> None:
        super().__init__(clock)
        self.away = away

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        self.away -= 1
        if self.away >= 0:
            raise OSError("connection refused")
        return super().renew(lease, seconds=seconds)


@pytest.mark.parametrize(("away", "lost"), [(RENEWALS_PER_LEASE - 1, False), (RENEWALS_PER_LEASE, True)])
def test_a_store_that_is_away_costs_the_lease_only_when_it_stays_away(clock: SetClock, away: int, lost: bool) -> None:
    book = Unreachable(clock, away)
    renewer = Renewer(book, seconds=60)
    lease = book.acquire("a", holder="me", seconds=60)
    assert lease is not None
    turn = Turn(lease, threading.Event())
    renewer.add(turn)

    for _ in range(RENEWALS_PER_LEASE):
        renewer.beat()

    if lost:
        with pytest.raises(LeaseLost):
            turn.check()
    else:
        turn.check()


def test_the_renewer_beats_several_times_a_lease_until_told(book: FakeLeases) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 4

    Renewer(book, seconds=60).run(pause)

    assert pauses == [20.0] * 4


def test_a_store_that_cannot_be_reached_fails_the_job_alone(clock: SetClock) -> None:
    class Closed(FakeLeases):
        def acquire(self, name: str, *, holder: str, seconds: float) -> Lease | None:
            if name == "a":
                raise OSError("connection refused")
            return super().acquire(name, holder=holder, seconds=seconds)

    ended = run(Closed(clock), Job("a", lambda _turn: None), Job("b", lambda _turn: None))

    assert states(ended) == {"a": "failed", "b": "done"}
