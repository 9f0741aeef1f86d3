"""Connections to SQLite and who keeps them."""

import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from crosswalk.store.connections import DatabaseError
from crosswalk.store.sqlite import SqliteConnections


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


def test_who_comes_next_gets_the_connection_that_was_used_last(file: str) -> None:
    connections = SqliteConnections(file)
    with connections.lent() as one, connections.lent() as other:
        assert one is not other

    with connections.lent() as next_:  # the outer one of the two was given back last
        assert next_ is one
    connections.close()


def test_a_transaction_that_was_left_open_is_rolled_back(file: str) -> None:
    connections = SqliteConnections(file)
    with connections.lent() as connection:
        connection.execute("CREATE TABLE kept (n)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO kept VALUES (1)")

    with connections.lent() as again:
        assert again is connection
        assert again.in_transaction is False
        assert again.execute("SELECT n FROM kept").fetchall() == []
    connections.close()


def test_no_more_connections_are_kept_than_a_few(file: str) -> None:
    connections = SqliteConnections(file)
    with ExitStack() as stack:
        lent = [stack.enter_context(connections.lent()) for _ in range(12)]

    assert [_is_open(one) for one in lent].count(True) == 10
    connections.close()
    assert not any(_is_open(one) for one in lent)


def test_a_store_in_memory_is_one_connection_for_all() -> None:
    connections = SqliteConnections("")
    with connections.lent() as one, connections.lent() as other:
        assert one is other
    with connections.transaction("BEGIN") as connection:
        connection.execute("CREATE TABLE kept (n)")

    with connections.lent() as later:
        assert later.execute("SELECT n FROM kept").fetchall() == []
    connections.close()


def test_what_goes_wrong_leaves_a_connection_that_can_be_used(file: str) -> None:
    connections = SqliteConnections(file)
    with pytest.raises(DatabaseError) as told, connections.transaction("BEGIN") as connection:
        connection.execute("SELECT 1 FROM nowhere")

    assert not told.value.unreached
    with connections.transaction("BEGIN") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    connections.close()


def test_a_new_store_is_opened_without_sqlalchemy(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from crosswalk.store.opening import open_store
database, _ = open_store("sqlite:///store.db", key=None, key_file=Path("key"))
database.close()
print(*sorted(name for name in sys.modules if name in ("sqlalchemy", "alembic", "psycopg")))
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.split() == []


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True
