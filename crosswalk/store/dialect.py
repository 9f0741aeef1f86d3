"""The store's database, and the three places in which SQLite and PostgreSQL differ.

Bulk write (executemany against COPY), prefetch by a list of keys, and how a write transaction begins.
SQL is written once with `?` and sent through the driver.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import chain
from typing import Any, Final, TypeVar

from crosswalk.store.connections import Address, Connection, DatabaseError
from crosswalk.store.pools import Connections
from crosswalk.store.reading import BATCH as BATCH
from crosswalk.store.reading import Reading
from crosswalk.store.reading import Row as Row
from crosswalk.store.reading import batches as batches
from crosswalk.store.sqlite import MemoryConnections, SqliteConnections, passing
from crosswalk.store.stuck import Watch

Answer = TypeVar("Answer")

_STREAMED: Final = 5000  # rows a fetch
_TRIES: Final = 5  # of a transaction that stands in the way of others
_FEW: Final = 50  # rows that PostgreSQL is told one by one, so that one of them may replace another
# Rows from which it is told them by COPY, by way of a table that lasts as long as the transaction. As the values of one
# statement a hundred take 1.6 ms instead of 4.2, 500 take 11 instead of 15, 2,000 take 50 instead of 41.
_COPIED: Final = 1000
_VALUES: Final = 750  # values that a statement to SQLite inserts; more of them gain nothing
# Of a process that stands still inside a write transaction: PostgreSQL then ends it, since it holds the rows that its
# successor needs. Half of what a lease lasts; a write transaction waits for nothing but the database. Where it stands
# still while it sends something the server knows no limit, and who waits for it looks after that (see stuck).
STILL_SECONDS: Final = 30.0


class Database(Reading):
    """`write()` and `read()` give a connection inside one transaction; leaving it commits, an error rolls back.

    Both raise DatabaseError for what the driver raises in them. The constructor raises AddressError, and
    ModuleNotFoundError where the driver is not installed.
    """

    def __init__(self, url: str) -> None:
        address = Address.of(url)
        self.url, self.place, self.dialect = url, address.place, address.dialect
        self._connections = _connections_to(address)
        self._watch = Watch(self._connections)
        # One writer at a time in this process: SQLite's busy handler is unfair, a lock is not.
        self._writer = threading.Lock()
        self._column_types: dict[str, dict[str, tuple[int, str]]] = {}

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that may write. On SQLite it holds the write lock from its start (BEGIN IMMEDIATE).

        On PostgreSQL it is ended from there when this process stands still in it for STILL_SECONDS. `durable`: what it
        commits, and all that was committed before it, outlives a power failure; for what cannot be taken back or found
        out again. SQLite may lose the last seconds of anything else, which is then read and decided once more.
        """
        if self.dialect == "postgresql":
            still = f"SET LOCAL idle_in_transaction_session_timeout = {int(STILL_SECONDS * 1000)}"
            flushed = "; SET LOCAL synchronous_commit TO on" if durable else ""
            with (
                self._watch.over(STILL_SECONDS),
                self._connections.transaction(f"BEGIN; {still}{flushed}") as connection,
            ):
                yield connection
            return
        flushed = "FULL" if durable else "NORMAL"
        with (
            self._writer,
            self._connections.transaction(f"PRAGMA synchronous = {flushed}; BEGIN IMMEDIATE") as connection,
        ):
            yield connection

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the store."""
        return self._connections.transaction("BEGIN")

    def lent(self) -> AbstractContextManager[Connection]:
        """A connection outside any transaction, for what a database refuses inside one."""
        return self._connections.lent()

    def rest(self) -> None:
        """What was kept of the store for work that is done is of no use for what comes next: free its memory."""
        self._connections.rest()
        _trim()

    def vacuum(self, table: str) -> None:
        """After very many rows were written, so that the indexes of a table answer by themselves. Not in a transaction.

        PostgreSQL then knows which pages everybody sees: to mark those of 400,000 identifiers takes it 16 ms, and it
        reads them in the order of their index in 21 instead of 185. Where another is at it, or this user may not, it
        is passed over. SQLite needs nothing of this.
        """
        if self.dialect == "postgresql":
            with self.lent() as connection:
                self.run(connection, f'VACUUM (SKIP_LOCKED, TRUNCATE off) "{table}"')

    def close(self) -> None:
        self._watch.end()
        self._connections.close()

    def run(self, connection: Connection, statement: str, values: Row = ()) -> Any:
        """One statement through the driver; its cursor, which also has `scalar`."""
        return connection.cursor().execute(self.sql(statement), tuple(values))

    def select(
        self,
        connection: Connection,
        head: str,
        column: str,
        keys: Sequence[Any],
        tail: str = "",
        first: Row = (),
    ) -> Iterator[Any]:
        cursor = self._cursor(connection, len(keys))
        for some in batches(keys):
            clause, values = self.among(column, some)
            yield from self._ask(cursor, f"{head} {clause} {tail}", (*first, *values)).fetchall()

    def select_all(self, connection: Connection, statement: str, values: Row = ()) -> list[Any]:
        """The rows of one statement."""
        rows: list[Any] = self._ask(connection.cursor(), statement, values).fetchall()
        return rows

    def passing(self, connection: Connection) -> AbstractContextManager[None]:
        """What is read, sorted or written meanwhile is not come back to: little of it is kept in memory."""
        return passing(connection) if self.dialect == "sqlite" else nullcontext()

    def stream(self, connection: Connection, statement: str, values: Row = ()) -> Iterator[Any]:
        """Rows never all at once. One such stream a connection."""
        if self.dialect == "sqlite":
            with self.passing(connection):
                yield from connection.cursor().execute(statement, values)
            return
        with connection.cursor("stream") as cursor:  # the server's, which keeps what was not fetched yet
            cursor.itersize = _STREAMED
            yield from self._ask(cursor, statement, values)

    def _cursor(self, connection: Any, asked: int) -> Any:
        """For an answer that is taken at once, of what is asked about so many."""
        return connection.few if self.dialect == "postgresql" and asked < _FEW else connection.cursor()

    def _ask(self, cursor: Any, statement: str, values: Row) -> Any:
        """PostgreSQL answers in binary form: bodies come as they are, not in hexadecimal."""
        if self.dialect == "sqlite":
            return cursor.execute(statement, values)
        return cursor.execute(self.sql(statement), values, binary=True)

    def run_many(self, connection: Connection, statement: str, rows: Iterable[Row]) -> None:
        batch = [tuple(row) for row in rows]
        if batch:
            connection.cursor().executemany(self.sql(statement), batch)

    def insert(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows that are known to be new."""
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        if self.dialect == "sqlite":
            _insert_many(connection.cursor(), f'INSERT INTO "{table}" ({names}) VALUES', len(columns), rows)
            return
        cursor = connection.cursor()
        types = self._types_of(cursor, table, columns)
        _copy(cursor, table, names, [number for number, _ in types], rows)

    def _types_of(self, cursor: Any, table: str, columns: Sequence[str]) -> list[tuple[int, str]]:
        """PostgreSQL's numbers and names for the types of these columns, asked for once a table."""
        known = self._column_types.get(table)
        if known is None:
            cursor.execute(
                "SELECT attname, atttypid, format_type(atttypid, NULL) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (f'"{table}"',),
            )
            known = self._column_types[table] = {name: (number, told) for name, number, told in cursor.fetchall()}
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
        if self.dialect == "sqlite" or len(rows) < _FEW:
            marks = ", ".join("?" * len(columns))
            statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks}) {tail}'
            connection.cursor().executemany(self.sql(statement), rows)
            return
        cursor = connection.cursor()
        types = self._types_of(cursor, table, columns)
        if len(rows) < _COPIED and (lists := _as_lists(rows)) is not None:
            cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT * FROM {_unnested(types)} {tail}', lists)
            return
        cursor.execute(
            f'CREATE TEMP TABLE IF NOT EXISTS "new_{table}" (LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DROP'
        )
        cursor.execute(f'TRUNCATE "new_{table}"')
        _copy(cursor, f"new_{table}", names, [number for number, _ in types], rows)
        cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "new_{table}" {tail}')

    def remove(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Delete the rows that have these values in these columns, none of which is NULL."""
        if self.dialect == "sqlite" or len(rows) < 2 or (lists := _as_lists(rows)) is None:
            same = " AND ".join(f'"{name}" = ?' for name in columns)
            self.run_many(connection, f'DELETE FROM "{table}" WHERE {same}', rows)
            return
        cursor = connection.cursor()
        names = ", ".join(f'"{name}"' for name in columns)
        same = " AND ".join(f't."{name}" = gone."{name}"' for name in columns)
        told = _unnested(self._types_of(cursor, table, columns))
        cursor.execute(f'DELETE FROM "{table}" t USING {told} AS gone({names}) WHERE {same}', lists)

    def change(self, connection: Connection, head: str, column: str, keys: Sequence[Any], first: Row = ()) -> None:
        """Run `head` (up to and including WHERE or AND) for any number of keys; `first`: its parameters."""
        for some in batches(keys):
            clause, values = self.among(column, some)
            self.run(connection, f"{head} {clause}", (*first, *values))

    def delete(self, connection: Connection, table: str, column: str, keys: Sequence[Any]) -> None:
        self.change(connection, f'DELETE FROM "{table}" WHERE', column, keys)

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
            clause, values = self.among("id", ids)
            self.run(connection, f'SELECT 1 FROM "{table}" WHERE {clause} ORDER BY id FOR UPDATE', values)

    @contextmanager
    def lock(self, connection: Connection, number: int, *, shared: bool = False) -> Iterator[None]:
        """Serialise on PostgreSQL what SQLite's single writer serialises anyway; held to the transaction's end.

        `shared`: only against who holds it alone.
        """
        if self.dialect == "postgresql":
            self.run(connection, f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(?)", (number,))
        yield


def once_more(work: Callable[[], Answer]) -> Answer:
    """What `work` answers, which is done again where the database has ended a transaction of it for another one.

    Two that each hold what the other waits for: records are held in the order of their numbers, but whom a changed
    record puts on the list of work is known only by then. `work` begins with what is committed each time.
    """
    for _ in range(_TRIES - 1):
        try:
            return work()
        except DatabaseError as error:
            if not error.in_the_way:
                raise
    return work()


def in_memory() -> Database:
    """A private SQLite store for tests. One transaction at a time."""
    return Database("sqlite://")


def _trim() -> None:
    """Give back to the system what is free: what one thread has freed the others do not come to use."""
    import ctypes  # here: no other command needs it

    with suppress(OSError, AttributeError):  # glibc's alone
        ctypes.CDLL(None).malloc_trim(0)


def _connections_to(address: Address) -> Connections:
    if address.dialect == "sqlite":
        return SqliteConnections(address.target) if address.target else MemoryConnections()
    from crosswalk.store.postgresql import PostgresqlConnections  # psycopg, which SQLite goes without

    return PostgresqlConnections(address.target)


def _insert_many(cursor: Any, head: str, width: int, rows: Sequence[Row]) -> None:
    """Many rows a statement: a row costs a third less than one by one, a narrow one half."""
    marks = f"({', '.join('?' * width)})"
    size = max(_VALUES // width, 1)
    whole = len(rows) - len(rows) % size
    statement = f"{head} {', '.join([marks] * size)}"
    for start in range(0, whole, size):
        cursor.execute(statement, list(chain.from_iterable(rows[start : start + size])))
    cursor.executemany(f"{head} {marks}", rows[whole:])


def _as_lists(rows: Sequence[Row]) -> list[list[Any]] | None:
    """Rows by column, as the values of one statement; None where the driver would not know what a column is."""
    lists = [list(column) for column in zip(*rows, strict=True)]
    return lists if all(len({type(value) for value in column} - {type(None)}) <= 1 for column in lists) else None


def _unnested(types: Sequence[tuple[int, str]]) -> str:
    """Rows that are given as a list for each column, in binary: bytes come as they are."""
    return f"unnest({', '.join(f'%b::{told}[]' for _, told in types)})"


def _copy(cursor: Any, table: str, names: str, types: Sequence[int], rows: Iterable[Row]) -> None:
    """In binary: a body of 1.4 kB takes 2 µs here and 6.5 on the server, as text, which spells each byte, 7 and 13."""
    with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN (FORMAT BINARY)') as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
