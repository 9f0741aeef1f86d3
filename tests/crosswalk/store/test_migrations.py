"""Migrations on both databases: from nothing to what `tables.py` says, by one process at a time."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect

from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreTooNewError
from crosswalk.store.migrations import HEAD, migrate, step
from crosswalk.store.migrations.upgrade import FOLDER, config, current, upgrade
from crosswalk.store.tables import metadata
from tests.databases import Dialect, Makers


@pytest.fixture
def empty(empty_url: str) -> Any:
    database = Database(empty_url)
    yield database
    database.close()


def shape(database: Database) -> dict[str, Any]:
    """Tables with their columns, keys, constraints and indexes as the database itself tells them."""
    with database.read() as connection:
        if database.dialect == "sqlite":
            rows = database.run(connection, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
            return {name: _statement(sql) for name, sql in rows if name != "alembic_version"}
        seen = inspect(connection)
        indexes = database.run(connection, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        tables = {
            table: (
                sorted((c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)),
                seen.get_pk_constraint(table)["constrained_columns"],
            )
            for table in seen.get_table_names()
            if table != "alembic_version"
        }
        return tables | {name: text for name, text in indexes.fetchall() if not name.startswith("alembic_version")}


def _statement(sql: str) -> Any:
    """A statement whatever its spacing and the order of a table's lines."""
    head, _, body = re.sub(r"\s+", " ", sql).partition("(")
    plain = body.replace("(false)", "false")  # the same default, spelt in two ways
    return head, sorted(part.strip(" )") for part in plain.split(", "))


def test_from_nothing_to_what_the_tables_say(empty: Database) -> None:
    migrate(empty)

    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    assert differences == []
    assert step(empty) == HEAD


def test_a_migrated_store_has_the_shape_of_a_created_one(empty: Database, databases: Makers, dialect: Dialect) -> None:
    """Partial indexes and defaults among it, which the comparison above does not see."""
    migrate(empty)

    with databases.url(dialect) as url:
        created = Database(url)
        expected = shape(created)
        created.close()
    assert shape(empty) == expected


def test_every_step_runs_after_the_one_before(empty: Database) -> None:
    for number in range(1, HEAD + 1):
        with empty.write() as connection:
            upgrade(connection, str(number))
            assert current(connection) == number


def test_head_is_the_last_step(databases: Makers) -> None:
    with databases.url("sqlite", schema=False) as url:
        database = Database(url)
        with database.read() as connection:
            script = ScriptDirectory.from_config(config(connection))
        database.close()

    assert script.get_current_head() == str(HEAD)
    steps = sorted(path.name for path in (FOLDER / "versions").glob("v*.py"))
    assert steps == [f"v{number:04}.py" for number in range(1, HEAD + 1)]


def test_an_up_to_date_store_costs_one_question(empty: Database) -> None:
    migrate(empty)
    asked: list[str] = []
    event.listen(empty.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))

    migrate(empty)

    assert [statement for statement in asked if not statement.startswith("BEGIN")] == [
        "SELECT version_num FROM alembic_version"
    ]


def test_an_up_to_date_store_is_opened_without_alembic(empty: Database, empty_url: str) -> None:
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
    def break_off(connection: Any, to: str = "head") -> None:
        upgrade(connection, to)
        raise RuntimeError("no")

    monkeypatch.setattr("crosswalk.store.migrations.upgrade.upgrade", break_off)
    with pytest.raises(RuntimeError):
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
    with empty.write() as connection:
        upgrade(connection, "1")
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
