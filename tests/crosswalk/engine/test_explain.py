"""Explain: who matched it, what decided each field, how each side stands to it, what blocks it."""

from typing import Any

import pytest

from connectors.sdk.contract import StreamSpec
from crosswalk.engine.explain import explain
from crosswalk.engine.words import AskError
from crosswalk.store.dialect import Database
from crosswalk.store.records import ARCHIVED, DELETED, SETTLE
from tests.crosswalk.engine.house_for_reports import World, ago, millis, public_id

PERSON = ("name", "emails", "phones", "job_title", "company_name")
MARA = {"full": "Mara Lindqvist", "given": "Mara", "family": "Lindqvist"}
MAIL = "mara.lindqvist@nordlicht.test"
OLD, NEW = [{"number": "+49895550166", "type": "work"}], [{"number": "+49895550177", "type": "work"}]


class Mara:
    """One customer out of four systems, as in the page on the face of the program."""

    def __init__(self, database: Database) -> None:
        world = self.world = World(database, masters=("salesforce", "pipedrive"))
        world.stream("salesforce/contacts", "person", PERSON, writes=("update",))
        world.stream("pipedrive/persons", "person", PERSON, writes=("update",))
        world.stream("zoho/contacts", "person", PERSON, writes=("update",))
        world.stream("typeform/responses", "response", ("respondent", "survey_id"))
        mail = [{"address": MAIL, "type": "work"}]
        about: dict[str, Any] = {"name": MARA, "emails": mail, "job_title": "COO", "company_name": "Nordlicht Solar AB"}
        self.salesforce = world.record("salesforce/contacts/003Ab", phones=NEW, **about)
        self.pipedrive = world.record("pipedrive/persons/4711", phones=NEW, **about)
        self.zoho = world.record("zoho/contacts/5561", phones=OLD, **about)
        records = [self.salesforce, self.pipedrive, self.zoho]
        self.entity = world.entity(
            "person",
            records,
            public="8f2kq",
            name=(MARA, self.salesforce, "agreed"),
            emails=(mail, self.salesforce, "agreed"),
            job_title=("COO", self.salesforce, "agreed"),
            company_name=("Nordlicht Solar AB", self.salesforce, "agreed"),
            phones=(NEW, self.pipedrive, "only pipedrive changed it"),
        )
        world.edge(self.salesforce, self.pipedrive, "same email", millis(3, 9))
        world.edge(self.salesforce, self.zoho, "same email", millis(4, 9))
        world.change(self.entity, 131, millis(22, 15, 15), phones=(OLD, self.salesforce, "salesforce is master"))

    def explain(self, what: str = MAIL, **told: Any) -> dict[str, Any]:
        return explain(self.world.house, what, **told)

    def field(self, name: str = "phones") -> dict[str, Any]:
        (one,) = self.explain(field=name)["fields"]
        return dict(one)

    def side(self, connection: str, name: str = "phones") -> dict[str, Any]:
        (one,) = [side for side in self.field(name)["sides"] if side["connection"] == connection]
        return dict(one)


@pytest.fixture
def mara(database: Database) -> Mara:
    return Mara(database)


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("person/8f2kq", id="the-beginning-of-its-id"),
        pytest.param("8F2KQ", id="without-its-kind"),
        pytest.param(f"person/{public_id('8f2kq')}", id="its-whole-id"),
        pytest.param(MAIL, id="an-e-mail"),
        pytest.param(" Mara.Lindqvist@NORDLICHT.test ", id="an-e-mail-as-people-type-it"),
        pytest.param("+49 89 5550177", id="a-phone"),
        pytest.param("pipedrive/persons/4711", id="a-record"),
        pytest.param("5561", id="a-key"),
    ],
)
def test_everything_that_names_her_finds_her(mara: Mara, what: str) -> None:
    told = mara.explain(what)

    assert told["entity"] == "person/8f2kq"
    assert told["title"] == "Mara Lindqvist, COO, Nordlicht Solar AB"


def test_a_number_without_its_country_is_read_as_the_accounts_would(mara: Mara) -> None:
    with pytest.raises(AskError):
        mara.explain("089 5550177")
    mara.world.insert("connection", name="salesforce", connector="salesforce", account=b'{"country": "DE"}')

    assert mara.explain("089 5550177")["entity"] == "person/8f2kq"


def test_an_id_of_before_a_merge_still_finds_her(mara: Mara) -> None:
    mara.world.insert("alias", public=public_id("zz9"), entity=mara.entity)

    assert mara.explain("person/zz9")["entity"] == "person/8f2kq"


def test_ids_are_as_long_as_it_takes_to_tell_them_apart(mara: Mara) -> None:
    other = mara.world.record("zoho/contacts/9", name={"full": "Somebody Else"})
    mara.world.entity("person", [other], public="8f2kqx", name={"full": "Somebody Else"})

    name = mara.explain()["entity"]

    assert name == "person/8f2kq5"
    assert mara.explain(name)["title"].startswith("Mara")
    with pytest.raises(AskError, match="beginning of 2 ids") as error:
        mara.explain("person/8f2kq")
    assert "person/8f2kq5" in error.value.hint


def test_an_address_that_two_people_carry_names_neither(mara: Mara) -> None:
    other = mara.world.record("zoho/contacts/9", emails=[{"address": MAIL}])
    mara.world.entity("person", [other], public="9aaaa")

    with pytest.raises(AskError, match="2 carry") as error:
        mara.explain()

    assert "person/8f2kq" in error.value.hint
    assert "person/9aaaa" in error.value.hint


def test_a_hash_without_the_value_is_no_evidence(mara: Mara) -> None:
    stranger = mara.world.record("zoho/contacts/9", emails=[{"address": "other@padma.test"}])
    kind, value = mara.world.house.streams["zoho/contacts"].identifiers([None, [{"address": MAIL}], None, None, None])[
        0
    ]
    mara.world.insert("ident", kind=kind, value=value, record=stranger)
    mara.world.entity("person", [stranger], public="9aaaa")

    assert mara.explain()["entity"] == "person/8f2kq"


@pytest.mark.parametrize("what", ["nobody@padma.test", "person/0000", "zoho/contacts/404", "zoho/deals/1", "", "D7"])
def test_what_is_not_there_is_said_to_be_not_there(mara: Mara, what: str) -> None:
    with pytest.raises(AskError):
        mara.explain(what)


def test_an_address_that_identifies_nobody_is_said_to_be_one(mara: Mara) -> None:
    desk = [{"address": "info@nordlicht.test"}, {"address": MAIL}]
    other = mara.world.record("zoho/contacts/9", emails=desk)
    mara.world.entity("person", [other], public="9aaaa", emails=desk)

    with pytest.raises(AskError, match="the address of a desk"):
        mara.explain("Info@nordlicht.test")


def test_records_say_how_they_came_and_when_they_were_seen(mara: Mara) -> None:
    world = mara.world
    for stream, minutes in ((1, 14), (2, 29), (3, 1)):
        world.insert("part", stream=stream, name="", watermark=ago(hours=1), covered_to=ago(minutes=minutes))
    world.written(mara.zoho, mara.entity, 12, millis(4, 10), op="create", job_title="COO")
    world.edge(mara.salesforce, mara.pipedrive, "decided", millis(5, 9), source="person", who="anna")

    first, second, third = mara.explain()["records"]

    assert (first["address"], first["matched_by"]) == ("salesforce/contacts/003Ab", "first here")
    assert first["seen_at"] == "2026-11-23T08:16:00.000Z"
    assert (second["matched_by"], second["matched_at"]) == ("decided by anna", "2026-11-05T09:00:00.000Z")
    assert (third["matched_by"], third["created_by_run"]) == ("created by the hub", "R12")
    assert third["matched_at"] == "2026-11-04T10:00:00.000Z"


def test_where_a_system_tells_no_time_the_last_run_that_it_answered_counts(mara: Mara) -> None:
    mara.world.insert("connection", name="zoho", connector="zoho", last_good_at=ago(minutes=7))
    mara.world.insert("part", stream=3, name="", complete=True)

    assert mara.explain()["records"][2]["seen_at"] == "2026-11-23T08:23:00.000Z"


def test_a_window_that_is_still_open_has_been_read_to_its_watermark(mara: Mara) -> None:
    mara.world.insert(
        "part",
        stream=1,
        name="",
        watermark=ago(hours=2),
        covered_to=ago(minutes=1),
        opened=ago(minutes=1),
        position=b"{}",
    )

    assert mara.explain()["records"][0]["seen_at"] == "2026-11-23T06:30:00.000Z"


def test_a_field_tells_why_since_when_and_what_stood_before(mara: Mara) -> None:
    told = mara.field()

    assert told["value"] == "+49895550177"
    assert told["source"] == "pipedrive/persons/4711"
    assert told["rule"] == "only pipedrive changed it"
    assert (told["since"], told["run"]) == ("2026-11-22T15:15:00.000Z", "R131")
    assert told["previous"] == {"value": "+49895550166", "source": "salesforce/contacts/003Ab"}


@pytest.mark.parametrize(
    ("text", "names"),
    [("phone", ["phones"]), ("title", ["job_title"]), ("emails[work]", ["emails"]), ("name", ["name"])],
)
def test_a_field_is_found_by_a_part_of_its_name(mara: Mara, text: str, names: list[str]) -> None:
    assert [one["name"] for one in mara.explain(field=text)["fields"]] == names


def test_of_several_fields_that_are_meant_those_are_told_that_say_anything(database: Database) -> None:
    world = World(database)
    world.stream("acme/contacts", "person", ("emails", "cx.nps.score", "cx.csat.score"), writes=("update",))
    record = world.record("acme/contacts/1", emails=[{"address": MAIL}])
    world.entity("person", [record], cx__nps__score=("3", None, "answered"))

    def names(field: str) -> list[str]:
        return [one["name"] for one in explain(world.house, MAIL, field=field)["fields"]]

    assert names("score") == ["cx.nps.score"]
    assert names("csat") == ["cx.csat.score"]


def test_a_field_that_nobody_has_is_answered_with_those_there_are(mara: Mara) -> None:
    with pytest.raises(AskError, match="no field 'shoe_size'") as error:
        mara.explain(field="shoe_size")

    assert "job_title" in error.value.hint


def test_the_word_of_a_first_load_is_told_in_words(mara: Mara) -> None:
    assert mara.field("job_title")["rule"] == "all that have it say the same"


def test_a_side_that_has_it_holds_it(mara: Mara) -> None:
    mara.world.written(mara.salesforce, mara.entity, 131, millis(22, 15, 16), phones=NEW)

    side = mara.side("salesforce")

    assert (side["state"], side["reason"]) == ("holds", "written by the hub, accepted")
    assert side["written_at"] == "2026-11-22T15:16:00.000Z"
    assert mara.side("pipedrive")["reason"] == ""


@pytest.mark.parametrize(
    ("name", "reason"), [("", "D1 blocks the record"), ("phones", "D1 blocks the field"), ("emails", "the next plan")]
)
def test_a_dead_letter_blocks_its_field_or_all(mara: Mara, name: str, reason: str) -> None:
    mara.world.unrest(mara.zoho, {"phones": [OLD]})
    mara.world.letter("zoho/contacts/5561", name=name)

    side = mara.side("zoho")

    assert (side["value"], side["state"]) == ("+49895550166", "not written")
    assert side["reason"].startswith(reason)


def test_a_blocked_record_says_by_what(mara: Mara) -> None:
    mara.world.letter("zoho/contacts/5561")

    told = mara.explain()

    blocked = [(one["address"], one["blocked_by"], one["reason"]) for one in told["records"] if one["blocked_by"]]
    assert blocked == [("zoho/contacts/5561", "D1", "refused, DUPLICATE_DATA")]
    assert [(one["id"], one["what"], one["code"]) for one in told["blocks"]] == [("D1", "dead letter", "CW403")]


def test_a_held_write_names_its_plan_and_why_it_waits(mara: Mara) -> None:
    mara.world.unrest(mara.zoho, {"phones": [OLD]})
    mara.world.action("zoho/contacts", mara.entity, mara.zoho, "phones", held_by="first,guard:update")

    side = mara.side("zoho")
    told = mara.explain()

    words = "the first plan of a mapping, more updates than its guard lets through"
    assert side["reason"] == f"waits in P87 for a person: {words}"
    assert told["records"][2]["blocked_by"] == "P87"
    assert told["blocks"][0]["record"] == "zoho/contacts/5561"


def test_a_write_that_was_put_off_says_when_it_is_tried_again(mara: Mara) -> None:
    mara.world.unrest(mara.zoho, {"phones": [OLD]})
    mara.world.action("zoho/contacts", mara.entity, mara.zoho, "phones", state="later", held_by=None, due=ago(hours=-1))

    assert mara.explain()["records"][2]["next_try_at"] == "2026-11-23T09:30:00.000Z"
    assert "tried again by itself" in mara.side("zoho")["reason"]


def test_an_open_conflict_stands_at_its_field(mara: Mara) -> None:
    number = mara.world.conflict(mara.entity, "phones", (mara.salesforce, NEW), (mara.zoho, OLD))

    assert mara.field()["conflict"] == f"C{number}"
    assert mara.side("zoho")["reason"] == f"C{number} is open"
    assert mara.explain(f"C{number}")["fields"][0]["name"] == "phones"
    assert [one["what"] for one in mara.explain()["blocks"]] == ["conflict"]


def test_sides_may_agree_to_differ(mara: Mara) -> None:
    side = mara.side("zoho")

    assert side["state"] == "differs"
    assert side["reason"].startswith("agreed to differ")


def test_a_duplicate_names_the_record_that_is_written(mara: Mara) -> None:
    world = mara.world
    twin = world.record("zoho/contacts/7777", phones=OLD, modified=millis(1, 1))
    world.insert("member", record=twin, entity=mara.entity)

    reasons = {side["record"]: side["reason"] for side in mara.field()["sides"]}

    assert reasons["zoho/contacts/5561"] == "a duplicate: zoho/contacts/7777 is the one that is written"


@pytest.mark.parametrize(
    ("state", "reason"), [(ARCHIVED, "archived there: not written"), (DELETED, "deleted there: not written")]
)
def test_what_is_not_live_is_not_written(mara: Mara, state: int, reason: str) -> None:
    world = mara.world
    with world.database.write() as connection:
        world.database.run(connection, "UPDATE record SET state = ? WHERE id = ?", (state, mara.zoho))

    assert mara.side("zoho")["reason"] == reason


def test_a_side_shows_as_much_as_it_can(database: Database) -> None:
    world = World(database)
    world.stream("acme/contacts", "person", ("job_title", "lifecycle_stage"), writes=("update",), longest=10)
    world.link("other")
    record = world.record("acme/contacts/1", job_title="Head of Op", lifecycle_stage="lead")
    world.entity("person", [record], public="8f2kq", job_title="Head of Operations", lifecycle_stage="customer")
    stream = world.house.streams["acme/contacts"]
    stream.mapping.unable = ("customer",)  # type: ignore[attr-defined]  # of the test's own mapping

    job, stage = explain(world.house, "acme/contacts/1")["fields"]

    assert (job["sides"][0]["state"], job["sides"][0]["reason"]) == ("holds", "as much of it as this side can hold")
    assert (stage["sides"][0]["state"], stage["sides"][0]["value"]) == ("cannot hold", "lead")


def test_a_field_that_is_only_written_shows_what_was_agreed(database: Database) -> None:
    world = World(database)
    fields = ("emails", "cx.nps.score", "cx.responses")
    only = frozenset(fields[1:])
    world.stream("acme/contacts", "person", fields, writes=("update",), write_only=only)
    record = world.record("acme/contacts/1", emails=[{"address": MAIL}])
    world.entity(
        "person", [record], public="8f2kq", cx__nps__score=("3", None, "answered"), cx__responses=(2, None, "hub")
    )
    world.unrest(record, {"cx.nps.score": ["8"]})

    score, count = explain(world.house, MAIL, field="cx")["fields"]

    assert (score["value"], score["sides"][0]["value"], score["sides"][0]["state"]) == (3, 8, "not written")
    assert (count["sides"][0]["value"], count["sides"][0]["state"]) == (2, "holds")
    assert count["rule"] == "computed by the hub"


def test_references_are_told_by_the_titles_of_what_they_mean(database: Database) -> None:
    world = World(database)
    world.stream("acme/companies", "company", ("name",))
    world.stream("acme/persons", "person", ("name", "works_at"), refs=("works_at",))
    world.stream("other/persons", "person", ("name", "works_at"), refs=("works_at",), writes=("update",))
    firm = world.record("acme/companies/7", name="Padma Textiles")
    world.entity("company", [firm], public="cccc", name="Padma Textiles")
    here = world.record("acme/persons/1", name=MARA, works_at=[{"stream": "companies", "id": "7"}])
    there = world.record("other/persons/1", name=MARA, works_at=[{"stream": "companies", "id": "404"}])
    works = [{"entity": f"company/{public_id('cccc')}"}]
    world.entity("person", [here, there], public="8f2kq", name=MARA, works_at=works)

    told = explain(world.house, "acme/persons/1")
    (one,) = [field for field in told["fields"] if field["name"] == "works_at"]

    assert told["title"] == "Mara Lindqvist, Padma Textiles"
    assert one["value"] == "Padma Textiles"
    assert (one["sides"][0]["value"], one["sides"][0]["state"]) == ("Padma Textiles", "holds")
    assert one["sides"][1]["state"] == "not read"
    assert "has not been read" in one["sides"][1]["reason"]


def test_history_is_newest_first_and_tells_both_what_came_and_what_was_written(mara: Mara) -> None:
    world = mara.world
    world.change(mara.entity, 140, millis(22, 20), job_title=("Head of Ops", mara.zoho, "only zoho changed it"))
    world.change(mara.entity, 150, millis(23, 7), phones=(OLD, mara.salesforce, "x"))
    world.written(mara.salesforce, mara.entity, 151, millis(23, 8), phones=NEW)

    history = mara.explain()["history"]

    told = [(one["run"], one["what"], one["field"], one["after"]) for one in history]
    assert told == [
        ("R151", "write", "phones", "+49895550177"),
        ("R150", "hub", "phones", "+49895550177"),
        ("R140", "hub", "job_title", "COO"),
        ("R131", "hub", "phones", "+49895550166"),
    ]
    assert {one["field"] for one in mara.explain(field="title")["history"]} == {"job_title"}


def test_golden_can_be_told_as_it_stood_after_a_run(mara: Mara) -> None:
    world = mara.world
    world.change(mara.entity, 140, millis(22, 20), job_title=("Head of Ops", mara.zoho, "only zoho changed it"))

    told = mara.explain(as_of_run="R131")
    before = mara.explain(as_of_run=130)

    assert told["title"] == "Mara Lindqvist, Head of Ops, Nordlicht Solar AB"
    assert {one["name"]: one["value"] for one in told["fields"]}["phones"] == "+49895550177"
    assert {one["name"]: one["value"] for one in before["fields"]}["phones"] == "+49895550166"
    assert all(one["sides"] == [] for one in told["fields"])
    assert mara.explain()["title"] == "Mara Lindqvist, COO, Nordlicht Solar AB"


def test_a_stream_without_her_says_what_stands_in_the_way(database: Database) -> None:
    mara = Mara(database)
    world = mara.world
    stream = world.stream("hub/people", "person", PERSON, writes=("create",), create_from=("elsewhere",))

    def reason() -> str:
        (one,) = mara.explain()["missing"]
        assert one["stream"] == "hub/people"
        return str(one["reason"])

    assert reason() == "made there only from elsewhere"
    stream.create_from = frozenset({"zoho"})
    assert reason().startswith("the next plan makes it")
    world.letter(f"hub/people/new:{public_id('8f2kq')}", reason="a name is required")
    assert reason() == "D1: a name is required"
    world.action("hub/people", mara.entity, None, "name", held_by="guard:create")
    assert reason().startswith("waits in P87")


# -- answers, and records of nobody ----------------------------------------------------------------------------


def test_answers_of_a_person_tell_which_of_them_count(mara: Mara) -> None:
    world = mara.world
    for at, (key, counted) in enumerate((("r1", True), ("r2", False)), start=1):
        record = world.record(f"typeform/responses/{key}", survey_id="X", respondent={"email": MAIL})
        world.insert("member", record=record, entity=mara.entity)
        world.edge(mara.salesforce, record, "claimed by the respondent", millis(20 + at, 9), source="claim")
        world.insert(
            "response", record=record, metric="nps", question="q", person=mara.entity, survey="X", kind="relationship",
            answered_at=millis(20 + at, 9), score=b'{"value": "3"}', counted=counted,
        )  # fmt: skip

    told = mara.explain("typeform/responses/r1")

    assert told["entity"] == "person/8f2kq"
    assert told["record"] == "typeform/responses/r1"
    assert [(one["record"][-2:], one["scores"][0]["counted"]) for one in told["responses"]] == [
        ("r2", False),
        ("r1", True),
    ]
    assert told["records"][-1]["matched_by"] == "claimed by the respondent"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({}, "the e-mail is empty and no hidden field carries an id", id="nothing"),
        pytest.param({"email": "info@padma.test"}, "the e-mail is that of a desk, not of a person", id="a-desk"),
        pytest.param({"email": "new@padma.test"}, "the e-mail is carried by nobody else", id="unknown"),
        pytest.param({"email": MAIL}, "the e-mail is carried by one person, too weakly", id="not-enough"),
        pytest.param(
            {"email": "new@padma.test", "refs": [{"namespace": "crm", "value": "9"}]},
            "the hidden field crm names no record that the hub has read",
            id="dangling",
        ),
    ],
)
def test_an_answer_of_nobody_says_why_no_rule_could_tell(mara: Mara, claims: dict[str, Any], why: str) -> None:
    mara.world.record("typeform/responses/r8", survey_id="X", respondent=claims)

    told = mara.explain("typeform/responses/r8")

    assert told["entity"] is None
    assert why in told["why"]
    assert told["why"].endswith("so no rule of match.person can answer.")
    assert "external_id" in told["advice"]
    assert told["records"][0]["address"] == "typeform/responses/r8"


def test_a_record_that_is_still_to_be_matched_says_so(mara: Mara) -> None:
    record = mara.world.record("zoho/contacts/8", name=MARA)
    mara.world.insert("todo", stage=SETTLE, id=record)

    told = mara.explain("zoho/contacts/8")

    assert told["why"] == "it has been read and waits to be matched."
    assert {one["name"]: one["value"] for one in told["fields"]} == {"name": "Mara Lindqvist"}


def test_a_deleted_record_of_nobody_says_that_it_is_gone(mara: Mara) -> None:
    mara.world.record("zoho/contacts/8", state=DELETED, name=MARA)

    assert mara.explain("zoho/contacts/8")["why"] == "it is deleted there."


def test_what_never_could_be_read_leads_to_its_dead_letter(mara: Mara) -> None:
    number = mara.world.letter("zoho/contacts/members-11.csv line 214", phase="read", code="CW402", reason="no key")

    told = mara.explain(f"D{number}")

    assert told["entity"] is None
    assert told["why"] == f"it could not be read as a record of zoho/contacts: set aside as D{number}."
    assert told["blocks"][0]["text"] == "no key"


def test_a_dead_letter_leads_to_the_record_and_field_that_it_is_about(mara: Mara) -> None:
    number = mara.world.letter(
        "zoho/contacts/5561", phase="read", name="phones", code="CW401", reason="phones: no phone"
    )

    told = mara.explain(f"d{number}")

    assert told["record"] == "zoho/contacts/5561"
    assert [one["name"] for one in told["fields"]] == ["phones"]


def test_a_field_that_cannot_be_read_says_by_which_letter(database: Database) -> None:
    world = World(database)
    world.stream("acme/contacts", "person", ("emails", "phones"), spec=StreamSpec())
    record = world.record("acme/contacts/1", emails=[{"address": MAIL}])
    world.entity("person", [record], public="8f2kq", emails=[{"address": MAIL}])
    number = world.letter("acme/contacts/1", phase="read", name="phones", code="CW401")

    (side,) = explain(world.house, MAIL, field="phones")["fields"][0]["sides"]

    assert (side["state"], side["reason"]) == ("not read", f"D{number}: it cannot be understood")
