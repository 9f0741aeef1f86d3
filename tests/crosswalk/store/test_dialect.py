"""Both databases by one word: what goes straight to the driver behaves like what goes through the engine."""

import pytest
from sqlalchemy.exc import IntegrityError, ProgrammingError

from crosswalk.store.dialect import Database

COLUMNS = ("record", "entity")


def members(database: Database) -> list[tuple[int, int]]:
    with database.read() as connection:
        return [tuple(row) for row in database.stream(connection, "SELECT record, entity FROM member ORDER BY record")]


@pytest.mark.parametrize("count", [1, 200, 1000], ids=["one", "many", "more-than-a-statement"])
def test_what_is_there_is_replaced_or_stays(database: Database, count: int) -> None:
    rows = [(n, 1) for n in range(count)]
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, rows)

    with database.write() as connection:
        database.upsert(connection, "member", ("record",), COLUMNS, [(0, 2)])
        database.upsert(
            connection, "member", ("record",), COLUMNS, [(n, 3) for n, _ in rows] + [(count, 3)], replace=False
        )

    assert members(database) == [(0, 2), *rows[1:], (count, 3)]


def test_rows_are_streamed_in_any_number(database: Database) -> None:
    rows = [(n, 1) for n in range(12_000)]
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, rows)

    assert members(database) == rows
    with database.read() as connection:
        some = database.select(connection, "SELECT record FROM member WHERE", "record", [1, 3, 12_001])
        assert sorted(row[0] for row in some) == [1, 3]


def test_what_the_driver_refuses_is_said_as_the_engine_says_it(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(1, 1), (1, 2)])
    with pytest.raises(Exception, match="nowhere") as raised, database.read() as connection:
        list(database.stream(connection, "SELECT 1 FROM nowhere"))
    assert raised.type.__module__ == ProgrammingError.__module__
    assert members(database) == []
