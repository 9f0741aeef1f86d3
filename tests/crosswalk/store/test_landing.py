"""How landed records lie in the store."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from connectors.sdk.contract import RawRecord, Record, RemoteRecord
from crosswalk.store.codec import digest, load
from crosswalk.store.dialect import Database
from crosswalk.store.migrations import migrate
from crosswalk.store.records import Landed, Landing

RECORDS = 4000
TEXT = 1000


class AsTheyAre:
    """A mapping of one field."""

    fields: tuple[str, ...] = ("text",)
    has_aliases: bool = False
    converts: bool = False

    def read(self, values: Any) -> tuple[list[Any], list[Any]]:
        return [values["text"]], []

    def read_raw(self, raw: bytes, *, sound: bool) -> None:
        """Only parsed."""

    def state(self, values: Any) -> str:
        return "live"

    def accepts(self, values: Any) -> bool:
        return True

    def survivor(self, values: Any) -> str | None:
        return None

    def aliases(self, values: Any) -> tuple[str, ...]:
        return ()

    def conversions(self, values: Any) -> tuple[str, ...]:
        return ()


def rows() -> list[RemoteRecord]:
    random = Random(1)
    return [RemoteRecord(str(n), None, None, {"text": f"{random.getrandbits(4 * TEXT):x}"}) for n in range(RECORDS)]


def land(database: Database, records: Sequence[Record], page: int) -> list[Landed]:
    """What each page brought."""
    landing = Landing(database, 1, 1, AsTheyAre(), lambda row: (), lambda kind: 0, bulk=True)
    brought = []
    for start in range(0, len(records), page):
        some = records[start : start + page]
        with database.read() as connection:
            news, seen = landing.news(connection, some)
        landing.prepare(news, seen)
        understood = landing.understand(news)
        with database.write() as connection:
            brought.append(landing.land(connection, understood, seen, read_no=1))
    return brought


def test_a_first_load_leaves_no_page_half_empty(tmp_path: Path) -> None:
    path = tmp_path / "crosswalk.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    empty = _size(path)

    land(database, rows(), 100)

    database.close()
    held = RECORDS * 2 * TEXT  # as it came, and as it was read
    assert _size(path) - empty < 1.25 * held


def raw(json: bytes, key: str = "1") -> RawRecord:
    return RawRecord(key, None, None, msgspec.Raw(json))


def held(database: Database) -> list[tuple[bytes, bytes]]:
    """Every body, and the hash of its record."""
    with database.read() as connection:
        rows = database.run(
            connection, "SELECT b.raw, r.hash FROM body b JOIN record r ON r.id = b.record ORDER BY r.rkey"
        ).fetchall()
    return [(bytes(row[0]), bytes(row[1])) for row in rows]


def test_a_row_that_is_not_parsed_is_kept_as_it_came(database: Database) -> None:
    (landed,) = land(database, [raw(b'{"text": "a", "more":1.50}')], 10)

    assert (landed.new, landed.changed) == (1, 0)
    assert held(database)[0][0] == b'{"text": "a", "more":1.50}'


def test_the_same_bytes_again_touch_nothing(database: Database) -> None:
    land(database, [raw(b'{"text": "a"}')], 10)
    before = held(database)

    (landed,) = land(database, [raw(b'{"text": "a"}')], 10)

    assert landed == Landed()
    assert held(database) == before


@pytest.mark.parametrize("first", [raw(b'{"text":"a"}'), RemoteRecord("1", None, None, {"text": "a"})])
def test_what_came_by_another_way_and_says_the_same_touches_nothing(database: Database, first: Record) -> None:
    land(database, [first], 10)
    before = held(database)

    (landed,) = land(database, [raw(b'{ "text" : "a" }')], 10)

    assert landed == Landed()
    assert held(database) == before


@pytest.mark.parametrize("again", [raw(b'{"text":"a"}'), raw(b'{ "text" : "a" }')], ids=["same", "other-blanks"])
def test_what_an_earlier_program_hashed_otherwise_is_known_again(database: Database, again: Record) -> None:
    land(database, [raw(b'{"text":"a"}')], 10)
    with database.write() as connection:
        database.run(connection, "UPDATE record SET hash = ?", (digest(b'{"text":"a"}'),))
    before = held(database)

    (landed,) = land(database, [again], 10)
    (changed,) = land(database, [raw(b'{"text":"b"}')], 10)

    assert landed == Landed()
    assert changed.changed == 1
    assert held(database) != before


def test_another_value_changes_it_whichever_way_it_comes(database: Database) -> None:
    land(database, [raw(b'{"text":"a"}')], 10)

    (parsed,) = land(database, [RemoteRecord("1", None, None, {"text": "b"})], 10)
    (unparsed,) = land(database, [raw(b'{"text":"c"}')], 10)

    assert (parsed.changed, unparsed.changed) == (1, 1)
    assert load(held(database)[0][0]) == {"text": "c"}


def test_a_broken_text_is_stored_so_that_it_can_be_read_again(database: Database) -> None:
    broken = b'{"text":"na\xefve"}'

    (first,) = land(database, [raw(broken), raw(b'{"text":"whole"}', "2")], 10)
    (again,) = land(database, [raw(broken), raw(b'{"text":"whole"}', "2")], 10)

    assert first.new == 2
    assert load(held(database)[0][0]) == {"text": "na\ufffdve"}
    assert again == Landed()


def _size(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    connection.close()
    return int(pages) * int(size)
