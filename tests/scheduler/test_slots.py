"""A timetable fires each slot once, in whichever process."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.fakes import FakeSlots
from scheduler.slots import Firing, Timetable, last_slot
from scheduler.triggers import Every, Trigger

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Once:
    """A trigger with one slot."""

    def __init__(self, slot: datetime) -> None:
        self._slot = slot

    def next(self, after: datetime) -> datetime | None:
        return self._slot if after < self._slot else None


def timetable(book: FakeSlots, **triggers: Trigger) -> Timetable:
    return Timetable(triggers, book, since=dict.fromkeys(triggers, START))


def test_a_slot_fires_when_its_time_has_come() -> None:
    table = timetable(FakeSlots(), a=Once(START + HOUR))

    assert table.next() == START + HOUR
    assert table.due(START + HOUR / 2) == []
    assert table.due(START + HOUR) == [Firing("a", START + HOUR)]
    assert table.due(START + HOUR * 2) == []
    assert table.next() is None


def test_two_processes_fire_a_slot_once() -> None:
    book = FakeSlots()
    tables = [timetable(book, a=Every(HOUR, name="a"), b=Every(HOUR, name="b")) for _ in range(2)]

    fired = [firing for table in tables for firing in table.due(START + HOUR)]

    assert sorted(firing.job for firing in fired) == ["a", "b"]


def test_what_was_slept_through_is_made_up_for_once() -> None:
    trigger = Every(HOUR, name="a")
    table = timetable(FakeSlots(), a=trigger)

    fired = table.due(START + HOUR * 10)

    assert len(fired) == 1
    assert START + HOUR * 9 < fired[0].slot <= START + HOUR * 10
    assert table.due(START + HOUR * 10) == []
    assert table.next() == fired[0].slot + HOUR


def test_an_empty_timetable_never_wakes() -> None:
    assert timetable(FakeSlots()).next() is None


@pytest.mark.parametrize("back", [timedelta(0), HOUR / 2, HOUR, HOUR * 30, HOUR * 24 * 200])
def test_the_last_slot_is_found_however_far_back_one_looks(back: timedelta) -> None:
    trigger = Every(HOUR, name="a")
    expected = START
    while trigger.next(expected) <= START + HOUR:
        expected = trigger.next(expected)

    assert last_slot(trigger, after=START - back, until=START + HOUR) == expected


def test_a_slot_long_ago_is_found_and_one_before_the_bound_is_not() -> None:
    trigger = Once(START - timedelta(days=90))

    assert last_slot(trigger, after=START - timedelta(days=91), until=START) == START - timedelta(days=90)
    assert last_slot(trigger, after=START - timedelta(days=90), until=START) is None


def test_a_book_that_cannot_be_reached_is_asked_again() -> None:
    class Away(FakeSlots):
        away = True

        def claim(self, job: str, slot: datetime) -> bool:
            if self.away:
                raise OSError("connection refused")
            return super().claim(job, slot)

    book = Away()
    table = timetable(book, a=Once(START + HOUR))
    with pytest.raises(OSError, match="refused"):
        table.due(START + HOUR)
    book.away = False

    assert table.due(START + HOUR) == [Firing("a", START + HOUR)]
