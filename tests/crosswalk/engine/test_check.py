"""Check: who we are at every system and what we may do there; discover: what fields there are."""

from typing import Any

import pytest
from msgspec.structs import replace

from connectors.sdk.contract import FieldInfo
from connectors.sdk.errors import GrantError, LaterError, SetupError
from crosswalk.engine.check import Judged, check, discover, hub_id_problems
from crosswalk.engine.words import AskError
from crosswalk.problems import Problem
from crosswalk.store.codec import load
from crosswalk.store.dialect import Database
from crosswalk.store.migrations import step
from tests.crosswalk.engine.house_for_reports import World, ago


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.stream(
        "salesforce/contacts", "person", ("name", "phones"), writes=("create", "update"), own=frozenset({"name"})
    )
    made.stream("zoho/contacts", "person", ("name",))
    made.connectors["salesforce"].more_streams = ("leads", "cases")
    return made


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in told["connections"]}


def test_all_is_well(world: World) -> None:
    told = check(world.house)

    assert told["config"] == {"connections": 2, "streams": 2, "fields": 3, "own": 1}
    assert told["store"]["schema"] == step(world.database)
    assert told["store"]["version"][0].isdigit()
    one = by_name(told)["salesforce"]
    assert (one["state"], one["account"], one["identity"]) == ("ok", "nordlicht", "svc-crosswalk")
    assert one["budget"] == {"left": 35_880, "limit": 40_000, "unit": "calls"}
    contacts, *others = one["streams"]
    assert (contacts["state"], contacts["can"], contacts["missing"]) == ("ok", ["read", "create", "update"], [])
    assert [(stream["name"], stream["unlisted"]) for stream in others] == [("leads", True), ("cases", True)]
    assert told["problems"] == []


def test_a_stream_that_was_never_read_is_looked_into_once(world: World) -> None:
    world.record("zoho/contacts/1", name={"full": "Mara"})

    told = by_name(check(world.house))

    assert told["salesforce"]["streams"][0]["records"] == 2
    assert told["zoho"]["streams"][0]["records"] == 1
    assert (world.connectors["salesforce"].pulled, world.connectors["zoho"].pulled) == (["contacts"], [])


@pytest.mark.parametrize(
    ("totals", "records", "asked"),
    [
        pytest.param({"live": 62_118, "archived": 7}, 62_125, 2, id="each-tells-its-own"),
        pytest.param({"live": None, "archived": 7}, None, 1, id="one-does-not"),
        pytest.param({"a": 1, "b": 2, "c": 3, "d": 4}, None, 1, id="too-many-to-ask"),
        pytest.param({}, 0, 0, id="none"),
    ],
)
def test_a_stream_in_parts_is_counted_where_each_part_tells(
    world: World, totals: dict[str, int | None], records: int | None, asked: int
) -> None:
    world.connectors["salesforce"].totals = totals

    told = by_name(check(world.house))

    assert told["salesforce"]["streams"][0]["records"] == records
    assert len(world.connectors["salesforce"].pulled) == asked


@pytest.mark.parametrize(
    ("error", "code", "state"),
    [
        (GrantError("401, the refresh token is revoked", hint="make a new one", code="CW202"), "CW202", "paused"),
        (GrantError("refused"), "CW201", "paused"),
        (GrantError("403", code="CW204"), "CW204", "fail"),
        (LaterError("does not answer"), "CW302", "fail"),
        (SetupError("no such host", code="CW301"), "CW301", "fail"),
        (KeyError("secret value of a customer"), "CW307", "fail"),
    ],
)
def test_one_connection_that_fails_stops_no_other(world: World, error: Exception, code: str, state: str) -> None:
    world.connectors["zoho"].refuses = error

    told = check(world.house)

    assert (by_name(told)["zoho"]["state"], by_name(told)["zoho"]["streams"]) == ("fail", [])
    assert by_name(told)["salesforce"]["state"] == "ok"
    (problem,) = told["problems"]
    assert (problem["code"], problem["connection"]) == (code, "zoho")
    assert "customer" not in str(problem)
    assert world.value("SELECT state FROM connection WHERE name = 'zoho'") == state
    assert world.value("SELECT code FROM connection WHERE name = 'zoho'") == code


def test_a_connection_that_lets_us_in_again_goes_on(world: World) -> None:
    world.connectors["zoho"].refuses = GrantError("refused")
    check(world.house)
    first = world.value("SELECT since FROM connection WHERE name = 'zoho'")
    world.clock.forward(seconds=60)
    check(world.house)
    assert world.value("SELECT since FROM connection WHERE name = 'zoho'") == first

    world.connectors["zoho"].refuses = None
    check(world.house, only=["zoho"])

    assert world.value("SELECT state FROM connection WHERE name = 'zoho'") == "ok"
    assert world.value("SELECT code FROM connection WHERE name = 'zoho'") is None


def test_what_was_known_of_an_account_outlives_a_failure(world: World) -> None:
    world.insert("connection", name="zoho", connector="zoho", last_good_at=ago(minutes=5))
    check(world.house)
    world.connectors["zoho"].refuses = LaterError("does not answer")

    check(world.house)

    assert b"nordlicht" in bytes(world.value("SELECT account FROM connection WHERE name = 'zoho'"))
    assert world.value("SELECT last_good_at FROM connection WHERE name = 'zoho'") == ago(minutes=5)


def test_the_fields_of_today_are_kept(world: World) -> None:
    info = FieldInfo(name="x", label="X", type="choice", path="x", options=[("1", "one")])
    world.connectors["zoho"].catalogue = {"contacts": [info]}

    check(world.house, only=["zoho"])

    stored = load(bytes(world.value("SELECT catalogue FROM stream WHERE connection = 'zoho'")))
    assert [(one["name"], one["options"]) for one in stored] == [("x", [["1", "one"]])]
    assert world.value("SELECT catalogue FROM stream WHERE connection = 'salesforce'") is None


def test_a_permission_that_is_missing_is_told_by_the_vendors_name(world: World) -> None:
    world.connectors["salesforce"].missing = {"contacts": ["Manage contacts"]}

    told = check(world.house)

    stream = by_name(told)["salesforce"]["streams"][0]
    assert (stream["state"], stream["can"], stream["missing"]) == ("part", ["read"], ["Manage contacts"])
    assert by_name(told)["salesforce"]["state"] == "part"
    assert (told["problems"][0]["code"], told["problems"][0]["stream"]) == ("CW204", "salesforce/contacts")


def test_a_stream_that_cannot_be_read_leaves_the_others(world: World) -> None:
    world.stream("salesforce/accounts", "company", ("name",))
    world.connectors["salesforce"].trouble = {"contacts": GrantError("403", code="CW204")}

    streams = by_name(check(world.house))["salesforce"]["streams"]

    assert [(stream["name"], stream["state"], stream["can"]) for stream in streams[:2]] == [
        ("contacts", "fail", []),
        ("accounts", "ok", ["read"]),
    ]


def test_the_file_is_judged_by_the_fields_of_today(world: World) -> None:
    info = FieldInfo(name="x", label="X", type="text", path="x")
    world.connectors["zoho"].catalogue = {"contacts": [info]}
    asked = []

    def judge(stream: Any, fields: Any) -> Judged:
        asked.append((stream.address, list(fields)))
        return Judged([Problem(code="CW106", text="no field 'y'", connection=stream.connection, stream=stream.name)])

    told = check(world.house, only=["zoho"], judge=judge)

    assert asked == [("zoho/contacts", [info])]
    assert by_name(told)["zoho"]["state"] == "part"
    assert [problem["code"] for problem in told["problems"]] == ["CW106"]


@pytest.mark.parametrize(
    ("wanted", "unique", "said"),
    [
        pytest.param("Hub Id", True, None, id="unique-and-by-its-label"),
        pytest.param("Hub_Id", False, "Hub Id is not unique there", id="not-unique"),
        pytest.param("Hubid", True, "there is no field 'Hubid'", id="not-there"),
        pytest.param(None, False, None, id="none-is-named"),
    ],
)
@pytest.mark.parametrize("knows_unique", [True, False])
def test_a_field_that_cannot_be_our_id_is_told(
    wanted: str | None, unique: bool, said: str | None, knows_unique: bool, world: World
) -> None:
    stream = world.house.streams["zoho/contacts"]
    stream.spec = replace(stream.spec, hub_id_unique=knows_unique)
    stream.writes = frozenset({"create"})
    fields = [FieldInfo(name="Hub_Id", label="Hub Id", type="text", path="Hub_Id", unique=unique, write=True)]

    problems = hub_id_problems(stream, wanted, fields)

    if said is None or (not unique and not knows_unique):
        assert problems == []  # where nothing is unique nothing is asked for
    else:
        assert [(one.code, one.severity, said in one.text) for one in problems] == [("CW118", "warning", True)]
    stream.writes = frozenset({"update"})
    assert hub_id_problems(stream, wanted, fields) == []


def test_one_account_under_two_names_is_a_problem(world: World) -> None:
    world.link("salesforce-2")
    other = world.connectors["salesforce-2"]
    other.name, other.account_id = "salesforce", "salesforce-1"

    told = check(world.house)

    assert [(problem["code"], problem["connection"]) for problem in told["problems"]] == [("CW104", "salesforce-2")]
    assert by_name(told)["salesforce-2"]["state"] == "part"
    # Known from the store as well, when only one of the two is asked.
    assert [problem["connection"] for problem in check(world.house, only=["salesforce"])["problems"]] == [
        "salesforce-2"
    ]


def test_two_connections_that_only_read_may_have_the_same_account(world: World) -> None:
    """As two that read one folder of exports."""
    world.link("zoho-2")
    other = world.connectors["zoho-2"]
    other.name, other.account_id = "zoho", "zoho-1"

    assert check(world.house)["problems"] == []


def test_a_connection_that_there_is_not_is_not_asked(world: World) -> None:
    with pytest.raises(AskError, match="no connection 'zoh'"):
        check(world.house, only=["zoh"])


# -- discover --------------------------------------------------------------------------------------------------


@pytest.fixture
def fields(world: World) -> World:
    world.connectors["salesforce"].catalogue = {
        "contacts": [
            FieldInfo(name="Name", label="Full name", type="text", path="Name", write=True, required=True),
            FieldInfo(name="Phones", label="Numbers", type="phones", path="Phones"),
            FieldInfo(name="CX__c", label="Last NPS", type="choice", path="CX__c", options=[("1", "low")], unique=True),
        ],
        "leads": [FieldInfo(name="Status", label="Status", type="text", path="Status")],
    }
    return world


def test_fields_say_what_they_are_mapped_to_and_which_way(fields: World) -> None:
    told = discover(fields.house, "salesforce/contacts")

    first, _, last = told["fields"]
    assert (first["name"], first["mapped_to"], first["direction"]) == ("Name", "name", "both")
    assert (first["read"], first["write"], first["required"]) == (True, True, True)
    assert (last["mapped_to"], last["direction"], last["unique"]) == (None, None, True)
    assert last["options"] == [{"id": "1", "label": "low"}]
    assert (told["total"], told["mapped"]) == (3, 2)


def test_what_could_be_written_is_read_where_the_stream_is_read_only(fields: World) -> None:
    fields.house.streams["salesforce/contacts"].writes = frozenset()

    first = discover(fields.house, "salesforce/contacts")["fields"][0]

    assert (first["mapped_to"], first["direction"], first["write"]) == ("name", "read", True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"like": "nps"}, ["CX__c"]),
        ({"like": "PHONES"}, ["Phones"]),
        ({"unmapped": True}, ["CX__c"]),
        ({"like": "?"}, []),
    ],
)
def test_fields_can_be_picked(fields: World, asked: dict[str, Any], found: list[str]) -> None:
    assert [one["name"] for one in discover(fields.house, "salesforce/contacts", **asked)["fields"]] == found


def test_where_a_field_may_belong_that_is_mapped_to_nothing_its_label_tells(fields: World) -> None:
    catalogue = fields.connectors["salesforce"].catalogue
    catalogue["contacts"] = [
        *catalogue["contacts"],
        FieldInfo(name="A__c", label="Geburtstag", type="date", path="A__c"),
        FieldInfo(name="B__c", label="Handy", type="text", path="B__c"),
        FieldInfo(name="C__c", label="Birthday", type="text", path="C__c", read=False, write=True),
    ]

    told = discover(fields.house, "salesforce/contacts")["fields"]

    assert {one["name"]: one["suggested"] for one in told} == {
        "Name": None, "Phones": None, "CX__c": None, "A__c": "birth_date", "C__c": None,
        "B__c": None,  # every number is in phones
    }  # fmt: skip
    assert [one["suggested"] for one in discover(fields.house, "salesforce/leads")["fields"]] == [None]


def test_a_stream_that_is_not_listed_can_be_asked_too(fields: World) -> None:
    assert [one["name"] for one in discover(fields.house, "salesforce/leads")["fields"]] == ["Status"]


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("salesfroce/contacts", "did you mean 'salesforce'"),
        ("salesforce/deals", "contacts"),
        ("salesforce", "contacts"),
    ],
)
def test_a_wrong_address_is_answered_with_a_right_one(fields: World, address: str, hint: str) -> None:
    with pytest.raises(AskError) as error:
        discover(fields.house, address)

    assert hint in error.value.hint
