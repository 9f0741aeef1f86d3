"""A store that fails in the middle of the work: a plain word, nothing half done, and the next run goes on."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

import crosswalk.store.sqlite
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreError
from crosswalk.store.migrations import migrate
from crosswalk.store.opening import StoreClosedError, StoreFullError, open_store
from crosswalk.store.tokens import new_key
from tests.crosswalk.engine.test_rounds import two
from tests.databases import Makers
from tests.hub import World
from tests.memory.connector import Crash

PEOPLE = 60


@pytest.fixture
def world(tmp_path: Path, databases: Makers) -> Iterator[World]:
    with databases.url("sqlite") as url:
        yield two(tmp_path, url)


def fill(world: World) -> None:
    for name in ("alpha", "beta"):
        for n in range(PEOPLE):
            world.remote(name).put("people", f"{n}", name=f"Ito {n}", email=f"p{n}@a.test", title="Buyer " + "x" * 900)


def prepared(patch: pytest.MonkeyPatch, statement: str) -> None:
    """Every connection to SQLite that is opened from now on begins with this."""
    prepare = crosswalk.store.sqlite.prepare

    def also(connection: sqlite3.Connection) -> None:
        prepare(connection)
        connection.execute(statement)

    patch.setattr(crosswalk.store.sqlite, "prepare", also)


def held(world: World) -> dict[str, int]:
    with world.store() as database, database.read() as connection:
        return {
            what: database.run(connection, f"SELECT count(*) FROM {what}").scalar()
            for what in ("record", "body", "member", "golden")
        }


def file_of(world: World) -> Path:
    return Path(make_url(world.url).database or "")


def rests(world: World) -> None:
    for _ in range(3):
        told = world.sync()
    assert (told["totals"]["changed"], told["totals"]["written"], told["exit_code"]) == (0, 0, 0)
    assert held(world) == {"record": 2 * PEOPLE, "body": 2 * PEOPLE, "member": 2 * PEOPLE, "golden": PEOPLE}


def test_a_disk_that_is_full_stops_between_pages_and_the_next_run_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync()
    fill(world)
    with monkeypatch.context() as patch:
        with world.store() as database, database.read() as connection:
            pages = database.run(connection, "PRAGMA page_count").scalar()
        prepared(patch, f"PRAGMA max_page_count = {pages + 4}")

        with pytest.raises(StoreFullError, match=r"the disk is full where .* lies") as told:
            world.sync()

    assert "make room" in told.value.hint
    before = held(world)
    assert before["record"] == before["body"] < 2 * PEOPLE
    rests(world)


def test_a_file_that_may_not_be_written_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sync()
    fill(world)
    with monkeypatch.context() as patch:
        prepared(patch, "PRAGMA query_only = ON")

        with pytest.raises(StoreClosedError, match="readonly database"):
            world.sync()

    rests(world)


def test_a_store_that_another_process_holds_for_too_long_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sync()
    fill(world)
    holder = sqlite3.connect(file_of(world), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as patch:
        patch.setattr(crosswalk.store.sqlite, "BUSY_SECONDS", 0.1)

        with pytest.raises(StoreClosedError, match="database is locked"):
            world.sync()

    holder.execute("ROLLBACK")
    holder.close()
    rests(world)


def test_a_file_that_is_damaged_is_told_and_left_alone(world: World) -> None:
    fill(world)
    world.sync()
    with world.store() as database, database.lent() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = file_of(world)
    whole = path.read_bytes()
    size = 16384
    path.write_bytes(whole[:100] + b"\xff" * (8 * size) + whole[100 + 8 * size :])

    with pytest.raises(StoreError, match=r"malformed|not a database"):
        world.sync()

    path.write_bytes(whole)
    rests(world)


def test_no_room_in_the_middle_of_a_migration_leaves_the_store_as_it_was(
    databases: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.url("sqlite", schema=False) as url:
        with monkeypatch.context() as patch:
            prepared(patch, "PRAGMA max_page_count = 20")
            with pytest.raises(StoreFullError):
                open_store(url, key=new_key(), key_file=None)
        database = Database(url)
        with database.read() as connection:
            left = database.run(connection, "SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert left == []

        migrate(database)

        with database.read() as connection:
            assert database.run(connection, "SELECT count(*) FROM record").scalar() == 0
        database.close()


def test_a_server_that_is_started_again_in_mid_run_costs_that_run_alone(
    tmp_path: Path, databases: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Database.insert
    with databases.url("postgresql") as url:
        world = two(tmp_path, url)
        world.sync()
        fill(world)
        pages: list[str] = []

        def restarts(self: Database, connection: Any, table: str, columns: Any, rows: Any) -> None:
            insert(self, connection, table, columns, rows)
            pages.extend([table] if table == "body" else [])
            if len(pages) == 3:
                everybody_out(url)  # of whom this one is in the middle of a transaction

        with monkeypatch.context() as patch:
            patch.setattr(Database, "insert", restarts)
            with pytest.raises(StoreClosedError, match="the store cannot be opened"):
                world.sync()
        assert len(pages) >= 3
        world.clock.forward(seconds=120)  # what it held is free after a minute
        rests(world)


def everybody_out(url: str) -> None:
    """As a server that restarts: nobody keeps a connection."""
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = make_url(url).database
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    engine.dispose()


def test_a_process_that_dies_in_a_transaction_leaves_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync()
    fill(world)
    insert = Database.insert

    def dies(self: Database, connection: Any, table: str, columns: Any, rows: Any) -> None:
        insert(self, connection, table, columns, rows)
        if table == "body":
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Database, "insert", dies)
        with pytest.raises(Crash):
            world.sync()

    assert held(world)["record"] == held(world)["body"] == 0
    world.clock.forward(seconds=120)
    rests(world)


@pytest.mark.parametrize("column", ["observed", "raw"])
def test_a_row_that_is_damaged_is_told_and_nothing_is_written(world: World, column: str) -> None:
    fill(world)
    rests(world)
    with world.store() as database, database.write() as connection:
        (number,) = database.run(connection, "SELECT min(id) FROM record").fetchone()
        (whole,) = database.run(connection, f"SELECT {column} FROM body WHERE record = ?", (number,)).fetchone()
        database.run(connection, f"UPDATE body SET {column} = ? WHERE record = ?", (b"\xff\x00", number))
    for name in ("alpha", "beta"):
        world.remote(name).put("people", "0", phone="+49895550177" if name == "alpha" else "+49895550178")

    with pytest.raises(StoreError, match="a row that is damaged") as told:
        world.sync()

    assert "backup" in told.value.hint
    assert world.remote("alpha").log == world.remote("beta").log == []
    with world.store() as database, database.write() as connection:
        database.run(connection, f"UPDATE body SET {column} = ? WHERE record = ?", (bytes(whole), number))
    rests(world)
