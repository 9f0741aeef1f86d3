"""Lists that move while they are read: everything comes, once or more, or an error says that it cannot."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.errors import ShapeError
from connectors.sdk.paging import by_cursor, by_keyset, by_offset, halved, prefetched

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


# By cursor.


def test_cursors_are_followed_over_the_first_parameters() -> None:
    asked: list[dict[str, Any]] = []
    nexts = iter(["b", "c", None])

    def ask(params: Any) -> str:
        asked.append(dict(params))
        return str(params.get("cursor", "a"))

    def follow(_: str) -> dict[str, str] | None:
        cursor = next(nexts)
        return None if cursor is None else {"cursor": cursor}

    assert list(by_cursor(ask, {"limit": 2}, follow, where="x")) == ["a", "b", "c"]
    assert asked == [{"limit": 2}, {"limit": 2, "cursor": "b"}, {"limit": 2, "cursor": "c"}]


@pytest.mark.parametrize("ring", [["b", "b"], ["b", "c", "b"], [None]], ids=str)
def test_a_list_that_turns_in_a_circle_is_an_error_and_not_for_ever(ring: list[str | None]) -> None:
    """[None]: the vendor answers "next: nothing" by the parameters that were asked first."""
    nexts = iter(ring * 50)

    answers = by_cursor(lambda params: params, {}, lambda _: {"cursor": next(nexts)}, where="Acme deals")

    with pytest.raises(ShapeError, match="turns in a circle"):
        list(islice(answers, 10))


# By keyset.


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9, 10, 11])
def test_keysets_end_with_a_short_page(count: int) -> None:
    rows = [f"{number:03}" for number in range(count)]

    def ask(after: str | None) -> Sequence[str]:
        return [row for row in rows if after is None or row > after][:5]

    pages = list(by_keyset(ask, str, page_size=5, where="x"))

    assert [row for page in pages for row in page] == rows


def test_keysets_go_on_behind_a_key() -> None:
    pages = by_keyset(lambda after: [] if after == "005" else ["006"], str, page_size=5, where="x", after="004")

    assert list(pages) == [["006"]]


def test_a_keyset_that_answers_the_same_page_is_an_error() -> None:
    with pytest.raises(ShapeError, match="circle"):
        list(by_keyset(lambda _: ["1", "2"], str, page_size=2, where="x"))


# By offset.


class Moving:
    """A list; before given calls it changes."""

    def __init__(self, rows: Sequence[int], *, size: int, tells: bool = True) -> None:
        self.rows = list(rows)
        self.size = size
        self.tells = tells
        self.calls = 0
        self.before: dict[int, Any] = {}

    def ask(self, offset: int) -> tuple[Sequence[int], int | None]:
        self.calls += 1
        change = self.before.get(self.calls)
        if change is not None:
            change(self.rows)
        return self.rows[offset : offset + self.size], len(self.rows) if self.tells else None

    def read(self, **options: Any) -> list[int]:
        pages = by_offset(self.ask, int, page_size=self.size, where="Acme deals", **options)
        return [row for page in pages for row in page]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 25, 28])
@pytest.mark.parametrize("overlap", [0, 1, 3])
def test_offsets_bring_every_row_once_while_nothing_moves(count: int, overlap: int) -> None:
    assert Moving(range(count), size=10).read(overlap=overlap) == list(range(count))


@pytest.mark.parametrize("tells", [True, False])
def test_a_row_that_slips_over_the_edge_of_a_page_is_found(tells: bool) -> None:
    """Row 3 goes after the first page: row 10 slides into what was read already."""
    moving = Moving(range(25), size=10, tells=tells)
    moving.before = {2: lambda rows: rows.remove(3)}

    assert set(range(25)) - {3} <= set(moving.read(overlap=1))


def test_a_row_that_comes_in_front_costs_a_repetition_and_no_row() -> None:
    moving = Moving(range(25), size=10)
    moving.before = {2: lambda rows: rows.insert(0, 99)}

    assert set(range(25)) <= set(moving.read())


def test_a_count_that_does_not_add_up_is_read_again() -> None:
    """The list hides a row from the first reading, and says so by its total."""
    moving = Moving(range(25), size=10)
    real = moving.ask

    def ask(offset: int) -> tuple[Sequence[int], int | None]:
        rows, total = real(offset)
        return [row for row in rows if row != 24 or moving.calls > 3], total

    pages = by_offset(ask, int, page_size=10, where="x")

    assert {row for page in pages for row in page} == set(range(25))


def test_a_list_that_never_holds_still_is_an_error() -> None:
    moving = Moving(range(50), size=10)
    moving.before = {call: lambda rows: rows.pop(0) for call in range(1, 100)}

    with pytest.raises(ShapeError, match="changed under every one of 4 readings"):
        moving.read()


@given(
    st.integers(0, 40),
    st.dictionaries(st.integers(1, 6), st.tuples(st.sampled_from(["add", "drop"]), st.integers(0, 40)), max_size=3),
)
def test_what_stays_in_the_list_is_never_missed(count: int, changes: dict[int, tuple[str, int]]) -> None:
    moving = Moving(range(count), size=7)
    added = iter(range(100, 200))

    def apply(what: str, where: int) -> Any:
        def change(rows: list[int]) -> None:
            if what == "add":
                rows.insert(min(where, len(rows)), next(added))
            elif rows:
                del rows[where % len(rows)]

        return change

    moving.before = {call: apply(*change) for call, change in changes.items()}

    read = moving.read()

    assert set(moving.rows) & set(range(count)) <= set(read)


def test_an_overlap_of_a_page_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="overlap"):
        list(by_offset(lambda _: ([], None), int, page_size=1, where="x", overlap=1))


# Halving at a cap.


@given(st.lists(st.integers(0, 99), max_size=80), st.integers(2, 20))
def test_halves_hold_everything_once_and_none_reaches_the_cap(seconds: list[int], cap: int) -> None:
    stamps = [START + SECOND * second for second in seconds]
    until = START + SECOND * 100

    def count(since: datetime, before: datetime) -> int:
        return min(cap, sum(since <= stamp < before for stamp in stamps))

    crowded = any(seconds.count(second) >= cap for second in seconds)
    if crowded:
        with pytest.raises(ShapeError, match=f"{cap} or more records at one time"):
            list(halved(count, START, until, cap=cap, resolution=SECOND, where="x"))
        return
    windows = list(halved(count, START, until, cap=cap, resolution=SECOND, where="x"))

    assert all(count(*window) < cap for window in windows)
    assert [windows[0][0], windows[-1][1]] == [START, until]
    assert all(left[1] == right[0] for left, right in pairwise(windows))


def test_exactly_the_cap_is_cut_too() -> None:
    """Four of four may be four of five."""
    stamps = [START + SECOND * second for second in (1, 2, 3, 60)]

    def count(since: datetime, before: datetime) -> int:
        return sum(since <= stamp < before for stamp in stamps)

    windows = list(halved(count, START, START + SECOND * 64, cap=4, resolution=SECOND, where="x"))

    assert len(windows) == 2


# Fetching ahead.


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name == "prefetch"}


def test_items_come_as_they_are_in_their_order() -> None:
    assert list(prefetched(iter(range(100)), 3)) == list(range(100))
    assert threads() == set()


def test_the_next_item_is_on_its_way_while_one_is_worked_on_and_no_more() -> None:
    made: list[int] = []
    second = threading.Event()

    def source() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    items = prefetched(source())
    next(items)

    assert second.wait(5)
    next(items)
    next(items)
    assert len(made) <= 4
    items.close()  # type: ignore[attr-defined]  # an Iterator to its callers, a generator in truth


def test_an_item_is_worked_on_when_the_next_has_been_asked_for() -> None:
    asked: list[str] = []

    def source() -> Iterator[str]:
        for item in ("a", "b"):
            time.sleep(0.05)  # on the way to a vendor, the interpreter is free for others
            asked.append(item)
            yield item

    items = prefetched(source(), head_start=60)
    assert next(items) == "a"
    assert asked == ["a", "b"]


def test_nobody_waits_for_the_next_item_for_long() -> None:
    worked_on = threading.Event()

    def source() -> Iterator[str]:
        yield "a"
        worked_on.wait()
        yield "b"

    for item in prefetched(source()):
        worked_on.set()
        assert item in "ab"


def test_what_waits_is_handed_out_together_as_far_as_it_can_be_joined() -> None:
    all_made = threading.Event()

    def source() -> Iterator[int]:
        yield from range(1, 7)
        all_made.set()

    items = prefetched(source(), 100, weigh=lambda item: item, join=lambda a, b: a + b if a + b <= 9 else None)
    first = next(items)
    assert all_made.wait(5)
    told = [first, *items]

    assert sum(told) == 21
    assert len(told) < 6
    assert max(told) <= 9
    assert threads() == set()


def test_no_more_is_fetched_than_weighs_what_may_wait() -> None:
    made: list[int] = []
    third = threading.Event()

    def source() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    items = prefetched(source(), 10, weigh=lambda item: 5)
    next(items)

    assert third.wait(5)  # the second weighs too little to hold it up
    next(items)
    assert len(made) <= 4
    items.close()  # type: ignore[attr-defined]  # as above


def test_an_error_comes_out_behind_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise ShapeError("broken")

    items = prefetched(source(), 5)

    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ShapeError, match="broken"):
        next(items)
    assert threads() == set()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_every_error_comes_out(error: BaseException) -> None:
    class Source:
        def __iter__(self) -> "Source":
            return self

        def __next__(self) -> int:
            raise error

    with pytest.raises(type(error)):
        list(prefetched(Source()))


def test_who_stops_early_leaves_no_thread_and_an_ended_source() -> None:
    ended: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            ended.append(threading.current_thread().name)

    for _ in prefetched(source(), 4):
        break

    assert threads() == set()
    assert ended == ["prefetch"]


def test_an_error_of_the_consumer_ends_the_thread_too() -> None:
    def work() -> None:
        for item in prefetched(iter(range(1000))):
            raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        work()

    assert threads() == set()


def test_nothing_begins_before_somebody_asks() -> None:
    prefetched(iter(range(3)))

    assert threads() == set()


def test_an_error_while_the_source_is_closed_hides_nothing() -> None:
    def source() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            raise OSError("cannot close")

    for item in prefetched(source()):
        assert item == 0
        break


def test_ahead_must_be_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next(prefetched(iter([1]), 0))
