"""What every test may use: databases of both kinds; and what none may: the network beyond this machine."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings

from crosswalk.store.dialect import Database
from tests.databases import DIALECTS, Dialect, Makers, NoServerError, close_run, open_run

# How long a test takes is no matter of the test: a machine may be busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_run: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    global _run
    if not hasattr(config, "workerinput") and "PYTEST_XDIST_WORKER" not in os.environ:
        _run = open_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    global _run
    if _run is not None:
        close_run(_run)
        _run = None


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Makers]:
    makers = Makers(tmp_path_factory.mktemp("databases"))
    yield makers
    makers.close()


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return cast(Dialect, request.param)


@pytest.fixture
def database_url(databases: Makers, dialect: Dialect) -> Iterator[str]:
    """A database with the current schema, on SQLite and on PostgreSQL in turn."""
    yield from _url(databases, dialect, schema=True)


@pytest.fixture
def empty_url(databases: Makers, dialect: Dialect) -> Iterator[str]:
    """A database with nothing in it."""
    yield from _url(databases, dialect, schema=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def _url(databases: Makers, dialect: Dialect, *, schema: bool) -> Iterator[str]:
    try:
        made = databases.url(dialect, schema=schema)
        url = made.__enter__()
    except NoServerError as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield url
    made.__exit__(None, None, None)


# A connect that reaches further than this machine fails the test that made it.

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _guard(family: int, address: Any) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0]
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host in ("localhost", "")
    if not near:
        pytest.fail(f"a test tried to reach {host}: tests talk to this machine alone")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _guard(self.family, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _guard(self.family, address)
    return _connect_ex(self, address)


@pytest.fixture(autouse=True)
def near_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)
