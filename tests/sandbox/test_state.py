from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.state import MOST_PAGES, Table

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def table(*rows: tuple[int, int]) -> Table[int]:
    made: Table[int] = Table({"id": lambda r: r["id"], "stamp": lambda r: r["stamp"]})
    for key, stamp in rows:
        made.put(key, {"id": key, "stamp": stamp})
    return made


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 5), st.booleans()), max_size=40))
def test_a_walk_is_sorted_whatever_was_put_and_dropped(steps: list[tuple[int, int, bool]]) -> None:
    made = table((1, 0))
    list(made.walk("stamp"))  # from here on the order is kept up to date, not sorted anew
    kept = {1: 0}
    for key, stamp, drop in steps:
        if drop and key in kept:
            made.drop(key)
            del kept[key]
        elif not drop:
            made.put(key, {"id": key, "stamp": stamp})
            kept[key] = stamp

    walked = [(record["stamp"], record["id"]) for record in made.walk("stamp")]

    assert walked == sorted((stamp, key) for key, stamp in kept.items())
    assert [(r["stamp"], r["id"]) for r in made.walk("stamp", descending=True)] == walked[::-1]


@pytest.mark.parametrize(("descending", "seen"), [(False, [3, 4]), (True, [1])])
def test_a_walk_goes_on_behind_its_place(descending: bool, seen: list[int]) -> None:
    made = table((1, 5), (2, 5), (3, 5), (4, 6))

    assert [r["id"] for r in made.walk("stamp", after=(5, 2), descending=descending)] == seen


def test_a_walk_from_a_value_begins_at_the_first_that_reaches_it() -> None:
    assert [r["id"] for r in table((1, 4), (2, 5), (3, 5), (4, 6)).from_value("stamp", 5)] == [2, 3, 4]


def test_prepared_bytes_are_made_anew_only_when_their_record_changes() -> None:
    made = table((1, 5), (2, 5))
    calls: list[int] = []

    def view(record: dict[str, Any]) -> object:
        calls.append(record["id"])
        return record

    for key in (1, 2, 1, 2):
        made.prepared("plain", key, view)
    made.put(1, {"id": 1, "stamp": 9})

    assert (made.prepared("plain", 1, view), made.prepared("plain", 2, view)) == (
        b'{"id":1,"stamp":9}', b'{"id":2,"stamp":5}',
    )  # fmt: skip
    assert calls == [1, 2, 1]


def test_pages_are_kept_until_anything_changes_and_never_too_many() -> None:
    made = table((1, 5))
    for nth in range(MOST_PAGES + 5):
        made.page(str(nth), lambda: b"first")

    assert made.page(str(MOST_PAGES + 4), lambda: b"second") == b"first"
    made.put(2, {"id": 2, "stamp": 1})
    assert made.page(str(MOST_PAGES + 4), lambda: b"second") == b"second"


def test_a_late_transaction_commits_when_its_time_has_come_and_in_order() -> None:
    made = table((1, 5))
    made.put_later(NOON + timedelta(seconds=20), lambda: made.put(1, {"id": 1, "stamp": 7}))
    made.put_later(NOON + timedelta(seconds=10), lambda: made.put(1, {"id": 1, "stamp": 6}))

    seen = []
    for seconds in (9, 10, 30):
        made.settle(NOON + timedelta(seconds=seconds))
        seen.append((made.get(1) or {})["stamp"])

    assert seen == [5, 6, 7]
