"""Review: conflicts and pairs as people see them, and what their decisions write down."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.sdk.contract import StreamSpec
from crosswalk.engine.review import alike, decide, decide_pair, listing
from crosswalk.engine.words import AskError
from crosswalk.store import conflicts
from crosswalk.store.codec import load
from crosswalk.store.dialect import Database
from crosswalk.store.records import MERGE, SETTLE
from tests.crosswalk.engine.house_for_reports import World, millis, public_id

PERSON = ("name", "emails", "phones", "job_title", "works_at", "consent")
BOTH = ("salesforce", "zoho")


class Desk:
    """People of whom two systems say different things."""

    def __init__(self, database: Database, told: dict[str, Any] | None = None) -> None:
        world = self.world = World(database, masters=("salesforce", "zoho"), told=told)
        slow = StreamSpec(resolution=timedelta(minutes=1))
        world.stream("salesforce/contacts", "person", PERSON, writes=("update",), refs=("works_at",))
        world.stream("zoho/contacts", "person", PERSON, writes=("update",), refs=("works_at",), spec=slow)
        self.people = 0

    def person(self, one: Any = "COO", other: Any = "Chief Operating Officer", *, field: str = "job_title") -> Any:
        """An entity with a conflict: its number, the conflict's, and the two records."""
        world, self.people = self.world, self.people + 1
        about: dict[str, Any] = {"name": {"full": f"Person {self.people}"}}
        mine, theirs, hubs = about | {field: one}, about | {field: other}, about | {field: "Head of Operations"}
        left = world.record(f"salesforce/contacts/{self.people}", modified=millis(22, 17, 40), **mine)
        right = world.record(f"zoho/contacts/{self.people}", modified=millis(22, 17, 44), **theirs)
        entity = world.entity("person", [left, right], public=f"{self.people}bcde", **hubs)
        for record in (left, right):
            world.unrest(record, {}, {field: ["Head of Operations", None]})
        number = world.conflict(
            entity, field, (left, one), (right, other), why="newest cannot tell", base="Head of Operations"
        )
        return entity, number, left, right

    def decision(self, conflict: int) -> Any:
        """What was said, without when."""
        stored = self.world.value("SELECT decision FROM conflict WHERE id = ?", conflict)
        if stored is None:
            return None
        told = load(bytes(stored))
        assert told.pop("at") > 0
        return told

    def state(self, conflict: int) -> str:
        return str(self.world.value("SELECT state FROM conflict WHERE id = ?", conflict))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


# -- conflicts -------------------------------------------------------------------------------------------------


def test_a_conflict_shows_what_each_side_says_and_when(desk: Desk) -> None:
    desk.person()

    (one,) = listing(desk.world.house)["conflicts"]

    assert (one["id"], one["entity"], one["title"], one["field"]) == ("C1", "person/1bcde", "Person 1", "job_title")
    assert one["base"] == "Head of Operations"
    assert [(side["connection"], side["value"], side["precision_s"]) for side in one["sides"]] == [
        ("salesforce", "COO", None),
        ("zoho", "Chief Operating Officer", 60.0),
    ]
    assert one["sides"][0]["record"] == "salesforce/contacts/1"
    assert one["sides"][0]["changed_at"] == "2026-11-22T17:40:00.000Z"
    assert one["why"] == "newest cannot tell"


def test_values_in_conflict_are_shown_as_people_read_them(desk: Desk) -> None:
    world = desk.world
    world.stream("salesforce/accounts", "company", ("name",))
    firm = world.record("salesforce/accounts/1", name="Padma Textiles")
    world.entity("company", [firm], public="cccc", name="Padma Textiles")
    desk.person([{"entity": f"company/{public_id('cccc')}"}], None, field="works_at")

    (one,) = listing(world.house)["conflicts"]

    assert [side["value"] for side in one["sides"]] == ["Padma Textiles", None]


def test_conflicts_of_one_field_among_the_same_systems_are_alike(desk: Desk) -> None:
    for _ in range(3):
        desk.person()
    desk.person("a", "b", field="name")

    found = listing(desk.world.house)["conflicts"]

    assert [one["alike"] for one in found] == [3, 3, 3, 1]


def test_a_limit_says_what_it_left_out(desk: Desk) -> None:
    for _ in range(3):
        desk.person()

    told = listing(desk.world.house, limit=1)

    assert len(told["conflicts"]) == 1
    assert told["conflicts"][0]["alike"] == 3
    assert told["left_out"] == {"conflicts": 2, "pairs": 0}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        pytest.param({}, "job_title: {on_conflict: [newest, masters]}", id="by-time-else-by-rank"),
        pytest.param(
            {"tolerance": timedelta(minutes=10), "on_conflict": ("newest",)},
            "job_title: {on_conflict: [newest, masters]}",
            id="more-than-there-is",
        ),
        pytest.param(
            {"masters": ("salesforce",), "on_conflict": ("masters",)},
            "job_title: {on_foreign_edit: revert}",
            id="an-edit-of-no-master",
        ),
    ],
)
def test_the_suggestion_is_a_line_that_settles_it(database: Database, told: dict[str, Any], line: str) -> None:
    desk = Desk(database, told={"person": {"job_title": told}})
    if told.get("masters"):
        _, _, left, _ = desk.person("Head of Operations", "Chief Operating Officer")
        with database.write() as connection:  # salesforce has not edited it
            database.run(connection, "DELETE FROM base WHERE record = ?", (left,))
    else:
        desk.person()

    (one,) = listing(desk.world.house)["conflicts"]

    assert (one["under"], one["suggestion"]) == ("merge.person", line)


def test_nothing_is_suggested_for_consent(desk: Desk) -> None:
    granted = [{"channel": "email", "purpose": "marketing", "status": "granted"}]
    desk.person(granted, None, field="consent")

    assert listing(desk.world.house)["conflicts"][0]["suggestion"] == ""


@pytest.mark.parametrize("take", ["zoho", "2", "zoho/contacts/1"])
def test_taking_a_side_writes_its_value_down(desk: Desk, take: str) -> None:
    entity, number, _, right = desk.person()

    told = decide(desk.world.house, "C1", take=take, who="anna")

    assert (told["decided"], told["ids"]) == (1, ["C1"])
    assert told["decisions"][0]["value"] == "Chief Operating Officer"
    assert desk.decision(number) == {"take": "side", "value": "Chief Operating Officer", "record": right, "who": "anna"}
    assert desk.state(number) == "decided"
    assert desk.world.todo() == {(MERGE, entity)}


def test_the_engine_reads_what_was_decided(desk: Desk) -> None:
    entity, *_ = desk.person()
    decide(desk.world.house, 1, take="salesforce", who="anna")

    with desk.world.database.read() as connection:
        taken = conflicts.decisions(desk.world.database, connection, [entity])

    assert taken[entity]["job_title"]["value"] == "COO"


def test_keeping_both_leaves_the_hubs_value(desk: Desk) -> None:
    _, number, *_ = desk.person()

    decide(desk.world.house, "c1", keep=True, who="anna")

    assert desk.decision(number) == {"take": "keep", "value": "Head of Operations", "record": None, "who": "anna"}


def test_the_hubs_own_value_can_be_taken(desk: Desk) -> None:
    _, number, *_ = desk.person()

    decide(desk.world.house, "C1", take="hub", who="anna")

    assert desk.decision(number) == {"take": "hub", "value": "Head of Operations", "record": None, "who": "anna"}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("job_title", "  Chief of Staff ", "Chief of Staff"),
        ("job_title", "", None),
        ("name", "Mara Lindqvist", {"full": "Mara Lindqvist"}),
        ("emails", "B@x.test, a@x.test", [{"address": "a@x.test"}, {"address": "b@x.test"}]),
        ("phones", "+49 89 5550177", [{"number": "+49895550177"}]),
    ],
)
def test_another_value_is_read_as_people_write_it(desk: Desk, field: str, text: str, value: Any) -> None:
    _, number, *_ = desk.person(None, None, field=field)

    decide(desk.world.house, "C1", value=text, who="anna")

    assert desk.decision(number)["value"] == value


@pytest.mark.parametrize(("field", "text"), [("emails", "no address"), ("phones", "5550177"), ("works_at", "Padma")])
def test_a_text_that_is_no_such_value_decides_nothing(desk: Desk, field: str, text: str) -> None:
    _, number, *_ = desk.person(None, None, field=field)

    with pytest.raises(AskError):
        decide(desk.world.house, "C1", value=text, who="anna")

    assert desk.state(number) == "open"
    assert desk.world.todo() == set()


def test_all_that_are_alike_go_the_same_way(desk: Desk) -> None:
    numbers = [desk.person()[1] for _ in range(3)]
    other = desk.person("a", "b", field="name")[1]

    told = decide(desk.world.house, "C2", take="1", who="anna", all_alike=True)

    assert told["decided"] == 3
    assert [desk.decision(number)["value"] for number in numbers] == ["COO"] * 3
    assert desk.state(other) == "open"
    assert told["suggestion"].startswith("job_title:")


def test_where_it_is_not_clear_which_side_was_meant_it_stays_open(desk: Desk) -> None:
    world = desk.world
    desk.person()
    entity, _, left, right = desk.person()
    twin = world.record("zoho/contacts/twin", job_title="Boss")
    world.insert("member", record=twin, entity=entity)
    with world.database.write() as connection:
        world.database.run(connection, "DELETE FROM conflict WHERE id = 2")
    number = world.conflict(entity, "job_title", (left, "COO"), (right, "CFO"), (twin, "Boss"))

    told = decide(world.house, "C1", take="zoho", who="anna", all_alike=True)

    assert told["decided"] == 1
    assert told["left"] == [f"C{number}"]
    assert desk.state(number) == "open"


def test_what_cannot_be_decided_says_why(desk: Desk) -> None:
    desk.person()
    house = desk.world.house
    for wrong, text in (
        ({"take": "pipedrive"}, "no side 'pipedrive'"),
        ({"take": "zoho", "keep": True}, "one of"),
        ({}, "one of"),
        ({"value": "x", "all_alike": True}, "one conflict alone"),
    ):
        with pytest.raises(AskError, match=text):
            decide(house, "C1", who="anna", **wrong)
    with pytest.raises(AskError, match="no C9"):
        decide(house, "C9", take="zoho", who="anna")
    decide(house, "C1", take="zoho", who="anna")
    with pytest.raises(AskError, match="decided by anna"):
        decide(house, "C1", take="salesforce", who="bob")


# -- pairs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(desk: Desk) -> tuple[Desk, int, int]:
    world = desk.world
    phones = [{"number": "+8801711555012"}]
    left = world.record(
        "salesforce/contacts/a", name={"full": "Rahim Uddin"}, phones=phones, emails=[{"address": "r.uddin@padma.test"}]
    )
    right = world.record(
        "zoho/contacts/b", name={"full": "মোঃ রহিম উদ্দিন"}, phones=phones, emails=[{"address": "rahim@padma.test"}]
    )
    world.entity("person", [left], public="aaaaa", name={"full": "Rahim Uddin"})
    world.entity("person", [right], public="bbbbb")
    world.pair(left, right)
    return desk, left, right


def test_a_pair_shows_both_and_what_speaks_for_and_against(pair: tuple[Desk, int, int]) -> None:
    (one,) = listing(pair[0].world.house)["pairs"]

    assert (one["id"], one["kind"]) == ("M1", "person")
    assert [record["address"] for record in one["records"]] == ["salesforce/contacts/a", "zoho/contacts/b"]
    assert [record["entity"] for record in one["records"]] == ["person/aaaaa", "person/bbbbb"]
    assert one["records"][0]["values"] == {
        "name": "Rahim Uddin", "phones": "+8801711555012", "emails": "r.uddin@padma.test",
    }  # fmt: skip
    assert one["for"] == ["same phone, held by these 2 only", "names agree once transliterated"]
    assert one["against"] == ["e-mail differs"]
    assert one["bits"] >= 0


def test_a_number_that_many_hold_is_weak_evidence(pair: tuple[Desk, int, int]) -> None:
    desk = pair[0]
    for at in range(100):
        phones = [{"number": "+8801711555012"}] if at < 3 else []
        desk.world.record(f"zoho/contacts/{at}", name={"full": f"N {at}"}, phones=phones)
    (one,) = listing(desk.world.house)["pairs"]

    assert one["for"][0] == "same phone, held by 5 records"
    assert one["bits"] == pytest.approx(4.4, abs=0.1)  # log2(102 / 5)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("শর্মিলা দত্ত", "Sharmila Datta", True),
        ("Łukasz Nowak", "Lukasz Nowak", True),
        ("Rahim Uddin", "Uddin, Rahim Md", True),
        ("Rahim Uddin", "Karim Uddin", False),
        ("Uddin", "Rahim Uddin", False),
        ("", "Rahim Uddin", False),
    ],
)
def test_names_are_alike_across_scripts(left: str, right: str, same: bool) -> None:
    assert alike(left, right) is same


@pytest.mark.parametrize(("same", "verdict"), [(True, "same"), (False, "never")])
def test_a_decision_on_a_pair_is_an_edge_and_work_for_both(
    pair: tuple[Desk, int, int], same: bool, verdict: str
) -> None:
    desk, left, right = pair
    world = desk.world
    world.edge(left, right, "same phone", millis(1, 1))

    told = decide_pair(world.house, "M1", same=same, who="anna")

    assert told["ids"] == ["M1"]
    with world.database.read() as connection:
        edges = world.database.run(connection, 'SELECT "left", "right", source, verdict, who FROM edge').fetchall()
    assert {tuple(edge) for edge in edges if edge[2] == "person"} == {(left, right, "person", verdict, "anna")}
    assert [edge[2] for edge in edges if edge[2] != "person"] == (["1:1"] if same else [])  # says when they met
    assert world.value("SELECT state FROM pair") == verdict
    assert world.todo() == {(SETTLE, left), (SETTLE, right)}
    assert listing(world.house)["pairs"] == []
    with pytest.raises(AskError, match="decided like that by anna"):
        decide_pair(world.house, "M1", same=same, who="bob")
    decide_pair(world.house, "M1", same=not same, who="bob")
    with world.database.read() as connection:
        edges = world.database.run(connection, "SELECT verdict FROM edge").fetchall()
    assert [edge[0] for edge in edges] == ["never" if same else "same"]


def test_a_pair_that_has_become_one_waits_for_nobody(pair: tuple[Desk, int, int]) -> None:
    desk, _, right = pair
    with desk.world.database.write() as connection:
        desk.world.database.run(connection, "UPDATE member SET entity = 1 WHERE record = ?", (right,))

    assert listing(desk.world.house)["pairs"] == []
