"""What was deleted, merged, brought back, and how a client that looks later learns of it."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from sandbox.world import World
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import DATA, one, refusal, rows, session

CONTACT = f"{DATA}/sobjects/Contact"
MONTH = {"start": "2026-11-08T13:00:00Z", "end": "2026-11-23T12:00:00Z"}


def feed(salesforce: Caller, which: str, *, name: str = "Contact", **window: str) -> Any:
    reply = salesforce("GET", f"{DATA}/sobjects/{name}/{which}/", **dict[str, Any](MONTH, **window))
    assert reply.status == 200, reply.body
    return reply.json


def deleted(salesforce: Caller, **window: str) -> list[str]:
    return [row["id"] for row in feed(salesforce, "deleted", **window)["deletedRecords"]]


def test_when_the_story_begins_one_was_merged_and_one_deleted(salesforce: Caller) -> None:
    gone = rows(salesforce, "SELECT Id, MasterRecordId, IsDeleted FROM Contact WHERE IsDeleted = true", deleted=True)

    assert sorted(row["MasterRecordId"] is None for row in gone)[0] is False
    assert any(row["MasterRecordId"] is None for row in gone)
    assert sorted(deleted(salesforce)) == sorted(row["Id"] for row in gone)
    assert rows(salesforce, "SELECT Id FROM Contact WHERE IsDeleted = true") == []
    winner = next(row["MasterRecordId"] for row in gone if row["MasterRecordId"])
    assert salesforce("GET", f"{CONTACT}/{winner}").status == 200


def test_one_who_unsubscribed_has_opted_out_here(salesforce: Caller, world: World) -> None:
    person = world.people[world.fates["unsubscribed"]]
    names = {part for spelling in (person.full(), person.latin()) for part in spelling.split()}

    opted_out = rows(salesforce, "SELECT Name FROM Contact WHERE HasOptedOutOfEmail = true")

    assert any(names & set(row["Name"].split()) for row in opted_out)


def test_a_deleted_record_is_gone_for_reads_and_writes_and_seen_by_the_feed(salesforce: Caller) -> None:
    made = salesforce("POST", CONTACT, {"LastName": "Brief"}).json["id"]
    salesforce.later(minutes=2)

    assert salesforce("DELETE", f"{CONTACT}/{made}").status == 204

    assert refusal(salesforce("GET", f"{CONTACT}/{made}")) == (404, "ENTITY_IS_DELETED")
    assert refusal(salesforce("PATCH", f"{CONTACT}/{made}", {"Title": "x"})) == (404, "ENTITY_IS_DELETED")
    assert refusal(salesforce("DELETE", f"{CONTACT}/{made}")) == (404, "ENTITY_IS_DELETED")
    shown = one(salesforce, f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{made}'", deleted=True)
    assert shown["IsDeleted"] is True
    assert made in deleted(salesforce, end="2026-11-23T12:03:00Z")


def test_seconds_of_a_window_do_not_count_and_its_end_is_left_out(salesforce: Caller) -> None:
    made = salesforce("POST", CONTACT, {"LastName": "Brief"}).json["id"]
    salesforce("DELETE", f"{CONTACT}/{made}")  # at 12:00:00
    salesforce.later(minutes=10)

    assert made not in deleted(salesforce, end="2026-11-23T12:00:59Z")
    assert made in deleted(salesforce, start="2026-11-23T12:00:59Z", end="2026-11-23T12:01:00Z")


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"start": "2026-11-08T11:59:00Z"}, "more than 15 days"),
        ({"start": MONTH["end"]}, "before endDate"),
        ({"start": "yesterday"}, "no date and time"),
        ({"start": "2026-11-20T00:00:00 00:00"}, "no date and time"),
        ({"start": "2026-11-20T00:00:00"}, "no date and time"),
    ],
)
def test_a_window_that_cannot_be_is_refused(salesforce: Caller, window: dict[str, str], says: str) -> None:
    reply = salesforce("GET", f"{CONTACT}/deleted", **dict[str, Any](MONTH, **window))

    assert refusal(reply) == (400, "INVALID_REPLICATION_DATE")
    assert says in reply.json[0]["message"]


def test_a_feed_says_how_far_it_can_be_relied_on(salesforce: Caller) -> None:
    salesforce.later(minutes=1, seconds=30)

    told = feed(salesforce, "deleted", end="2026-11-23T12:30:00Z")

    assert told["latestDateCovered"] == "2026-11-23T12:01:00.000+0000"
    assert told["earliestDateAvailable"] == "2026-11-08T12:01:00.000+0000"


def test_the_other_feed_names_what_was_changed_and_lives(salesforce: Caller) -> None:
    made = salesforce("POST", CONTACT, {"LastName": "New"}).json["id"]
    brief = salesforce("POST", CONTACT, {"LastName": "Brief"}).json["id"]
    salesforce("DELETE", f"{CONTACT}/{brief}")
    salesforce.later(minutes=5)

    told = feed(salesforce, "updated", start="2026-11-23T12:00:00Z", end="2026-11-23T12:05:00Z")

    assert told == {"ids": [made], "latestDateCovered": "2026-11-23T12:05:00.000+0000"}
    assert feed(salesforce, "updated", start="2026-10-25T00:00:00Z")["ids"]


def test_a_merge_leaves_the_loser_with_its_master_and_moves_the_children(salesforce: Caller, org: Salesforce) -> None:
    winner, loser = (salesforce("POST", CONTACT, {"LastName": name}).json["id"] for name in ("Kept", "Lost"))
    case = salesforce("POST", f"{DATA}/sobjects/Case", {"Subject": "S", "ContactId": loser}).json["id"]
    salesforce.later(minutes=3)

    org.edit(salesforce.now, "contacts", loser, {"MasterRecordId": winner})

    soql = f"SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE Id = '{loser}'"
    gone = one(salesforce, soql, deleted=True)
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, winner)
    moved = salesforce("GET", f"{DATA}/sobjects/Case/{case}").json
    assert (moved["ContactId"], moved["SystemModstamp"]) == (winner, "2026-11-23T12:03:00.000+0000")
    salesforce.later(minutes=1)
    assert loser in deleted(salesforce, end="2026-11-23T12:10:00Z")
    assert refusal(salesforce("GET", f"{CONTACT}/{loser}")) == (404, "ENTITY_IS_DELETED")


def test_person_accounts_are_merged_with_their_contacts_and_with_nobody_else(
    salesforce: Caller, org: Salesforce
) -> None:
    people = rows(salesforce, "SELECT Id, PersonContactId, Name FROM Account WHERE IsPersonAccount = true LIMIT 2")
    (winner, kept, name), (loser, lost, _) = ((row["Id"], row["PersonContactId"], row["Name"]) for row in people)
    firm = rows(salesforce, "SELECT Id FROM Account WHERE IsPersonAccount = false LIMIT 1")[0]["Id"]

    with pytest.raises(ValueError, match="INVALID_OPERATION"):
        org.edit(salesforce.now, "contacts", lost, {"MasterRecordId": kept})
    with pytest.raises(ValueError, match="INVALID_OPERATION"):
        org.edit(salesforce.now, "accounts", loser, {"MasterRecordId": firm})
    org.edit(salesforce.now, "accounts", loser, {"MasterRecordId": winner})

    gone = one(salesforce, f"SELECT MasterRecordId FROM Contact WHERE Id = '{lost}'", deleted=True)
    assert gone["MasterRecordId"] == kept
    left = one(salesforce, f"SELECT PersonContactId, PersonContact.Name FROM Account WHERE Id = '{winner}'")
    assert (left["PersonContactId"], left["PersonContact"]["Name"]) == (kept, name)


def test_what_was_deleted_can_be_brought_back_for_fifteen_days(salesforce: Caller, org: Salesforce) -> None:
    first, second = (salesforce("POST", CONTACT, {"LastName": name}).json["id"] for name in ("A", "B"))
    for record_id in (first, second):
        org.edit(salesforce.now, "Contact", record_id, {"IsDeleted": True})

    salesforce.later(days=1)
    org.edit(salesforce.now, "Contact", first, {"IsDeleted": False})

    fresh = session(org, salesforce.now)
    back = fresh("GET", f"{CONTACT}/{first}").json
    assert (back["IsDeleted"], back["SystemModstamp"]) == (False, "2026-11-24T12:00:00.000+0000")
    assert first not in deleted(fresh, start="2026-11-23T00:00:00Z", end="2026-11-24T13:00:00Z")
    later = fresh.now.replace(month=12, day=9)
    with pytest.raises(ValueError, match="UNDELETE_FAILED"):
        org.edit(later, "Contact", second, {"IsDeleted": False})
    assert rows(session(org, later), f"SELECT Id FROM Contact WHERE Id = '{second}'", deleted=True) == []


def test_what_was_deleted_stays_so_where_its_unique_value_has_been_given_away(
    salesforce: Caller, org: Salesforce
) -> None:
    path = f"{CONTACT}/Crosswalk_Id__c/H-1"
    first = salesforce("PATCH", path, {"LastName": "A"}).json["id"]
    salesforce("DELETE", f"{CONTACT}/{first}")
    salesforce("PATCH", path, {"LastName": "B"})

    with pytest.raises(ValueError, match="DUPLICATE_VALUE"):
        org.edit(salesforce.now, "contacts", first, {"IsDeleted": False})


def test_an_account_takes_its_contacts_and_deals_with_it_and_brings_them_back(
    salesforce: Caller, org: Salesforce
) -> None:
    firm = salesforce("POST", f"{DATA}/sobjects/Account", {"Name": "F"}).json["id"]
    contact = salesforce("POST", CONTACT, {"LastName": "C", "AccountId": firm}).json["id"]
    early = salesforce("POST", CONTACT, {"LastName": "E", "AccountId": firm}).json["id"]
    body = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": firm, "ContactId": contact}
    salesforce("POST", f"{DATA}/sobjects/Opportunity", body)
    salesforce("DELETE", f"{CONTACT}/{early}")
    salesforce.later(minutes=1)

    def living() -> list[int]:
        where = {"Contact": "AccountId", "Opportunity": "AccountId", "OpportunityContactRole": "Opportunity.AccountId"}
        return [len(rows(salesforce, f"SELECT Id FROM {name} WHERE {key} = '{firm}'")) for name, key in where.items()]

    before = living()
    salesforce("DELETE", f"{DATA}/sobjects/Account/{firm}")
    gone = living()
    org.edit(salesforce.now, "accounts", firm, {"IsDeleted": False})

    assert (before, gone, living()) == ([1, 1, 1], [0, 0, 0], [1, 1, 1])


@pytest.mark.parametrize(
    ("stream", "prefix"),
    [("Account", "001"), ("accounts", "001"), ("person_accounts", "001"), ("opportunities", "006"), ("tasks", "00T")],
)
def test_a_stream_goes_by_several_names(salesforce: Caller, org: Salesforce, stream: str, prefix: str) -> None:
    body = {"001": {"Name": "F"}, "006": {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-31"}}

    assert org.edit(salesforce.now, stream, None, body.get(prefix, {})).startswith(prefix)


def test_a_stream_or_record_that_is_none_is_an_error(salesforce: Caller, org: Salesforce) -> None:
    with pytest.raises(KeyError, match="nobody"):
        org.edit(salesforce.now, "nobody", None, {})
    with pytest.raises(KeyError, match="001Hs0000zzzzzz"):
        org.edit(salesforce.now, "accounts", "001Hs0000zzzzzz", {"Name": "x"})
    with pytest.raises(ValueError, match="INVALID_FIELD"):
        org.edit(salesforce.now, "accounts", None, {"Name": "F", "Nope": 1})


def test_a_person_at_the_screen_converts_a_lead(salesforce: Caller, org: Salesforce) -> None:
    lead = one(salesforce, "SELECT Id, LastName, Company FROM Lead WHERE IsConverted = false LIMIT 1")

    org.edit(salesforce.now, "leads", lead["Id"], {"IsConverted": True})

    after = salesforce("GET", f"{DATA}/sobjects/Lead/{lead['Id']}").json
    assert (after["IsConverted"], after["Status"]) == (True, "Closed - Converted")
    contact = salesforce("GET", f"{CONTACT}/{after['ConvertedContactId']}").json
    assert (contact["LastName"], contact["AccountId"]) == (lead["LastName"], after["ConvertedAccountId"])


def test_a_late_transaction_shows_under_the_stamp_of_when_it_was_made(salesforce: Caller, org: Salesforce) -> None:
    who = one(salesforce, "SELECT Id FROM Contact ORDER BY Id LIMIT 1")["Id"]
    deal = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-31", "ContactId": who}
    org.commit_late(timedelta(minutes=10))
    made = salesforce("POST", CONTACT, {"LastName": "Late"}).json["id"]
    opened = salesforce("POST", f"{DATA}/sobjects/Opportunity", deal)
    org.commit_late(timedelta(0))
    salesforce.later(minutes=5)
    hidden = salesforce("GET", f"{CONTACT}/{made}").status
    covered = feed(salesforce, "updated", end="2026-11-23T13:00:00Z")["latestDateCovered"]

    salesforce.later(minutes=5)

    assert (opened.status, hidden, covered) == (201, 404, "2026-11-23T12:00:00.000+0000")
    assert salesforce("GET", f"{CONTACT}/{made}").json["SystemModstamp"] == "2026-11-23T12:00:00.000+0000"
