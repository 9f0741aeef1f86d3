"""Dead letters in the store."""

from typing import Any

from crosswalk.store import letters
from crosswalk.store.dialect import Database
from crosswalk.store.letters import Letter


def letter(rkey: str, *, field: str = "phones", reason: str = "phone is no number", inputs: bytes = b"1") -> Letter:
    return Letter(1, rkey, "read", field, "CW401", reason, None, inputs)


def post(database: Database, *several: Letter, at: int) -> int:
    with database.write() as connection:
        return letters.post(database, connection, several, at=at, run=at)


def told(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        rows = database.run(
            connection,
            "SELECT rkey, field, reason, state, tries, first_at, last_at FROM dead_letter ORDER BY rkey, field",
        )
        return [tuple(row) for row in rows.fetchall()]


def test_several_are_opened_and_counted_together(database: Database) -> None:
    assert post(database, letter("1"), letter("2"), letter("2", field="emails"), at=7) == 3
    assert post(database, letter("1", reason="another"), letter("3"), at=8) == 1

    assert told(database) == [
        ("1", "phones", "another", "open", 2, 7, 8),
        ("2", "emails", "phone is no number", "open", 1, 7, 7),
        ("2", "phones", "phone is no number", "open", 1, 7, 7),
        ("3", "phones", "phone is no number", "open", 1, 8, 8),
    ]


def test_of_two_alike_the_last_counts(database: Database) -> None:
    assert post(database, letter("1"), letter("1", reason="another"), at=7) == 1

    assert told(database) == [("1", "phones", "another", "open", 1, 7, 7)]


def test_what_a_person_has_dropped_stays_so_while_it_is_about_the_same(database: Database) -> None:
    post(database, letter("1"), letter("2"), letter("3"), at=7)
    with database.write() as connection:
        database.run(connection, "UPDATE dead_letter SET state = 'dropped' WHERE rkey <> '3'")
        database.run(connection, "UPDATE dead_letter SET state = 'closed' WHERE rkey = '3'")

    opened = post(database, letter("1"), letter("2", inputs=b"2"), letter("3"), at=8)

    assert opened == 1  # that was closed; what a person dropped had been told of
    assert [row[3] for row in told(database)] == ["dropped", "open", "open"]
