"""How landed records lie in the store."""

import sqlite3
from pathlib import Path
from random import Random
from typing import Any

from connectors.sdk.contract import RemoteRecord
from crosswalk.store.dialect import Database
from crosswalk.store.migrations import migrate
from crosswalk.store.records import Landing

RECORDS = 4000
TEXT = 1000


class AsTheyAre:
    """A mapping of one field."""

    fields: tuple[str, ...] = ("text",)

    def read(self, values: Any) -> tuple[list[Any], list[Any]]:
        return [values["text"]], []

    def state(self, values: Any) -> str:
        return "live"

    def accepts(self, values: Any) -> bool:
        return True

    def survivor(self, values: Any) -> str | None:
        return None


def rows() -> list[RemoteRecord]:
    random = Random(1)
    return [RemoteRecord(str(n), None, None, {"text": f"{random.getrandbits(4 * TEXT):x}"}) for n in range(RECORDS)]


def land(database: Database, records: list[RemoteRecord], page: int) -> None:
    landing = Landing(database, 1, 1, AsTheyAre(), lambda row: (), bulk=True)
    for start in range(0, len(records), page):
        some = records[start : start + page]
        landing.prepare(len(some))
        with database.read() as connection:
            news, seen = landing.news(connection, some)
        understood = landing.understand(news)
        with database.write() as connection:
            landing.land(connection, understood, seen, read_no=1)


def test_a_first_load_leaves_no_page_half_empty(tmp_path: Path) -> None:
    path = tmp_path / "crosswalk.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    empty = _size(path)

    land(database, rows(), 100)

    database.close()
    held = RECORDS * 2 * TEXT  # as it came, and as it was read
    assert _size(path) - empty < 1.25 * held


def _size(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    connection.close()
    return int(pages) * int(size)
