"""The state of the house, and its runs."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import pytest

from crosswalk.engine.overview import DAEMON, runs, status
from crosswalk.engine.words import AskError
from crosswalk.settings.listed import Connected, Due, Listed
from crosswalk.store import meta
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import dump
from crosswalk.store.dialect import Database
from crosswalk.store.records import LIVE, RECORD_COLUMNS
from tests.crosswalk.engine.house_for_reports import World, ago, millis


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.stream("salesforce/contacts", "person", ("name", "phones"), writes=("update", "create"))
    made.stream("pipedrive/persons", "person", ("name", "phones"))
    record = made.record("salesforce/contacts/1", name={"full": "Mara"})
    made.entity("person", [record], public="8f2kq", name={"full": "Mara"})
    return made


def look(world: World, *, due: Mapping[str, Due] | None = None, exit_code: bool = False) -> dict[str, Any]:
    """The status of this world, of which a file lists everything."""
    connections = tuple(
        Connected(
            name=name,
            connector=link.connector.name,
            unit=link.unit,
            due=(due or {}).get(name, Due()),
            streams=tuple(one.name for one in world.house.streams.values() if one.connection == name),
        )
        for name, link in world.house.links.items()
    )
    listed = Listed(time_zone="Europe/Berlin", connections=connections)
    return status(world.database, listed, now=world.clock(), exit_code=exit_code)


def test_a_new_house_waits_for_nobody(world: World) -> None:
    told = look(world, exit_code=True)

    assert told["daemon"] is None
    assert [(one["name"], one["state"], one["budget"]) for one in told["connections"]] == [
        ("salesforce", "new", None),
        ("pipedrive", "new", None),
    ]
    assert told["waiting"] == {"approvals": [], "conflicts": 0, "pairs": 0, "dead_letters": 0}
    assert told["exit_code"] == 0


def test_a_daemon_is_there_while_its_heart_beats(world: World) -> None:
    def beat(at: int) -> Any:
        with world.database.write() as connection:
            told = {"host": "hub-1", "started_at": millis(21, 5), "heartbeat_at": at}
            meta.put(world.database, connection, DAEMON, dump(told))
        return look(world)["daemon"]

    assert beat(ago(seconds=4)) == {
        "host": "hub-1", "started_at": "2026-11-21T05:00:00.000Z", "heartbeat_at": "2026-11-23T08:29:56.000Z",
    }  # fmt: skip
    assert beat(ago(seconds=61)) is None


def test_connections_say_how_they_are_and_what_is_left(world: World) -> None:
    world.insert("connection", name="salesforce", connector="salesforce", last_good_at=ago(minutes=14))
    world.insert(
        "connection", name="pipedrive", connector="pipedrive", state="paused", code="CW202",
        detail="the token has been refused", since=ago(minutes=10),
    )  # fmt: skip
    Budgets(world.database, world.clock).declare("salesforce", allowance=40_000, reserve=8_000, remaining=36_000)

    told = look(world, exit_code=True)
    fine, paused = told["connections"]

    assert (fine["state"], fine["last_good_at"]) == ("ok", "2026-11-23T08:16:00.000Z")
    assert fine["next_at"] is None
    assert {name: fine["budget"][name] for name in ("left", "limit", "unit", "share")} == {
        "left": 36_000, "limit": 40_000, "unit": "calls", "share": 0.9,
    }  # fmt: skip
    assert (paused["state"], paused["code"], paused["text"]) == ("paused", "CW202", "the token has been refused")
    assert told["exit_code"] == 1


def test_while_a_daemon_lives_connections_say_when_they_are_due(world: World) -> None:
    due = {"salesforce": Due(cron="0 3 * * *"), "pipedrive": Due(every=3600)}
    assert [one["next_at"] for one in look(world, due=due)["connections"]] == [None, None]
    with world.database.write() as connection:
        told = {"host": "hub-1", "started_at": millis(21, 5), "heartbeat_at": ago(seconds=4)}
        meta.put(world.database, connection, DAEMON, dump(told))

    nightly, hourly = (one["next_at"] for one in look(world, due=due)["connections"])

    assert nightly == "2026-11-24T02:00:00.000Z"
    assert "2026-11-23T08:30:00.000Z" < hourly <= "2026-11-23T09:30:00.000Z"


def test_streams_say_what_has_been_read(world: World) -> None:
    world.insert("part", stream=1, name="", covered_to=ago(minutes=14), total=62_118, complete=True)
    world.insert("part", stream=1, name="~removals", watermark=1)
    world.insert("part", stream=2, name="a", covered_to=ago(minutes=1), total=3, complete=True)
    world.insert("part", stream=2, name="b", covered_to=ago(minutes=9), total=4, complete=False)

    first, second = look(world)["streams"]

    assert (first["stream"], first["records"], first["total"], first["complete"]) == (
        "salesforce/contacts", 1, 62_118, True,
    )  # fmt: skip
    assert first["covered_to"] == "2026-11-23T08:16:00.000Z"
    assert (second["parts"], second["total"], second["complete"]) == (2, 7, False)
    assert second["covered_to"] == "2026-11-23T08:21:00.000Z"


def test_a_stream_that_has_just_been_listed_has_read_nothing(world: World) -> None:
    one = Connected(name="zoho", connector="zoho", unit="credits", due=Due(), streams=("contacts",))

    told = status(world.database, Listed(time_zone="UTC", connections=(one,)), now=world.clock())

    assert [(one["name"], one["state"]) for one in told["connections"]] == [("zoho", "new")]
    assert [(one["stream"], one["records"], one["complete"]) for one in told["streams"]] == [
        ("zoho/contacts", 0, False)
    ]


def test_the_count_of_a_window_is_not_taken_for_that_of_the_stream(world: World) -> None:
    world.insert("part", stream=1, name="", covered_to=ago(minutes=14), total=0, complete=True)

    assert look(world)["streams"][0]["total"] is None


def test_everything_that_waits_for_a_person_is_counted(world: World) -> None:
    other = world.record("pipedrive/persons/1", name={"full": "Mara"}, phones=[])
    world.entity("person", [other], public="9aaaa")
    for entity in (1, 2):
        world.action("salesforce/contacts", entity, None, "name", held_by="guard:create")
    world.action("salesforce/contacts", 1, 1, "phones", held_by="first,guard:clear")
    world.action("pipedrive/persons", 1, other, "phones", state="acked", held_by=None)
    world.conflict(1, "phones", (1, "a"))
    world.pair(1, other)
    world.letter("salesforce/contacts/1")
    world.letter("salesforce/contacts/2", state="dropped")

    told = look(world, exit_code=True)

    assert [(one["plan"], one["class"], one["count"]) for one in told["waiting"]["approvals"]] == [
        ("P87", "create", 2),
        ("P87", "clear", 1),
    ]
    assert told["waiting"]["approvals"][0]["streams"] == ["salesforce/contacts"]
    assert {name: told["waiting"][name] for name in ("conflicts", "pairs", "dead_letters")} == {
        "conflicts": 1, "pairs": 1, "dead_letters": 1,
    }  # fmt: skip
    assert told["exit_code"] == 3


def test_a_large_house_is_told_as_quickly(world: World) -> None:
    rows = [(n, 1, f"k{n:07}", None, None, 1, None, 1, LIVE, None) for n in range(10, 100_010)]
    with world.database.write() as connection:
        world.database.insert(connection, "record", RECORD_COLUMNS, rows)
    look(world)
    started = perf_counter()

    told = look(world)

    assert told["streams"][0]["records"] == 100_001
    assert perf_counter() - started < 0.5  # measured: a few ms; the rest is for a loaded machine


def test_runs_are_told_newest_first(world: World) -> None:
    counts = {
        "read": 12, "changed": 3, "written": 5, "aside": 1,
        "streams": {"zoho/contacts": {"read": 12, "written": 5}, "zoho/deals": {"read": 0}},
    }  # fmt: skip
    world.run(146, state="failed")
    world.run(
        147, trigger="daemon", state="waits", started=millis(23, 8, 15), ended_at=millis(23, 8, 15) + 4_100, plan=87,
        who="hub-1", counts=counts,
    )  # fmt: skip

    told = runs(world.database, 1)

    (one,) = told["runs"]
    assert (one["id"], one["trigger"], one["state"], one["seconds"]) == ("R147", "daemon", "waits", 4.1)
    assert (one["read"], one["changed"], one["written"], one["aside"]) == (12, 3, 5, 1)
    assert (one["plan"], one["connections"]) == ("P87", ["zoho"])
    assert told["left_out"] == 1
    assert [run["id"] for run in runs(world.database, 0)["runs"]] == ["R147", "R146"]


def test_one_run_is_told_stream_by_stream(world: World) -> None:
    world.run(147, counts={"streams": {"zoho/contacts": {"read": 12}}}, state="running")

    told = runs(world.database, run="r147")

    assert told["runs"][0]["seconds"] is None
    assert told["streams"] == [{"stream": "zoho/contacts", "read": 12}]
    with pytest.raises(AskError, match="no run R9"):
        runs(world.database, run="R9")
