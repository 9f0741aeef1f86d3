"""Leases on both databases: one owner at a time, a growing epoch, and a fence against sleepers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.store import dialect as dialect_module
from crosswalk.store.daemons import Presence
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreError
from crosswalk.store.leases import Leases, Slots, fence
from crosswalk.store.opening import in_words
from scheduler.leases import Lease, LeaseLost
from scheduler.slots import Firing
from tests.clocks import SetClock

NAME = "pipedrive/persons"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 24, 8, tzinfo=UTC))


@pytest.fixture
def leases(database: Database, clock: SetClock) -> Leases:
    return Leases(database, clock)


def taken(leases: Leases, holder: str = "a") -> Lease:
    lease = leases.acquire(NAME, holder=holder, seconds=60)
    assert lease is not None
    return lease


def test_a_lease_has_one_owner_until_it_runs_out(leases: Leases, clock: SetClock) -> None:
    taken(leases)

    assert leases.acquire(NAME, holder="b", seconds=60) is None
    assert leases.acquire("typeform/responses", holder="b", seconds=60) is not None
    clock.forward(seconds=60)
    assert leases.holder(NAME) is None
    assert taken(leases, "b").epoch == 2
    assert leases.holder(NAME) == "b"


def test_every_owner_has_a_higher_epoch_release_or_not(leases: Leases, clock: SetClock) -> None:
    epochs = []
    for turn in range(4):
        lease = taken(leases)
        epochs.append(lease.epoch)
        if turn % 2:
            leases.release(lease)
        else:
            clock.forward(seconds=61)

    assert epochs == [1, 2, 3, 4]


def test_renewing_holds_it_longer(leases: Leases, clock: SetClock) -> None:
    lease = taken(leases)
    clock.forward(seconds=59)

    assert leases.renew(lease, seconds=60)

    clock.forward(seconds=59)
    assert leases.acquire(NAME, holder="b", seconds=60) is None


def test_one_that_ran_out_untaken_can_be_renewed(leases: Leases, clock: SetClock) -> None:
    lease = taken(leases)
    clock.forward(seconds=90)

    assert leases.renew(lease, seconds=60)
    assert leases.acquire(NAME, holder="b", seconds=60) is None


def test_a_lost_lease_can_be_neither_renewed_nor_released(leases: Leases, clock: SetClock) -> None:
    old = taken(leases)
    clock.forward(seconds=61)
    new = taken(leases, "b")

    leases.release(old)

    assert not leases.renew(old, seconds=60)
    assert leases.acquire(NAME, holder="c", seconds=60) is None
    assert leases.renew(new, seconds=60)


def test_a_released_lease_cannot_be_renewed(leases: Leases) -> None:
    lease = taken(leases)
    leases.release(lease)

    assert not leases.renew(lease, seconds=60)


def test_the_fence_lets_the_owner_commit(database: Database, leases: Leases, clock: SetClock) -> None:
    lease = taken(leases)
    clock.forward(seconds=61)  # ran out, but nobody took it

    with database.write() as connection:
        fence(database, connection, lease)
        database.insert(connection, "meta", ("name", "value"), [("work", b"done")])

    with database.read() as connection:
        assert database.run(connection, "SELECT value FROM meta WHERE name = 'work'").scalar() == b"done"


@pytest.mark.parametrize("released", [True, False])
def test_the_fence_undoes_what_a_sleeper_wrote(
    database: Database, leases: Leases, clock: SetClock, released: bool
) -> None:
    lease = taken(leases)
    if released:
        leases.release(lease)
    else:
        clock.forward(seconds=61)
        taken(leases, "b")

    with pytest.raises(LeaseLost) as lost:
        _commit_something(database, lease)

    assert lost.value.lease == lease
    with database.read() as connection:
        assert database.run(connection, "SELECT count(*) FROM meta").scalar() == 0


def _commit_something(database: Database, lease: Lease) -> None:
    with database.write() as connection:
        database.insert(connection, "meta", ("name", "value"), [("work", b"done")])
        fence(database, connection, lease)


def test_a_taker_waits_for_the_commit_under_the_fence(database: Database, clock: SetClock) -> None:
    """Between the fence and the commit nobody may become the owner."""
    lease = taken(Leases(database, clock))
    clock.forward(seconds=61)
    order: list[str] = []
    asking = threading.Event()

    def take() -> None:
        asking.set()
        Leases(database, clock).acquire(NAME, holder="b", seconds=60)
        order.append("taken")

    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            fence(database, connection, lease)
            pending = pool.submit(take)
            asking.wait(5)
            if database.dialect == "postgresql":
                _await_waiter(database)
            order.append("committed")
        pending.result(10)

    assert order == ["committed", "taken"]


def _await_waiter(database: Database) -> None:
    """Return when PostgreSQL shows somebody waiting for a lock."""
    for _ in range(500):
        with database.read() as connection:
            if database.run(connection, "SELECT count(*) FROM pg_locks WHERE NOT granted").scalar():
                return
            database.run(connection, "SELECT pg_sleep(0.01)")
    pytest.fail("nobody waits")


def test_many_ask_one_gets_it(database: Database, clock: SetClock) -> None:
    books = [Leases(database, clock) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda book: book.acquire(NAME, holder="x", seconds=60), books))

    assert [lease for lease in got if lease] == [Lease(NAME, 1)]


def test_a_slot_fires_once(database: Database) -> None:
    slot = datetime(2026, 11, 24, 8, 15, tzinfo=UTC)
    books = [Slots(database) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda book: book.claim(NAME, slot), books))

    assert sum(won) == 1
    assert Slots(database).claim("other", slot)
    assert Slots(database).claim(NAME, slot + timedelta(minutes=15))


def test_old_slots_are_dropped(database: Database) -> None:
    slots = Slots(database)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(40):
        slots.claim(NAME, first + timedelta(days=day))

    with database.read() as connection:
        kept = database.run(connection, "SELECT count(*) FROM slot").scalar()

    assert kept == 31


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_who_stands_still_inside_a_transaction_keeps_nobody_waiting(
    database: Database, leases: Leases, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect_module, "STILL_SECONDS", 0.5)
    frozen = taken(leases)
    clock.forward(seconds=61)

    def stand_still() -> None:
        with in_words(database), database.write() as connection:
            fence(database, connection, frozen)
            # Whoever comes after it waits for the row until the database has ended this transaction, and no longer.
            assert taken(leases, "b").epoch == 2

    with pytest.raises(StoreError, match="stood still"):
        stand_still()

    with pytest.raises(LeaseLost), database.write() as connection:
        fence(database, connection, frozen)


# Slots of daemons that have gone


SLOT = datetime(2026, 11, 24, 8, 15, tzinfo=UTC)


def present(database: Database, clock: SetClock, name: str) -> tuple[Presence, Slots]:
    presence = Presence(database, name, host=name, version="1", clock=clock)
    return presence, Slots(database, holder=name, clock=clock)


def test_the_slot_of_a_living_daemon_is_its_own(database: Database, clock: SetClock) -> None:
    presence, slots = present(database, clock, "a")
    _, other = present(database, clock, "b")
    slots.claim(NAME, SLOT)
    clock.forward(seconds=50)
    presence.beat()
    clock.forward(seconds=50)

    assert other.left_behind() == []


@pytest.mark.parametrize("how", ["silent", "ended"])
def test_the_slot_of_a_daemon_that_has_gone_goes_to_one_other(database: Database, clock: SetClock, how: str) -> None:
    presence, slots = present(database, clock, "a")
    slots.claim(NAME, SLOT)
    clock.forward(seconds=61)
    if how == "ended":
        presence.beat()
        presence.end()
    others = [present(database, clock, f"b{number}")[1] for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        taken = [firing for found in pool.map(lambda book: book.left_behind(), others) for firing in found]

    assert taken == [Firing(NAME, SLOT)]
    assert slots.left_behind() == []


def test_a_slot_that_is_done_with_is_nobodys_to_make_up_for(database: Database, clock: SetClock) -> None:
    _, slots = present(database, clock, "a")
    slots.claim(NAME, SLOT)
    slots.finish(Firing(NAME, SLOT))
    Slots(database).claim("by-no-daemon", SLOT)
    clock.forward(seconds=61)

    assert present(database, clock, "b")[1].left_behind() == []


def test_what_a_later_slot_has_made_up_for_is_closed(database: Database, clock: SetClock) -> None:
    _, slots = present(database, clock, "a")
    slots.claim(NAME, SLOT)
    clock.forward(seconds=61)
    _, other = present(database, clock, "b")
    other.claim(NAME, SLOT + timedelta(minutes=15))

    assert other.left_behind() == []
    with database.read() as connection:
        undone = database.run(connection, "SELECT count(*) FROM slot WHERE done_at IS NULL").scalar()
    assert undone == 1  # its own


def test_a_slot_that_failed_goes_to_one_daemon_when_its_time_has_come(database: Database, clock: SetClock) -> None:
    _, slots = present(database, clock, "a")
    slots.claim(NAME, SLOT)
    slots.again(Firing(NAME, SLOT), clock() + timedelta(seconds=60))
    assert slots.due_again() == slots.left_behind() == []
    clock.forward(seconds=60)
    others = [present(database, clock, f"b{number}")[1] for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        taken = [firing for found in pool.map(lambda book: book.due_again(), others) for firing in found]

    assert taken == [Firing(NAME, SLOT, 1)]
    slots.again(taken[0], clock())
    assert slots.due_again() == [Firing(NAME, SLOT, 2)]
    slots.finish(Firing(NAME, SLOT, 2))
    assert slots.due_again() == []


def test_a_slot_that_failed_is_made_up_for_by_the_next_one(database: Database, clock: SetClock) -> None:
    _, slots = present(database, clock, "a")
    slots.claim(NAME, SLOT)
    slots.again(Firing(NAME, SLOT), clock())
    slots.claim(NAME, SLOT + timedelta(minutes=15))

    assert slots.due_again() == []


def test_the_last_slot_of_a_job_is_remembered(database: Database) -> None:
    slots = Slots(database)
    for minutes in (0, 30, 15):
        slots.claim(NAME, SLOT + timedelta(minutes=minutes))

    assert slots.last(NAME) == SLOT + timedelta(minutes=30)
    assert slots.last("other") is None


def test_a_process_knows_what_it_works_on(database: Database, clock: SetClock) -> None:
    leases = Leases(database, clock)
    leases.acquire("stream:a", holder="me", seconds=60)
    leases.acquire("stream:b", holder="me", seconds=30)
    leases.acquire("stream:c", holder="another", seconds=60)
    clock.forward(seconds=31)

    assert leases.held_by("me") == ["stream:a"]
