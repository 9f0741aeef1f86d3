"""Worlds that cost milliseconds: one process, one thread, one store in memory that stays open from run to run.

What is left out is what a history does not look at: threads, the file of the store, reading the same settings twice.
Leases, fences, transactions and every statement are the engine's own. A `World` of `tests.hub` has the rest as well.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

import crosswalk.app
import crosswalk.engine.pull
import crosswalk.engine.run
import crosswalk.house
from connectors.sdk.contract import FieldInfo
from crosswalk import drift
from crosswalk.house import Builder
from crosswalk.settings.load import load
from crosswalk.store.dialect import Database, in_memory
from crosswalk.store.migrations import migrate
from crosswalk.store.tokens import Vault, check_key, new_key
from scheduler.leases import LeaseBook
from scheduler.workers import Ended, Job, Renewer, _run
from tests.hub import World
from tests.memory.connector import REMOTES

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Disposable(Database):
    """A store that goes with its world."""

    def close(self) -> None:
        """A hub that ends leaves it open for the next one."""

    def dispose(self) -> None:
        super().close()


class Stage:
    """Gives worlds, one after the other: the store of the last one is gone when the next is made.

    `database` gives the store of each world; without it one in memory. `kind`: of worlds.
    """

    def __init__(
        self,
        folder: Path,
        database: Callable[[], "Disposable"] | None = None,
        kind: "Callable[[Path, Database], World] | None" = None,
    ) -> None:
        self._folder = folder
        self._kind = kind or StageWorld
        self._make: Callable[[], Disposable] = database or fresh_store
        self._database: Disposable | None = None
        self._vault = Vault([_KEY])
        self._settings: dict[str, Any] = {}
        self._mappings: dict[tuple[Any, ...], Any] = {}

    @contextmanager
    def lit(self) -> Iterator["Stage"]:
        """Until the end of the block every hub that is opened works on this stage."""
        compiled = Builder.compiled

        def load_once(config: Path, **more: Any) -> Any:
            text = config.read_text("utf-8")
            if text not in self._settings:
                self._settings[text] = load(config, **more)
            return self._settings[text]

        def compile_once(builder: Builder, told: Any, stream: Any, catalogue: Any) -> Any:
            account = builder._accounts.get(told.name)
            context = account and (account.time_zone, account.country, account.currency)
            key = (id(told), id(stream), None if catalogue is None else hashable(catalogue), context)
            if key not in self._mappings:  # kept with what it was made from, so that no other object has its id
                self._mappings[key] = compiled(builder, told, stream, catalogue), (told, stream)
            return self._mappings[key][0]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crosswalk.app, "open_store", self._opened)
            patch.setattr(crosswalk.app, "load", load_once)
            patch.setattr(Builder, "compiled", compile_once)
            patch.setattr(drift, "loaded", cache(drift.loaded))
            stored = cache(drift.stored)
            patch.setattr(drift, "stored", lambda catalogue: stored(hashable(catalogue)))
            patch.setattr(crosswalk.engine.run, "run_jobs", run_in_turn)
            patch.setattr(crosswalk.engine.run, "threading", SimpleNamespace(Event=threading.Event, Thread=_NoThread))
            patch.setattr(crosswalk.engine.pull, "prefetched", iter)
            patch.setattr(crosswalk.house, "ThreadPoolExecutor", _NoPool)
            yield self
        self._drop()

    def world(self) -> World:
        """A new one, with a store and vendors that nobody has used."""
        self._drop()
        for name in [name for name in REMOTES if name.startswith(f"{self._folder.name}-")]:
            del REMOTES[name]
        self._database = self._make()
        return self._kind(self._folder, self._database)

    def _opened(self, _url: str, **_more: Any) -> tuple[Database, Vault]:
        if self._database is None:
            raise LookupError("no world has been made yet")
        return self._database, self._vault

    def _drop(self) -> None:
        if self._database is not None:
            self._database.dispose()
            self._database = None


def hashable(catalogue: Sequence[FieldInfo]) -> tuple[FieldInfo, ...]:
    return tuple(replace(one, options=tuple(one.options)) for one in catalogue)


class StageWorld(World):
    """A world on a stage."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, str(database.url), "")
        self._database = database

    @contextmanager
    def store(self) -> Iterator[Database]:
        yield self._database


_KEY = new_key()


class _Cursor(sqlite3.Cursor):
    """What SQLAlchemy's result has besides."""

    def scalar(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]


class _Connection(sqlite3.Connection):
    """As much of SQLAlchemy's connection as the store uses, over the driver itself."""

    def cursor(self, *_name: Any) -> sqlite3.Cursor:  # type: ignore[override] # no server here keeps named ones
        return super().cursor(_Cursor)

    @property
    def connection(self) -> "_Connection":
        return self

    def exec_driver_sql(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        try:
            if isinstance(values, list):
                return self.cursor().executemany(statement, values)
            return self.cursor().execute(statement, values)
        except sqlite3.Error as error:
            raise _said(error) from error


def _said(error: sqlite3.Error) -> DBAPIError:
    return DBAPIError.instance(None, None, error, sqlite3.Error)  # type: ignore[return-value] # never another


class MemoryStore(Disposable):
    """A private store in memory, asked without SQLAlchemy: most of what a short history costs would be its overhead."""

    def __init__(self, whole: bytes) -> None:
        self.dialect = "sqlite"
        self.url = make_url("sqlite://")
        self._only = sqlite3.connect(
            ":memory:", factory=_Connection, check_same_thread=False, isolation_level=None, cached_statements=1000
        )
        self._only.deserialize(whole)
        self._only.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def read(self) -> Iterator[Any]:
        yield from self._within("BEGIN")

    @contextmanager
    def write(self) -> Iterator[Any]:
        yield from self._within("BEGIN IMMEDIATE")

    def _within(self, begin: str) -> Iterator[Any]:
        self._only.exec_driver_sql(begin)
        try:
            yield self._only
        except BaseException:  # a crash too: what was not committed is gone
            self._only.exec_driver_sql("ROLLBACK")
            raise
        self._only.exec_driver_sql("COMMIT")

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _said(error) from error

    def dispose(self) -> None:
        self._only.close()


@cache
def _template() -> bytes:
    """A store with today's schema and nothing in it, as SQLite writes it down."""
    database = in_memory()
    migrate(database)
    check_key(database, Vault([_KEY]))
    with database.engine.connect() as connection:
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment] # it is SQLite
        driver.commit()
        driver.execute("VACUUM")
        whole = driver.serialize()
    database.engine.dispose()
    return whole


def fresh_store() -> MemoryStore:
    """A store in memory: a copy of the template."""
    return MemoryStore(_template())


def run_in_turn(
    jobs: Sequence[Job],
    *,
    book: LeaseBook,
    holder: str,
    stop: threading.Event,
    seconds: float = 60,
    patience: float = 0,
    **_more: Any,
) -> list[Ended]:
    """As `scheduler.workers.run_jobs`, one job after the other: who comes first is no matter of luck."""
    del patience  # whoever holds a lease here does not let go of it while we wait
    renewer = Renewer(book, seconds=seconds)
    return [_run(job, book, holder, seconds, 0, renewer, stop) for job in jobs]


class _NoThread:
    """Runs nothing: a run's heartbeat is for others that look at a clock, and this one stands still."""

    def __init__(self, **_more: Any) -> None:
        return

    def start(self) -> None:
        return

    def join(self) -> None:
        return


class _NoPool:
    """A pool of the caller's own thread."""

    def __init__(self, **_more: Any) -> None:
        return

    def __enter__(self) -> "_NoPool":
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def map(self, work: Callable[..., _Answer], *items: Sequence[_Item]) -> Iterator[_Answer]:
        return map(work, *items)


__all__ = ["Disposable", "Stage", "fresh_store", "run_in_turn"]
