"""A hub that has run for years: no run reads past all that is settled by now."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from crosswalk.store.dialect import Database
from crosswalk.store.tables import metadata
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World

# Tables that stay small, or whose rows are there as long as something is to be done.
SMALL: Final = {
    "alembic_version", "approval", "connection", "daemon", "erasure", "ident_kind", "lease", "mapping", "meta", "part",
    "pause", "pg_attribute", "sequence", "stream", "suppressed", "swept", "todo", "waiting",
}  # fmt: skip
OF_SOME: Final = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
NAMED: Final = re.compile(r'\b(?:FROM|JOIN|UPDATE|INTO) "?(\w+)"?(?: ([a-z]\w*)\b)?')
SCAN: Final = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
READS: Final = re.compile(r"\s*(SELECT|UPDATE|DELETE|INSERT INTO \w+ \([\w, ]+\) SELECT)\b")


class Whole:
    """Which tables are read from one end to the other, and by which statement."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[tuple[str, str]] = []
        self._asked: set[str] = set()
        run, ask, run_many = Database.run, Database._ask, Database.run_many

        def ran(database: Database, connection: Any, statement: str, values: Sequence[Any] = ()) -> Any:
            self._look(database, connection, statement, values)
            return run(database, connection, statement, values)

        def asked(database: Database, cursor: Any, statement: str, values: Sequence[Any]) -> Any:
            self._look(database, cursor.connection, statement, values)
            return ask(database, cursor, statement, values)

        def ran_many(database: Database, connection: Any, statement: str, rows: Any) -> None:
            rows = list(rows)
            for values in rows[:1]:
                self._look(database, connection, statement, values)
            run_many(database, connection, statement, rows)

        for name, watched in (("run", ran), ("_ask", asked), ("run_many", ran_many)):
            monkeypatch.setattr(Database, name, watched)

    def _look(self, database: Database, connection: Any, statement: str, values: Sequence[Any]) -> None:
        words = re.sub(r"\?(, \?)+", "?", statement)
        if words in self._asked or not READS.match(statement):
            return
        self._asked.add(words)
        told = _on_sqlite if database.dialect == "sqlite" else _on_postgresql
        self.found += [
            (table, statement) for table in told(connection, database.sql(statement), values) if table not in SMALL
        ]


def _on_sqlite(connection: Any, statement: str, values: Sequence[Any]) -> Iterator[str]:
    """A plan calls a table by its alias, where it has one."""
    tables = {alias or table: table for table, alias in NAMED.findall(statement)}
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", tuple(values)):
        scan = SCAN.match(step)
        if scan and scan[1] != "CONSTANT" and scan[2] not in OF_SOME:
            yield str(tables.get(scan[1], scan[1]))


def _on_postgresql(connection: Any, statement: str, values: Sequence[Any]) -> Iterator[str]:
    """A table that is as small as here would be read whole by choice: only where nothing else can be done counts."""
    cursor = connection.cursor()
    cursor.execute("SET LOCAL enable_seqscan = off")
    for (step,) in cursor.execute(f"EXPLAIN {statement}", tuple(values)).fetchall():
        if scan := re.search(r"Seq Scan on (\w+)", step):
            yield scan[1]
    cursor.execute("SET LOCAL enable_seqscan = on")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = two(tmp_path, database_url)
    for number in range(1, 8):
        world.remote("beta").put("people", str(number), name=f"Ada {number}", email=f"ada{number}@a.test")
    settle_down(world)
    return world


def test_a_quiet_run_reads_no_table_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Whole(monkeypatch)

    world.sync()

    assert whole.found == []


def test_nor_does_one_that_reads_and_writes_a_few_records(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Whole(monkeypatch)
    beta = world.remote("beta")
    beta.put("people", "1", title="Engineer")
    beta.put("people", "8", name="Ito Sho", email="ito@a.test")
    beta.put("people", "2", email="ada1@a.test")  # somebody else's: two are joined, or a person is asked

    world.sync()
    world.sync()

    assert whole.found == []
