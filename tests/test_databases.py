"""The fixtures keep their word: each test has a database of its own, and no test leaves this machine."""

import os
import socket

import pytest

from crosswalk.store.dialect import Database


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_starts_with_an_empty_store(database: Database, turn: int) -> None:
    with database.read() as connection:
        before = database.run(connection, "SELECT count(*) FROM lease").scalar()
    with database.write() as connection:
        database.insert(connection, "lease", ("name", "epoch", "expires_at"), [("a", turn, 0)])

    assert before == 0


def test_an_empty_url_has_no_tables(empty_url: str) -> None:
    database = Database(empty_url)
    schema = "sqlite_master" if database.dialect == "sqlite" else "pg_tables WHERE schemaname = 'public'"
    with database.read() as connection:
        found = database.run(connection, f"SELECT count(*) FROM {schema}").scalar()
    database.close()

    assert found == 0


def test_a_far_address_fails_the_test() -> None:
    with (
        socket.socket() as far,
        pytest.raises(pytest.fail.Exception, match=r"tried to reach 192\.0\.2\.1"),
    ):
        far.connect(("192.0.2.1", 443))


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert os.getpid() > 0
