"""Dead letters as people see them, and what a retry and a drop change."""

from typing import Any

import pytest

from crosswalk.engine.queue import drop, listing, retry, show
from crosswalk.engine.words import AskError
from crosswalk.store import letters
from crosswalk.store.codec import dump
from crosswalk.store.dialect import Database
from crosswalk.store.records import CREATE, SETTLE
from tests.crosswalk.engine.house_for_reports import World, public_id


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.stream("zoho/contacts", "person", ("name", "phones"), writes=("update",))
    made.stream("shop/members", "person", ("name", "phones"))
    record = made.record("zoho/contacts/5561", name={"full": "Mara Lindqvist"})
    made.entity("person", [record], public="8f2kq", name={"full": "Mara Lindqvist"})
    made.letter("zoho/contacts/5561")
    made.letter(
        "shop/members/members-11.csv line 214", phase="read", code="CW402", reason="a quotation mark is never closed",
        payload=dump(["12", 'Mar"a']),
    )  # fmt: skip
    return made


def ids(told: dict[str, Any]) -> list[str]:
    return [one["id"] for one in told["dead_letters"]]


def test_letters_name_their_record_or_the_place_in_a_file(world: World) -> None:
    first, second = listing(world.house)["dead_letters"]

    assert (first["id"], first["record"], first["code"]) == ("D1", "zoho/contacts/5561", "CW403")
    assert (first["reason"], first["tries"]) == ("refused, DUPLICATE_DATA", 1)
    assert first["since"] == "2026-11-23T08:03:00.000Z"
    assert (second["record"], second["stream"]) == ("members-11.csv line 214", "shop/members")
    assert all("raw" not in one for one in (first, second))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"code": "cw403"}, ["D1"]),
        ({"stream": "shop/members"}, ["D2"]),
        ({"stream": "shop"}, ["D2"]),
        ({"stream": "shop", "code": "CW403"}, []),
        ({"limit": 1}, ["D1"]),
    ],
)
def test_letters_can_be_picked(world: World, wanted: dict[str, Any], found: list[str]) -> None:
    told = listing(world.house, **wanted)

    assert ids(told) == found
    assert told["left_out"] == (1 if "limit" in wanted else 0)


def test_letters_are_counted_by_reason_whether_they_are_listed_or_not(world: World) -> None:
    world.record("zoho/contacts/5562")
    world.letter("zoho/contacts/5562")

    assert listing(world.house, limit=1)["reasons"] == [
        {"code": "CW403", "stream": "zoho/contacts", "count": 2},
        {"code": "CW402", "stream": "shop/members", "count": 1},
    ]
    assert listing(world.house, stream="shop")["reasons"] == [{"code": "CW402", "stream": "shop/members", "count": 1}]


def test_a_stream_that_there_is_not_is_no_empty_list(world: World) -> None:
    with pytest.raises(AskError, match="no stream 'zoho/deals'"):
        listing(world.house, stream="zoho/deals")


def test_one_letter_shows_what_stood_there_and_whose_it_is(world: World) -> None:
    (mine,) = show(world.house, "D1")["dead_letters"]
    (row,) = show(world.house, 2)["dead_letters"]

    assert (mine["entity"], mine["title"]) == ("person/8f2kq", "Mara Lindqvist")
    assert "dlq retry D1" in mine["hint"]
    assert row["raw"] == ["12", 'Mar"a']
    assert row["entity"] is None


def test_a_retry_plans_anew_and_no_longer_blocks(world: World) -> None:
    told = retry(world.house, ["D1", "d1"], "anna")

    assert [(one["state"], one["note"]) for one in told["dead_letters"]] == [("retry", "retry, anna")]
    assert world.todo() == {(SETTLE, 1)}
    with world.database.read() as connection:
        assert letters.blocking(world.database, connection, 1, ["5561"]) == {}
    assert ids(listing(world.house)) == ["D1", "D2"]
    assert told["again"] == {}


def test_what_could_not_be_read_has_to_be_read_again(world: World) -> None:
    number = world.letter("zoho/contacts/5561", phase="read", name="phones", code="CW401")

    told = retry(world.house, [number], "anna")

    assert told["again"] == {"zoho/contacts": ["5561"]}
    assert told["dead_letters"][0]["state"] == "open"  # and blocks: what stands there is not written over


def test_a_refused_create_is_put_up_as_the_entity_that_it_was_for(world: World) -> None:
    number = world.letter(f"zoho/contacts/new:{public_id('8f2kq')}")

    (told,) = retry(world.house, [number], "anna")["dead_letters"]

    assert told["record"] == "zoho/contacts new, person/8f2kq"
    assert world.todo() == {(CREATE, 1)}


def test_a_drop_keeps_its_reason_and_goes_on_blocking(world: World) -> None:
    (told,) = drop(world.house, ["D1"], " entered by hand ", "anna")["dead_letters"]

    assert (told["state"], told["note"]) == ("dropped", "entered by hand (anna)")
    assert ids(listing(world.house)) == ["D2"]
    assert world.todo() == set()
    with world.database.read() as connection:
        assert "5561" in letters.blocking(world.database, connection, 1, ["5561"])


def test_a_drop_without_a_reason_is_none(world: World) -> None:
    with pytest.raises(AskError):
        drop(world.house, ["D1"], "  ", "anna")


def test_a_closed_letter_stays_closed(world: World) -> None:
    number = world.letter("zoho/contacts/7", state="closed")

    (told,) = retry(world.house, [number], "anna")["dead_letters"]

    assert told["state"] == "closed"


def test_of_several_letters_all_or_none_is_decided(world: World) -> None:
    with pytest.raises(AskError, match="no D99"):
        retry(world.house, ["D1", "D99"], "anna")

    assert world.value("SELECT state FROM dead_letter WHERE id = 1") == "open"
    assert world.todo() == set()
