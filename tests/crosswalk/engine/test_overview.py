"""The state of the house, and its runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest

from crosswalk.engine.overview import judged, runs, status
from crosswalk.engine.words import AskError
from crosswalk.settings.listed import Connected, Due, Listed
from crosswalk.store.budget import Budgets
from crosswalk.store.daemons import Presence
from crosswalk.store.dialect import Database
from crosswalk.store.records import LIVE, RECORD_COLUMNS
from tests.clocks import SetClock
from tests.crosswalk.engine.house_for_reports import World, ago, millis


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.stream("salesforce/contacts", "person", ("name", "phones"), writes=("update", "create"))
    made.stream("pipedrive/persons", "person", ("name", "phones"))
    record = made.record("salesforce/contacts/1", name={"full": "Mara"})
    made.entity("person", [record], public="8f2kq", name={"full": "Mara"})
    return made


def look(world: World, *, due: Mapping[str, Due] | None = None) -> dict[str, Any]:
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
    return status(world.database, listed, now=world.clock())


def daemon(world: World, *, at: int, name: str = "hub-1") -> Presence:
    """One that began then, and has been silent since."""
    begun = SetClock(datetime.fromtimestamp(at / 1000, UTC))
    made = Presence(world.database, f"{name}:1", host=name, version="1", clock=begun)
    begun.now = world.clock()
    return made


def test_a_new_house_waits_for_nobody(world: World) -> None:
    told = look(world)

    assert told["daemon"] is None
    assert [(one["name"], one["state"], one["budget"]) for one in told["connections"]] == [
        ("salesforce", "new", None),
        ("pipedrive", "new", None),
    ]
    assert told["waiting"] == {"approvals": [], "conflicts": 0, "pairs": 0, "dead_letters": 0}
    assert judged(told) == 0


def test_a_daemon_is_there_while_its_heart_beats(world: World) -> None:
    presence = daemon(world, at=ago(seconds=61))
    gone = look(world)
    assert (gone["daemon"], gone["lost"]["host"], judged(gone)) == (None, "hub-1", 1)

    presence.beat()

    assert look(world)["daemon"] == {
        "host": "hub-1", "started_at": "2026-11-23T08:28:59.000Z", "heartbeat_at": "2026-11-23T08:30:00.000Z",
    }  # fmt: skip
    assert look(world)["lost"] is None


def test_a_daemon_that_has_ended_is_neither_there_nor_missed(world: World) -> None:
    daemon(world, at=ago(seconds=4)).end()

    told = look(world)

    assert (told["daemon"], told["daemons"], told["lost"], judged(told)) == (None, [], None, 0)


def test_each_of_several_daemons_is_told(world: World) -> None:
    daemon(world, at=ago(minutes=3), name="hub-1").beat()
    daemon(world, at=ago(minutes=2), name="hub-2").beat()
    daemon(world, at=ago(minutes=2), name="hub-3")

    told = look(world)

    assert [one["host"] for one in told["daemons"]] == ["hub-1", "hub-2"]
    assert (told["daemon"], told["lost"]) == (told["daemons"][0], None)


@pytest.mark.parametrize(
    ("due", "good", "late"),
    [
        pytest.param(Due(every=3600), ago(minutes=119), False, id="within-twice-the-interval"),
        pytest.param(Due(every=3600), ago(minutes=121), True, id="beyond"),
        pytest.param(Due(cron="0 3 * * *"), millis(22, 3), False, id="one-night-missed"),
        pytest.param(Due(cron="0 3 * * *"), millis(22, 1), True, id="two-nights-missed"),
        pytest.param(Due(every=3600), None, False, id="never-and-the-daemon-is-new"),
        pytest.param(Due(every=60), None, True, id="never-since-the-daemon-began"),
    ],
)
def test_what_has_not_succeeded_for_twice_its_interval_is_overdue(
    world: World, due: Due, good: int | None, late: bool
) -> None:
    world.insert("connection", name="salesforce", connector="salesforce", last_good_at=good)
    world.insert("connection", name="pipedrive", connector="pipedrive", last_good_at=ago(minutes=1))
    before = look(world, due={"salesforce": due})
    daemon(world, at=ago(minutes=5)).beat()

    told = look(world, due={"salesforce": due})

    assert judged(before) == 0  # without a daemon the schedule is not in force
    assert [one["overdue"] for one in told["connections"]] == [late, False]
    assert judged(told) == (1 if late else 0)


def test_what_a_person_has_paused_says_who_and_is_never_due(world: World) -> None:
    world.insert("connection", name="salesforce", connector="salesforce", last_good_at=ago(minutes=600))
    world.insert("pause", address="salesforce", who="anna", at=ago(minutes=9))
    world.insert("pause", address="pipedrive/persons", who="ben", at=ago(minutes=8))
    daemon(world, at=ago(seconds=4))

    told = look(world)
    paused, other = told["connections"]

    assert (paused["state"], paused["code"], paused["who"], paused["since"]) == (
        "paused", None, "anna", "2026-11-23T08:21:00.000Z",
    )  # fmt: skip
    assert (paused["next_at"], paused["overdue"]) == (None, False)
    assert other["next_at"] is not None
    assert [one["paused"] for one in told["streams"]] == [None, {"who": "ben", "since": "2026-11-23T08:22:00.000Z"}]


def test_connections_say_how_they_are_and_what_is_left(world: World) -> None:
    world.insert("connection", name="salesforce", connector="salesforce", last_good_at=ago(minutes=14))
    world.insert(
        "connection", name="pipedrive", connector="pipedrive", state="paused", code="CW202",
        detail="the token has been refused", since=ago(minutes=10),
    )  # fmt: skip
    Budgets(world.database, world.clock).declare("salesforce", allowance=40_000, reserve=8_000, remaining=36_000)

    told = look(world)
    fine, paused = told["connections"]

    assert (fine["state"], fine["last_good_at"]) == ("ok", "2026-11-23T08:16:00.000Z")
    assert fine["next_at"] is None
    assert {name: fine["budget"][name] for name in ("left", "limit", "unit", "share")} == {
        "left": 36_000, "limit": 40_000, "unit": "calls", "share": 0.9,
    }  # fmt: skip
    assert (paused["state"], paused["code"], paused["text"]) == ("paused", "CW202", "the token has been refused")
    assert judged(told) == 1


def test_while_a_daemon_lives_connections_say_when_they_are_due(world: World) -> None:
    due = {"salesforce": Due(cron="0 3 * * *"), "pipedrive": Due(every=3600)}
    assert [one["next_at"] for one in look(world, due=due)["connections"]] == [None, None]
    daemon(world, at=ago(seconds=4))

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

    told = look(world)

    assert [(one["plan"], one["class"], one["count"]) for one in told["waiting"]["approvals"]] == [
        ("P87", "create", 2),
        ("P87", "clear", 1),
    ]
    assert told["waiting"]["approvals"][0]["streams"] == ["salesforce/contacts"]
    assert {name: told["waiting"][name] for name in ("conflicts", "pairs", "dead_letters")} == {
        "conflicts": 1, "pairs": 1, "dead_letters": 1,
    }  # fmt: skip
    assert judged(told) == 3


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

    told = runs(world.database, 1, now=world.clock())

    (one,) = told["runs"]
    assert (one["id"], one["trigger"], one["state"], one["seconds"]) == ("R147", "daemon", "waits", 4.1)
    assert (one["read"], one["changed"], one["written"], one["aside"]) == (12, 3, 5, 1)
    assert (one["plan"], one["connections"]) == ("P87", ["zoho"])
    assert told["left_out"] == 1
    assert [run["id"] for run in runs(world.database, 0, now=world.clock())["runs"]] == ["R147", "R146"]


def test_one_run_is_told_stream_by_stream(world: World) -> None:
    world.run(147, counts={"streams": {"zoho/contacts": {"read": 12}}}, state="running")

    told = runs(world.database, run="r147", now=world.clock())

    assert told["runs"][0]["seconds"] is None
    assert told["streams"] == [{"stream": "zoho/contacts", "read": 12}]
    with pytest.raises(AskError, match="no run R9"):
        runs(world.database, run="R9", now=world.clock())


def test_a_run_whose_process_is_silent_is_told_as_abandoned(world: World) -> None:
    world.run(146, state="running", started=ago(minutes=5), beat_at=ago(seconds=61))
    world.run(147, state="running", started=ago(minutes=5), beat_at=ago(seconds=59))

    living, gone = runs(world.database, now=world.clock())["runs"]

    assert (living["state"], living["seconds"]) == ("running", None)
    assert (gone["state"], gone["seconds"]) == ("abandoned", 239.0)
