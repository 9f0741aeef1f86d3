"""Runs that end by themselves, and runs whose process has gone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crosswalk.store import runs
from crosswalk.store.dialect import Database

NOW = int(datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


def begin(database: Database, *, at: int = NOW) -> int:
    return runs.start(database, command="sync", trigger="daemon", who="hub-1", at=at)


def row(database: Database, number: int) -> tuple[Any, ...]:
    with database.read() as connection:
        found = database.run(connection, "SELECT state, ended_at FROM run WHERE id = ?", (number,)).fetchone()
    return tuple(found)


def test_the_run_of_a_process_that_is_silent_is_abandoned_by_the_next_one(database: Database) -> None:
    killed = begin(database)
    runs.beat(database, killed, at=NOW + MINUTE)

    begin(database, at=NOW + 2 * MINUTE)
    assert row(database, killed) == ("running", None)
    begin(database, at=NOW + 2 * MINUTE + 1)

    assert row(database, killed) == ("abandoned", NOW + MINUTE)


def test_a_run_that_was_only_frozen_runs_again_and_ends_as_it_ends(database: Database) -> None:
    frozen = begin(database)
    begin(database, at=NOW + 5 * MINUTE)
    assert row(database, frozen)[0] == "abandoned"

    runs.beat(database, frozen, at=NOW + 6 * MINUTE)
    assert row(database, frozen) == ("running", None)
    runs.end(database, frozen, state="done", at=NOW + 7 * MINUTE, counts={})

    assert row(database, frozen) == ("done", NOW + 7 * MINUTE)


def test_a_beat_that_comes_late_does_not_wake_a_run_that_has_ended(database: Database) -> None:
    number = begin(database)
    runs.end(database, number, state="failed", at=NOW, counts={})

    runs.beat(database, number, at=NOW + 1)

    assert row(database, number) == ("failed", NOW)


@pytest.mark.parametrize(("hours", "state"), [(23, "running"), (25, "abandoned")])
def test_a_run_of_a_version_that_knew_no_beats_is_given_up_after_a_day(
    database: Database, hours: int, state: str
) -> None:
    number = begin(database)
    with database.write() as connection:
        database.run(connection, "UPDATE run SET beat_at = NULL WHERE id = ?", (number,))

    begin(database, at=NOW + hours * 60 * MINUTE)

    assert row(database, number)[0] == state
