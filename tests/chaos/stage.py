"""Worlds that cost milliseconds: one process, one thread, one store in memory that stays open from run to run.

What is left out is what a history does not look at: threads, the file of the store, reading the same settings twice.
And chance: the key of a store, which makes its ids, is its world's, so a history is the same wherever it is played.
Leases, fences, transactions and every statement are the engine's own. A `World` of `tests.hub` has the rest as well.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest
import tenacity.wait
from msgspec.structs import replace

import crosswalk.app
import crosswalk.engine.apply
import crosswalk.engine.plan
import crosswalk.engine.pull
import crosswalk.engine.run
import crosswalk.house
import crosswalk.store.meta
from connectors.sdk.contract import FieldInfo, Page, StreamSpec
from crosswalk import drift
from crosswalk.engine import policies
from crosswalk.house import Builder
from crosswalk.settings.load import load
from crosswalk.store.connections import DatabaseError
from crosswalk.store.dialect import Database, in_memory
from crosswalk.store.migrations import migrate
from crosswalk.store.sqlite import MemoryConnections, SqliteConnection
from crosswalk.store.tokens import Vault, check_key, new_key
from scheduler.leases import LeaseBook
from scheduler.workers import Ended, Job, Renewer, _run
from tests.hub import Join, World, several_at_once
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
        self._policies: dict[int, Any] = {}
        self._world: World | None = None
        self._chance = Random(0)

    @contextmanager
    def lit(self) -> Iterator["Stage"]:
        """Until the end of the block every hub that is opened works on this stage."""
        compiled, of_settings = Builder.compiled, policies.of_settings
        chunk_of_updates = crosswalk.engine.apply.chunk_of_updates

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

        def few_at_once(spec: StreamSpec) -> int:
            """Where answers have no values a few people are several batches: of the next one is read with the last."""
            return chunk_of_updates(spec) if spec.answers_with_values else spec.batch

        def policies_once(settings: Any) -> Any:
            if id(settings) not in self._policies:
                self._policies[id(settings)] = of_settings(settings), settings
            return self._policies[id(settings)][0]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crosswalk.app, "open_store", self._opened)
            patch.setattr(crosswalk.app, "load", load_once)
            patch.setattr(Builder, "compiled", compile_once)
            patch.setattr(policies, "of_settings", policies_once)
            patch.setattr(drift, "loaded", cache(drift.loaded))
            stored = cache(drift.stored)
            patch.setattr(drift, "stored", lambda catalogue: stored(hashable(catalogue)))
            patch.setattr(crosswalk.engine.run, "run_jobs", run_in_turn)
            patch.setattr(crosswalk.engine.run, "threading", SimpleNamespace(Event=threading.Event, Thread=_NoThread))
            patch.setattr(crosswalk.engine.apply, "chunk_of_updates", few_at_once)
            patch.setattr(crosswalk.engine.pull, "prefetched", self._handed_out)
            patch.setattr(crosswalk.engine.plan, "uuid4", lambda: UUID(int=self._chance.getrandbits(128), version=4))
            patch.setattr(crosswalk.store.meta, "secrets", SimpleNamespace(token_bytes=self._key))
            patch.setattr(tenacity.wait, "random", SimpleNamespace(uniform=lambda *ends: self._chance.uniform(*ends)))
            patch.setattr(crosswalk.house, "ThreadPoolExecutor", _NoPool)
            yield self
        self._drop()

    def world(self) -> World:
        """A new one, with a store and vendors that nobody has used."""
        self._drop()
        for name in [name for name in REMOTES if name.startswith(f"{self._folder.name}-")]:
            del REMOTES[name]
        self._database = self._make()
        self._chance = Random(0)
        self._world = self._kind(self._folder, self._database)
        return self._world

    def _handed_out(self, pages: Iterator[Page], _ahead: int, *, weigh: Any, join: Join) -> Iterator[Page]:
        swift = self._world is not None and self._world.swift
        return several_at_once(pages, join) if swift else pages

    def _key(self, size: int) -> bytes:
        word = "" if self._world is None else self._world.key
        return blake2b(word.encode(), digest_size=size).digest()

    def _opened(self, _url: str, **_more: Any) -> tuple[Database, Vault]:
        if self._database is None:
            raise LookupError("no world has been made yet")
        return self._database, self._vault

    def _drop(self) -> None:
        if self._database is not None:
            self._database.dispose()
            self._database = None


def hashable(catalogue: Sequence[FieldInfo]) -> tuple[FieldInfo, ...]:
    return tuple(one if type(one.options) is tuple else replace(one, options=tuple(one.options)) for one in catalogue)


class StageWorld(World):
    """A world on a stage."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, database.url, "")
        self._database = database

    @contextmanager
    def store(self) -> Iterator[Database]:
        yield self._database


_KEY = new_key()


class _OnlyOne(MemoryConnections):
    """As they are, handed out by less: a history asks for a connection thousands of times."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: bytes | None = None  # where it is kept: the store as it was last on the disk

    @contextmanager
    def lent(self) -> Iterator[Any]:
        try:
            yield self._only
        except sqlite3.Error as error:
            raise DatabaseError(error) from error
        finally:
            self._only.rollback()

    def transaction(self, begin: str) -> "_Transaction":  # type: ignore[override]  # made by no generator
        return _Transaction(self, begin)

    def flush(self) -> None:
        if self.flushed is not None:
            self.flushed = cast("sqlite3.Connection", self._only).serialize()


class _Transaction:
    """As `Connections.transaction`: a history has thousands of these too, and a generator each is a tenth of it."""

    __slots__ = ("_begin", "_connection", "_owner")

    def __init__(self, owner: _OnlyOne, begin: str) -> None:
        self._owner, self._connection, self._begin = owner, owner._only, begin

    def __enter__(self) -> SqliteConnection:
        for statement in self._begin.split("; "):
            self._execute(statement)
        return self._connection

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if error is None:
            self._execute("COMMIT")
            if "FULL" in self._begin:
                self._owner.flush()
            return
        self._connection.rollback()
        if isinstance(error, sqlite3.Error):
            raise DatabaseError(error) from error

    def _execute(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.Error as error:
            self._connection.rollback()
            raise DatabaseError(error) from error


class MemoryStore(Disposable):
    """A private store in memory that begins as a copy."""

    def __init__(self, whole: bytes) -> None:
        super().__init__("sqlite://")
        self._connections.close()
        self._only = self._connections = _OnlyOne()
        self._restore(whole)

    def _restore(self, whole: bytes) -> None:
        with self.lent() as connection:
            cast("sqlite3.Connection", connection).deserialize(whole)

    def keep_flushed(self) -> None:
        """From now on it is known what of it is on the disk."""
        self._only.flushed = b""
        self._only.flush()

    def power_fails(self) -> None:
        """What has been committed since something was flushed is gone."""
        if self._only.flushed is not None:
            self._restore(self._only.flushed)


@cache
def _template() -> bytes:
    """A store with today's schema and nothing in it, as SQLite writes it down."""
    database = in_memory()
    migrate(database)
    check_key(database, Vault([_KEY]))
    with database.lent() as connection:
        connection.execute("VACUUM")
        whole = cast("sqlite3.Connection", connection).serialize()
    database.close()
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
