"""What is paused, by whom or by what, and what ends it."""

from typing import Any

import pytest

from crosswalk.store.dialect import Database
from crosswalk.store.pauses import Pause, end_pause, pause_of, pauses, regain, set_pause


@pytest.fixture
def store(database: Database) -> Database:
    with database.write() as connection:
        rows = [("crm", "x", "ok", None, None, None), ("cem", "y", "paused", "CW202", "refused", 5)]
        database.insert(connection, "connection", ("name", "connector", "state", "code", "detail", "since"), rows)
    return database


def done(store: Database, what: Any, *args: Any, **more: Any) -> Any:
    with store.write() as connection:
        return what(store, connection, *args, **more)


def known(store: Database) -> dict[str, Pause]:
    with store.read() as connection:
        return pauses(store, connection)


def test_a_refused_connection_is_paused_by_its_code(store: Database) -> None:
    assert known(store) == {"cem": Pause(address="cem", at=5, code="CW202", text="refused")}


def test_a_person_pauses_once_and_stays_named(store: Database) -> None:
    assert done(store, set_pause, "crm/people", who="anna", at=7)
    assert not done(store, set_pause, "crm/people", who="ben", at=8)

    found = known(store)

    assert found["crm/people"] == Pause(address="crm/people", who="anna", at=7)
    assert pause_of(found, "crm/people") is found["crm/people"]
    assert (pause_of(found, "crm"), pause_of(found, "crm/firms")) == (None, None)
    assert pause_of(found, "cem/answers") is found["cem"]


def test_access_granted_anew_does_not_end_what_a_person_paused(store: Database) -> None:
    done(store, set_pause, "cem", who="anna", at=7)

    assert done(store, regain, "cem")

    assert known(store) == {"cem": Pause(address="cem", who="anna", at=7)}
    assert not done(store, regain, "cem")


def test_resuming_ends_both(store: Database) -> None:
    done(store, set_pause, "cem", who="anna", at=7)

    assert done(store, end_pause, "cem")

    assert known(store) == {}
    assert not done(store, end_pause, "cem")
