"""A process that stands still in the middle of what it sends to PostgreSQL keeps nobody waiting for long."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from crosswalk.store import dialect as dialect_module
from crosswalk.store.dialect import Database
from crosswalk.store.leases import Leases, fence
from crosswalk.store.opening import in_words
from scheduler.leases import Lease
from tests.clocks import SetClock

ROOT: Final = Path(__file__).parents[3]
NAME: Final = "pipedrive/persons"
STILL: Final = 1.0


@pytest.fixture
def database(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """One whose writes look soon, opened anew: the first write says how soon."""
    monkeypatch.setattr(dialect_module, "STILL_SECONDS", STILL)
    soon = Database(database.url)
    yield soon
    soon.close()


def in_a_copy(database: Database, connection: Any) -> None:
    def rows() -> Iterator[tuple[str, int]]:
        yield "sent", 1
        os.kill(os.getpid(), signal.SIGSTOP)

    dialect_module._copy(connection.cursor(), "sequence", '"name", "next"', [25, 20], rows())


def in_many(database: Database, connection: Any) -> None:
    def rows() -> Iterator[tuple[str, int]]:
        for number in range(10_000):  # the first of them are on their way by then
            yield f"sent {number}", 1
        os.kill(os.getpid(), signal.SIGSTOP)

    connection.cursor().executemany(database.sql("INSERT INTO sequence (name, next) VALUES (?, ?)"), rows())


def before_many(database: Database, connection: Any) -> None:
    """The server calls it idle, and has stopped to count for how long: a message has come that asks for nothing."""
    server = connection.pgconn
    server.enter_pipeline_mode()
    server.send_close_prepared(b"not there")
    server.send_flush_request()
    server.flush()
    os.kill(os.getpid(), signal.SIGSTOP)
    while server.get_result():
        pass
    database.run(connection, "SELECT 1")


def stand_still(url: str, how: str) -> None:
    """In a process of its own: hold the lease's row, and stand still while something is being sent."""
    database = Database(url)
    with in_words(database), database.write() as connection:
        fence(database, connection, Lease(NAME, 1))
        {"copy": in_a_copy, "many": in_many, "before": before_many}[how](database, connection)


@contextmanager
def standing_still(url: str, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has come to where it stands still."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, url, how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["copy", "many", "before"])
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_who_stands_still_while_it_sends_is_ended_for_its_successor(database: Database, how: str) -> None:
    clock = SetClock(datetime(2026, 11, 24, 8, tzinfo=UTC))
    leases = Leases(database, clock)
    assert leases.acquire(NAME, holder="frozen", seconds=60) == Lease(NAME, 1)
    with standing_still(database.url, how) as frozen:
        clock.forward(seconds=61)
        taking = threading.Thread(target=leases.acquire, args=(NAME,), kwargs={"holder": "next", "seconds": 60})
        taking.start()
        taking.join(30)
        waits = taking.is_alive()
        frozen.send_signal(signal.SIGCONT)
        told = frozen.communicate(timeout=60)[1]
        taking.join()

    assert not waits, "its successor waits without end"
    assert leases.holder(NAME) == "next"
    assert "StoreClosedError: the store cannot be opened: " in told
    with database.read() as connection:
        assert database.run(connection, "SELECT count(*) FROM sequence WHERE name LIKE ?", ("sent%",)).scalar() == 0


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_who_stands_in_nobodys_way_goes_on(database: Database) -> None:
    def rows() -> Iterator[tuple[str, int]]:
        yield "first", 1
        with database.write() as other:  # it takes long, and waits for nobody
            database.run(other, "SELECT pg_sleep(?)", (3 * STILL,))
        yield "second", 1

    with database.write() as connection:
        dialect_module._copy(connection.cursor(), "sequence", '"name", "next"', [25, 20], rows())

    with database.read() as connection:
        assert database.run(connection, "SELECT count(*) FROM sequence WHERE name IN ('first', 'second')").scalar() == 2


if __name__ == "__main__":
    stand_still(*sys.argv[1:])
