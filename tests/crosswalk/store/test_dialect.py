"""Both databases by one word."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from crosswalk.store.connections import AddressError, Connection, DatabaseError
from crosswalk.store.dialect import Database, once_more
from crosswalk.store.migrations import migrate
from crosswalk.store.pools import Connections
from crosswalk.store.sqlite import connect

COLUMNS = ("record", "entity")


def members(database: Database) -> list[tuple[int, int]]:
    with database.read() as connection:
        return [tuple(row) for row in database.stream(connection, "SELECT record, entity FROM member ORDER BY record")]


@pytest.mark.parametrize("count", [1, 200, 2000], ids=["one", "many", "more-than-a-statement"])
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


@pytest.mark.parametrize("count", [1, 49, 60, 1200])
def test_rows_of_every_type_are_what_was_told_in_any_number(database: Database, count: int) -> None:
    columns = ("id", "stream", "rkey", "version", "modified", "read_no", "hash", "mapping", "state", "hub_id")
    rows = [
        (n, 1, f"rk \u00fc'{{}},{n}", None, None if n % 2 else n << 40, n, b"\x00\xff" * n, 1, n % 3, None)
        for n in range(1, count + 1)
    ]
    with database.write() as connection:
        database.upsert(connection, "record", ("id",), columns, rows)
        there = "SELECT " + ", ".join(columns) + " FROM record ORDER BY id"
        assert [tuple(row) for row in database.select_all(connection, there)] == rows
        changed = [(*row[:2], row[2] + "!", *row[3:]) for row in rows]

        database.upsert(connection, "record", ("id",), columns, changed)

        assert [tuple(row) for row in database.select_all(connection, there)] == changed


@pytest.mark.parametrize("count", [1, 60, 1200])
def test_rows_are_removed_by_all_that_is_said_of_them(database: Database, count: int) -> None:
    rows = [(n, n % 7) for n in range(count)]
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [*rows, (count, 3)])

        database.remove(connection, "member", COLUMNS, [*rows, (count, 4)])

    assert members(database) == [(count, 3)]


def test_rows_are_streamed_in_any_number(database: Database) -> None:
    rows = [(n, 1) for n in range(12_000)]
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, rows)

    assert members(database) == rows
    with database.read() as connection:
        some = database.select(connection, "SELECT record FROM member WHERE", "record", [1, 3, 12_001])
        assert sorted(row[0] for row in some) == [1, 3]


def test_what_a_driver_refuses_is_said_in_one_way(database: Database) -> None:
    with pytest.raises(DatabaseError) as refused, database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(1, 1), (1, 2)])
    with pytest.raises(DatabaseError, match="nowhere") as unknown, database.read() as connection:
        list(database.stream(connection, "SELECT 1 FROM nowhere"))

    assert not refused.value.unreached
    assert not unknown.value.unreached
    assert members(database) == []


def test_what_is_not_committed_is_gone_for_whoever_comes_next(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            database.insert(connection, "member", COLUMNS, [(1, 1)])
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert members(database) == []
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(2, 2)])
    assert members(database) == [(2, 2)]


def test_a_stream_that_is_left_in_the_middle_holds_nothing(database: Database) -> None:
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(n, 1) for n in range(12_000)])
    with database.read() as connection:
        next(iter(database.stream(connection, "SELECT record FROM member")))

    with database.write() as connection:
        database.run(connection, "DELETE FROM member")

    assert members(database) == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_only_a_passage_through_the_store_keeps_little_of_it(database: Database) -> None:
    def kept(connection: Connection) -> int:
        return -int(database.run(connection, "PRAGMA cache_size").scalar())

    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(n, 1) for n in range(12_000)])
        usual = kept(connection)
        with database.passing(connection):
            assert kept(connection) == usual // 4
        assert kept(connection) == usual
        rows = database.stream(connection, "SELECT record FROM member")
        next(iter(rows))
        assert kept(connection) == usual // 4
        del rows
        assert kept(connection) == usual


def test_what_rests_goes_on_as_it_was(database: Database) -> None:
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(1, 2)])
        database.rest()  # what somebody has is left alone
    database.rest()

    assert members(database) == [(1, 2)]


def test_a_vacuum_has_an_index_answer_alone_and_waits_for_nobody(database: Database) -> None:
    with database.write(durable=True) as connection:  # what is not on the disk yet is not marked
        database.insert(connection, "member", COLUMNS, [(n, 1) for n in range(1000)])
        database.vacuum("member")  # somebody writes to it; it does not wait for them
    database.vacuum("member")

    assert len(members(database)) == 1000
    if database.dialect == "postgresql":
        with database.read() as connection:
            pages, seen = database.run(
                connection, "SELECT relpages, relallvisible FROM pg_class WHERE oid = 'member'::regclass"
            ).fetchone()
        assert pages >= seen > pages * 0.9


def test_readers_and_a_writer_go_on_beside_each_other(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database)
    with database.write() as writing:
        database.insert(writing, "member", COLUMNS, [(1, 1)])
        assert members(database) == []  # a connection of its own

    assert members(database) == [(1, 1)]
    database.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_two_that_wait_for_each_other_are_both_done_in_the_end(database: Database) -> None:
    with database.write() as connection:
        database.insert(connection, "member", COLUMNS, [(1, 0), (2, 0)])
    both_hold_one = Barrier(2)
    ended: list[int] = []

    def add_one(first: int, then: int) -> None:
        """Begun anew it does not wait for the other to hold one too."""
        tries = count()

        def work() -> None:
            again = next(tries)
            with database.write() as connection:
                database.run(connection, "UPDATE member SET entity = entity + 1 WHERE record = ?", (first,))
                if not again:
                    both_hold_one.wait(30)
                database.run(connection, "UPDATE member SET entity = entity + 1 WHERE record = ?", (then,))

        once_more(work)
        ended.append(next(tries))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add_one, (1, 2), (2, 1)))

    # Whoever begins anew may be faster than the other wakes, and be in its way once more.
    assert len(ended) == 2
    assert max(ended) > 1
    assert members(database) == [(1, 2), (2, 2)]


def test_any_other_error_is_told_at_once(database: Database) -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        with database.read() as connection:
            database.run(connection, "SELECT nothing FROM nowhere")

    with pytest.raises(DatabaseError):
        once_more(work)
    assert len(tries) == 1


def test_what_is_durable_is_on_the_disk_once_it_is_committed(database: Database) -> None:
    """SQLite (FULL is 2) flushes its log with every such commit, PostgreSQL unless somebody has told it not to."""
    setting = "PRAGMA synchronous" if database.dialect == "sqlite" else "SHOW synchronous_commit"
    if database.dialect == "postgresql":
        with database.lent() as connection:
            database.run(connection, "SET synchronous_commit TO off")

    found = []
    for durable in (False, True, False):
        with database.write(durable=durable) as connection:
            found.append(database.run(connection, setting).scalar())

    assert found == ([1, 2, 1] if database.dialect == "sqlite" else ["off", "on", "off"])


@pytest.mark.parametrize("lending", [Database.read, Database.write, Database.lent])
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_has_closed_is_not_handed_out_again(
    database: Database, lending: Callable[[Database], AbstractContextManager[Connection]]
) -> None:
    with database.read() as one, database.read() as other:
        ours = [database.run(each, "SELECT pg_backend_pid()").scalar() for each in (one, other)]
    administrator = Database(database.url)
    with administrator.read() as connection:
        for process in ours:
            administrator.run(connection, "SELECT pg_terminate_backend(?, 5000)", (process,))
    administrator.close()

    with lending(database) as connection:
        assert database.run(connection, "SELECT pg_backend_pid()").scalar() not in ours


class _Fickle(Connections):
    """To a server that takes everybody in and lets go of them at once."""

    failure = sqlite3.Error
    greeting = "SELECT 1"

    def __init__(self) -> None:
        self.opened = 0
        super().__init__(keep=5)

    def open(self) -> Any:
        self.opened += 1
        return connect("")

    def is_lost(self, connection: Any) -> bool:
        return True

    def run(self, connection: Any, statement: str) -> None:
        raise sqlite3.OperationalError("gone")


@pytest.mark.parametrize("lending", [_Fickle.lent, lambda fickle: fickle.transaction("BEGIN")], ids=["lent", "begun"])
def test_a_server_that_keeps_nobody_is_unreached_and_not_asked_for_ever(
    lending: Callable[[_Fickle], AbstractContextManager[Any]],
) -> None:
    fickle = _Fickle()

    with pytest.raises(DatabaseError, match="gone") as told, lending(fickle):
        pass

    assert told.value.unreached
    assert 1 < fickle.opened < 100


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_connection_that_ends_in_a_transaction_leaves_the_database_unreached(database: Database) -> None:
    with pytest.raises(DatabaseError) as told, database.write() as connection:
        database.run(connection, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert told.value.unreached


@pytest.mark.parametrize("url", ["mysql://a:s3cret@b/c", "crosswalk.db", "postgresql://a:%zz@b/c", ""])
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(AddressError, match=r"^no address of a database$"):
        Database(url)


def test_sqlite_takes_blobs_and_nulls_as_they_are() -> None:
    """Each has an adapter that gives it back: without one the driver makes an exception for every value."""
    values = (b"\x00\xff", b"", None, "text", 7)
    assert connect("").execute("SELECT ?, ?, ?, ?, ?", values).fetchone() == values
    for kind in (bytes, type(None)):
        assert (kind, sqlite3.PrepareProtocol) in sqlite3.adapters
