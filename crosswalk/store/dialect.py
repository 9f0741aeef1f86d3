"""The store's database: one engine, and the three places in which SQLite and PostgreSQL differ.

Bulk write (executemany against COPY), prefetch by a list of keys, and how a write transaction begins.
SQL for hot paths is written once with `?` and sent through the driver: SQLAlchemy's executemany costs twice.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from crosswalk.store.reading import BATCH as BATCH
from crosswalk.store.reading import BUSY_SECONDS, Reading
from crosswalk.store.reading import Row as Row
from crosswalk.store.reading import batches as batches

# KiB of pages that a connection to SQLite may keep; also what a sort takes before it goes on in a file.
_CACHE: Final = 32 * 1024
_STREAMED: Final = 5000  # rows a fetch
_VALUES: Final = 750  # values that a statement to SQLite inserts; more of them gain nothing
# Of a process that stands still inside a write transaction: PostgreSQL then ends it, since it holds the rows that its
# successor needs. Half of what a lease lasts; a write transaction waits for nothing but the database.
STILL_SECONDS: Final = 30.0


class Database(Reading):
    """`write()` and `read()` give a connection inside one transaction; leaving it commits, an error rolls back."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            self.dialect = "postgresql"
            self.engine: Engine = create_engine(parsed, pool_size=5, max_overflow=20, pool_pre_ping=True)
        else:
            self.dialect = "sqlite"
            self.engine = create_engine(
                parsed,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
                # The connection that was used last knows most pages: what another one writes empties its cache.
                **(
                    {}
                    if parsed.database in (None, "", ":memory:")
                    else {"pool_size": 10, "max_overflow": 20, "pool_use_lifo": True}
                ),
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self.url = parsed
        # One writer at a time in this process: SQLite's busy handler is unfair, a lock is not.
        self._writer = threading.Lock()
        self._column_types: dict[str, dict[str, int]] = {}

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write. On SQLite it holds the write lock from its start (BEGIN IMMEDIATE).

        On PostgreSQL it is ended from there when nothing is asked in it for STILL_SECONDS.
        """
        if self.dialect == "postgresql":
            with self.engine.begin() as connection:
                self.run(connection, f"SET LOCAL idle_in_transaction_session_timeout = {int(STILL_SECONDS * 1000)}")
                yield connection
            return
        with self._writer, self.engine.connect() as connection:
            writing = connection.execution_options(crosswalk_write=True)
            with writing.begin():
                yield writing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def run(self, connection: Connection, statement: str, values: Row = ()) -> Any:
        """One statement through the driver; its cursor result."""
        return connection.exec_driver_sql(self.sql(statement), tuple(values))

    def select(
        self,
        connection: Connection,
        head: str,
        column: str,
        keys: Sequence[Any],
        tail: str = "",
        first: Row = (),
    ) -> Iterator[Any]:
        """As in Reading, straight from the driver: on its way through the engine a row costs three times as much."""
        cursor = _cursor(connection)
        for some in batches(keys):
            clause, values = self.among(column, some)
            with self._in_its_words():
                rows = self._ask(cursor, f"{head} {clause} {tail}", (*first, *values)).fetchall()
            yield from rows

    def select_all(self, connection: Connection, statement: str, values: Row = ()) -> list[Any]:
        """The rows of one statement, straight from the driver."""
        with self._in_its_words():
            rows: list[Any] = self._ask(_cursor(connection), statement, values).fetchall()
        return rows

    def stream(self, connection: Connection, statement: str, values: Row = ()) -> Iterator[Any]:
        """Rows straight from the driver, never all at once. One such stream a connection."""
        with self._in_its_words():
            if self.dialect == "sqlite":
                yield from _cursor(connection).execute(statement, values)
                return
            with _cursor(connection, "stream") as cursor:
                cursor.itersize = _STREAMED
                yield from self._ask(cursor, statement, values)

    def _ask(self, cursor: Any, statement: str, values: Row) -> Any:
        """PostgreSQL answers in binary form: bodies come as they are, not in hexadecimal."""
        if self.dialect == "sqlite":
            return cursor.execute(statement, values)
        return cursor.execute(self.sql(statement), values, binary=True)

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        """What the driver says, as the engine says it: whoever catches that need not know which way was taken."""
        error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        try:
            yield
        except error as said:
            raise DBAPIError.instance(None, None, said, error, True, dialect=self.engine.dialect) from said

    def run_many(self, connection: Connection, statement: str, rows: Iterable[Row]) -> None:
        batch = [tuple(row) for row in rows]
        if batch:
            connection.exec_driver_sql(self.sql(statement), batch)

    def insert(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows that are known to be new."""
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        if self.dialect == "sqlite":
            with self._in_its_words():
                _insert_many(_cursor(connection), f'INSERT INTO "{table}" ({names}) VALUES', len(columns), rows)
            return
        with self._in_its_words():
            cursor = _cursor(connection)
            _copy(cursor, table, names, self._types_of(cursor, table, columns), rows)

    def _types_of(self, cursor: Any, table: str, columns: Sequence[str]) -> list[int]:
        """PostgreSQL's numbers for the types of these columns, asked for once a table."""
        known = self._column_types.get(table)
        if known is None:
            cursor.execute(
                "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                (f'"{table}"',),
            )
            known = self._column_types[table] = dict(cursor.fetchall())
        return [known[column] for column in columns]

    def upsert(
        self,
        connection: Connection,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Sequence[Row],
        *,
        replace: bool = True,
    ) -> None:
        """Insert or replace by key; without `replace` what is there stays. `columns` are all, the key's among them."""
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        keys = ", ".join(f'"{name}"' for name in key)
        sets = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
        tail = f"ON CONFLICT ({keys}) DO " + (f"UPDATE SET {sets}" if sets and replace else "NOTHING")
        if self.dialect == "sqlite" or len(rows) < 50:
            marks = ", ".join("?" * len(columns))
            statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks}) {tail}'
            with self._in_its_words():
                _cursor(connection).executemany(self.sql(statement), rows)
            return
        with self._in_its_words():
            cursor = _cursor(connection)
            cursor.execute(
                f'CREATE TEMP TABLE IF NOT EXISTS "new_{table}" (LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DROP'
            )
            cursor.execute(f'TRUNCATE "new_{table}"')
            _copy(cursor, f"new_{table}", names, self._types_of(cursor, table, columns), rows)
            cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "new_{table}" {tail}')

    def delete(self, connection: Connection, table: str, column: str, keys: Sequence[Any]) -> None:
        for some in batches(keys):
            clause, values = self.among(column, some)
            self.run(connection, f'DELETE FROM "{table}" WHERE {clause}', values)

    def take_ids(self, name: str, count: int) -> range:
        """The next `count` ids of a sequence, in a transaction of their own: a crash leaves a gap, never a double.

        Not inside another write transaction: SQLite has one writer.
        """
        with self.write() as connection:
            row = self.run(
                connection,
                "INSERT INTO sequence (name, next) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET next = sequence.next + excluded.next - 1 RETURNING next",
                (name, count + 1),
            ).fetchone()
        return range(row[0] - count, row[0])

    def hold(self, connection: Connection, table: str, ids: Sequence[int]) -> None:
        """Keep these rows as they are until the transaction ends; SQLite's writer is alone anyway.

        Always in the order of the ids, so that two holders never wait for each other.
        """
        if self.dialect == "postgresql" and ids:
            self.run(connection, f'SELECT 1 FROM "{table}" WHERE id = ANY(?) ORDER BY id FOR UPDATE', (list(ids),))

    @contextmanager
    def lock(self, connection: Connection, number: int) -> Iterator[None]:
        """Serialise on PostgreSQL what SQLite's single writer serialises anyway; held to the transaction's end."""
        if self.dialect == "postgresql":
            self.run(connection, "SELECT pg_advisory_xact_lock(?)", (number,))
        yield


def in_memory() -> Database:
    """A private SQLite store for tests."""
    from sqlalchemy.pool import StaticPool

    database = Database.__new__(Database)
    database.dialect = "sqlite"
    database.engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS}
    )
    event.listen(database.engine, "connect", _prepare_sqlite)
    event.listen(database.engine, "begin", _begin_sqlite)
    database.url = make_url("sqlite://")
    database._writer = threading.Lock()
    return database


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    cursor = connection.cursor()
    # A new file only: bigger pages take a third off what a load costs in writing them. Before the size of the cache,
    # which SQLite counts in pages of the size that it knows at that moment.
    cursor.execute("PRAGMA page_size = 16384")
    cursor.execute(f"PRAGMA cache_size = -{_CACHE}")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("crosswalk_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _cursor(connection: Connection, *name: str) -> Any:
    """The driver's own. On PostgreSQL one with a name is the server's, which keeps what was not fetched yet."""
    return connection.connection.cursor(*name)


def _insert_many(cursor: Any, head: str, width: int, rows: Sequence[Row]) -> None:
    """Many rows a statement: a row costs a third less than one by one, a narrow one half."""
    marks = f"({', '.join('?' * width)})"
    size = max(_VALUES // width, 1)
    whole = len(rows) - len(rows) % size
    statement = f"{head} {', '.join([marks] * size)}"
    for start in range(0, whole, size):
        cursor.execute(statement, list(chain.from_iterable(rows[start : start + size])))
    cursor.executemany(f"{head} {marks}", rows[whole:])


def _copy(cursor: Any, table: str, names: str, types: Sequence[int], rows: Iterable[Row]) -> None:
    """In binary: a body of 1.4 kB takes 2 µs here and 6.5 on the server, as text, which spells each byte, 7 and 13."""
    with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN (FORMAT BINARY)') as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
