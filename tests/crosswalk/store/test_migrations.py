"""Migrations on both databases: from nothing to what `tables.py` says, by one process at a time."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from crosswalk.store.connections import Connection, DatabaseError
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreTooNewError
from crosswalk.store.migrations import FOLDER, HEAD, migrate, statements, step
from crosswalk.store.migrations.__main__ import DIALECTS, tables
from crosswalk.store.migrations.upgrade import config, transaction, upgrade
from crosswalk.store.tables import metadata
from tests.databases import Makers


@pytest.fixture
def empty(empty_url: str) -> Any:
    database = Database(empty_url)
    yield database
    database.close()


def shape(database: Database) -> dict[str, Any]:
    """Tables with their columns, keys, constraints and indexes as the database itself tells them."""
    with transaction(database.url) as connection:
        if database.dialect == "sqlite":
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
            return {name: _statement(sql) for name, sql in rows}
        seen = inspect(connection)
        indexes = connection.exec_driver_sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        found: dict[str, Any] = {
            table: (
                sorted((c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)),
                seen.get_pk_constraint(table)["constrained_columns"],
            )
            for table in seen.get_table_names()
        }
        return found | dict(tuple(row) for row in indexes)


def _statement(sql: str) -> Any:
    """A statement whatever its spacing and the order of a table's lines."""
    head, _, body = re.sub(r"\s+", " ", sql).partition("(")
    plain = body.replace("(false)", "false")  # the same default, spelt in two ways
    return head.replace('"', ""), sorted(part.strip(" )") for part in plain.split(", "))


def test_a_new_store_is_what_the_tables_say(empty: Database) -> None:
    migrate(empty)

    with transaction(empty.url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    assert differences == []
    assert step(empty) == HEAD


def test_a_new_store_has_the_shape_of_one_that_went_through_every_step(empty: Database, databases: Makers) -> None:
    """Partial indexes and defaults among it, which the comparison above does not see."""
    migrate(empty)

    with databases.url(empty.dialect, schema=False) as url:
        stepped = Database(url)
        for number in range(1, HEAD + 1):
            upgrade(url, str(number))
            assert step(stepped) == number
        expected = shape(stepped)
        stepped.close()
    assert shape(empty) == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statements_for_a_new_store_follow_the_tables(dialect: str) -> None:
    written = (FOLDER / f"{dialect}.sql").read_text("utf-8")

    assert written == tables(dialect), "python -m crosswalk.store.migrations --tables"


def test_a_store_between_two_steps_goes_on_to_the_last(empty: Database) -> None:
    upgrade(empty.url, str(HEAD - 1))

    migrate(empty)

    assert step(empty) == HEAD


def test_head_is_the_last_step(databases: Makers) -> None:
    with databases.url("sqlite", schema=False) as url, transaction(url) as connection:
        script = ScriptDirectory.from_config(config(connection))

    assert script.get_current_head() == str(HEAD)
    steps = sorted(path.name for path in (FOLDER / "versions").glob("v*.py"))
    assert steps == [f"v{number:04}.py" for number in range(1, HEAD + 1)]


def test_an_up_to_date_store_costs_one_question(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(empty)
    asked: list[str] = []
    run = empty.run

    def noted(connection: Connection, statement: str, values: Any = ()) -> Any:
        asked.append(statement)
        return run(connection, statement, values)

    monkeypatch.setattr(empty, "run", noted)
    migrate(empty)

    assert asked == ["SELECT version_num FROM alembic_version"]


@pytest.mark.parametrize("new", [True, False], ids=["new", "up-to-date"])
def test_a_store_is_opened_without_alembic(empty: Database, empty_url: str, new: bool) -> None:
    if not new:
        migrate(empty)
    program = (
        "import sys; from crosswalk.store.dialect import Database; from crosswalk.store.migrations import migrate\n"
        f"migrate(Database({empty_url!r})); print('alembic' in sys.modules)"
    )

    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert answer.stdout.strip() == "False"


def test_several_at_once_migrate_once(empty_url: str) -> None:
    stores = [Database(empty_url) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, stores))

    assert [step(store) for store in stores] == [HEAD] * 4
    for store in stores:
        store.close()


def test_a_migrated_file_lets_readers_in_beside_a_writer(databases: Makers) -> None:
    with databases.url("sqlite", schema=False) as url:
        database = Database(url)
        migrate(database)
        with database.read() as connection:
            mode = database.run(connection, "PRAGMA journal_mode").scalar()
        database.close()

    assert mode == "wal"


def test_a_newer_store_is_left_alone(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        empty.run(connection, "UPDATE alembic_version SET version_num = ?", (str(HEAD + 2),))

    with pytest.raises(StoreTooNewError) as caught:
        migrate(empty)

    assert caught.value.code == "CW803"
    assert caught.value.text == f"the store is at schema {HEAD + 2}, this program knows {HEAD}"
    assert step(empty) == HEAD + 2


def test_a_step_that_fails_changes_nothing(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*given: Any) -> None:
        command.upgrade(*given)
        raise RuntimeError("no")

    upgrade(empty.url, "1")
    before = shape(empty)
    monkeypatch.setattr("crosswalk.store.migrations.upgrade.command", SimpleNamespace(upgrade=break_off))
    with pytest.raises(RuntimeError):
        migrate(empty)
    monkeypatch.undo()

    assert step(empty) == 1
    assert shape(empty) == before
    migrate(empty)
    assert step(empty) == HEAD


def test_a_new_store_is_made_whole_or_not_at_all(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = statements(empty.dialect)
    monkeypatch.setattr("crosswalk.store.migrations.statements", lambda _dialect: [*made, "CREATE TABLE ill ("])
    with pytest.raises(DatabaseError):
        migrate(empty)
    monkeypatch.undo()

    assert step(empty) is None
    assert shape(empty) == {}
    migrate(empty)
    assert step(empty) == HEAD


def test_a_store_that_cannot_be_opened_is_not_taken_for_a_new_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("store") / "missing" / "crosswalk.db"
    database = Database(f"sqlite:///{nowhere}")

    with pytest.raises(Exception, match="unable to open database file"):
        migrate(database)

    database.close()
    assert not nowhere.parent.exists()


def test_a_store_of_the_first_version_keeps_what_it_holds(empty: Database) -> None:
    """What a hub of that version had done and was doing, and goes on doing beside a newer one."""
    upgrade(empty.url, "1")
    with empty.write() as connection:
        for number, state in enumerate(("done", "running"), 1):
            empty.run(
                connection,
                'INSERT INTO run (id, command, "trigger", state, started_at, who, counts) VALUES (?, ?, ?, ?, ?, ?, ?)',
                (number, "sync", "person", state, 1_000, "anna", b"{}"),
            )
        empty.run(connection, "INSERT INTO slot (job, at) VALUES ('crm', 5)")
        empty.run(connection, "INSERT INTO connection (name, connector, state) VALUES ('crm', 'acme', 'fail')")

    migrate(empty)

    with empty.read() as connection:
        runs = empty.run(connection, "SELECT id, state, who, beat_at FROM run ORDER BY id").fetchall()
        slots = empty.run(connection, "SELECT job, at, holder, done_at FROM slot").fetchall()
        connections = empty.run(connection, "SELECT name, state FROM connection").fetchall()
    assert [tuple(row) for row in runs] == [(1, "done", "anna", None), (2, "running", "anna", None)]
    assert [tuple(row) for row in slots] == [("crm", 5, None, None)]
    assert [tuple(row) for row in connections] == [("crm", "fail")]
    with empty.write() as connection:  # as the older program still does
        empty.run(connection, "INSERT INTO slot (job, at) VALUES ('crm', 6)")
        empty.run(connection, "UPDATE run SET state = 'done', ended_at = 2000 WHERE id = 2")
