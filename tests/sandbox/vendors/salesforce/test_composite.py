from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import DATA, one, refusal, rows

MANY = f"{DATA}/composite/sobjects"
MAIL = "mara.lindqvist@nordlicht-solar.test"


def of(name: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": name}, **fields}


def sent(*records: Any, all_or_none: bool = False) -> dict[str, Any]:
    return {"allOrNone": all_or_none, "records": list(records)}


def count(salesforce: Caller, name: str = "Contact") -> int:
    return int(salesforce("GET", f"{DATA}/query", q=f"SELECT COUNT() FROM {name}").json["totalSize"])


def codes(reply: Any) -> list[str | None]:
    assert reply.status == 200, reply.body
    return [None if row["success"] else row["errors"][0]["statusCode"] for row in reply.json]


def test_records_are_made_in_order_and_a_bad_one_spoils_no_other(salesforce: Caller, org: Salesforce) -> None:
    reply = salesforce(
        "POST", MANY, sent(of("Contact", LastName="A"), of("Contact"), of("Account", Name="B"), of("Nope", X=1))
    )

    assert codes(reply) == [None, "REQUIRED_FIELD_MISSING", None, "INVALID_TYPE"]
    assert [row["id"][:3] for row in reply.json if row["success"]] == ["003", "001"]
    assert reply.json[1]["errors"][0]["fields"] == ["LastName"]
    assert [(effect.stream, dict(effect.fields)) for effect in org.effects()] == [
        ("Contact", {"LastName": "A"}), ("Account", {"Name": "B"}),
    ]  # fmt: skip


def test_all_or_none_takes_back_what_had_been_done(salesforce: Caller, org: Salesforce) -> None:
    before = rows(salesforce, "SELECT Id, Title, SystemModstamp FROM Contact ORDER BY Id")

    made = salesforce("POST", MANY, sent(of("Contact", LastName="A"), of("Contact"), all_or_none=True))
    first, second = before[0]["Id"], before[1]["Id"]
    changed = salesforce(
        "PATCH", MANY, sent(of("Contact", Id=first, Title="x"), of("Contact", Id=second, Nope=1), all_or_none=True)
    )

    assert codes(made) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert codes(changed) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert rows(salesforce, "SELECT Id, Title, SystemModstamp FROM Contact ORDER BY Id") == before
    assert org.effects() == ()


def test_all_or_none_holds_for_what_commits_late_too(salesforce: Caller, org: Salesforce) -> None:
    before = count(salesforce)
    org.commit_late(timedelta(minutes=1))
    salesforce("POST", MANY, sent(of("Contact", LastName="A"), of("Contact"), all_or_none=True))
    salesforce("POST", MANY, sent(of("Contact", LastName="A"), of("Contact", LastName="B"), all_or_none=True))
    org.commit_late(timedelta(0))
    hidden = count(salesforce)

    salesforce.later(minutes=1)

    assert (hidden, count(salesforce)) == (before, before + 2)


def test_updates_say_of_each_record_how_it_went(salesforce: Caller) -> None:
    found = rows(salesforce, "SELECT Id FROM Contact ORDER BY Id LIMIT 4")
    a, b, c, d = (row["Id"] for row in found)
    salesforce("DELETE", f"{DATA}/sobjects/Contact/{c}")

    reply = salesforce(
        "PATCH", MANY,
        sent(
            of("Contact", id=a[:15], Title="x"), of("Contact", Title="no id"), of("Contact", id=c, Title="x"),
            of("Contact", id="003Hs0000zzzzzzAAA", Title="x"), of("Account", id=b, Name="x"),
            of("Contact", id=d, Title="1"), of("Contact", id=d, Title="2"),
        ),
    )  # fmt: skip

    assert codes(reply) == [
        None, "MISSING_ARGUMENT", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID",
        "DUPLICATE_VALUE", "DUPLICATE_VALUE",
    ]  # fmt: skip
    assert reply.json[0]["id"] == a


def test_upserts_go_by_the_external_id(salesforce: Caller) -> None:
    mara = one(salesforce, f"SELECT Id FROM Contact WHERE Email = '{MAIL}'")["Id"]
    salesforce("PATCH", f"{DATA}/sobjects/Contact/{mara}", {"Crosswalk_Id__c": "H-1"})

    reply = salesforce(
        "PATCH", f"{MANY}/Contact/Crosswalk_Id__c",
        sent(
            of("Contact", Crosswalk_Id__c="H-1", CX_NPS_Score__c=3), of("Contact", Crosswalk_Id__c="H-2", LastName="N"),
            of("Contact", LastName="No key"), of("Contact", Crosswalk_Id__c="H-3"),
            of("Contact", Crosswalk_Id__c="H-4", LastName="T"), of("Contact", Crosswalk_Id__c="H-4", LastName="T"),
        ),
    )  # fmt: skip

    assert codes(reply) == [
        None,
        None,
        "MISSING_ARGUMENT",
        "REQUIRED_FIELD_MISSING",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
    ]
    assert [row.get("created") for row in reply.json[:2]] == [False, True]
    assert reply.json[0]["id"] == mara
    assert one(salesforce, f"SELECT CX_NPS_Score__c FROM Contact WHERE Id = '{mara}'")["CX_NPS_Score__c"] == 3.0
    assert salesforce("PATCH", f"{MANY}/Contact/Title", sent(of("Contact", Title="x"))).status == 404


def test_an_alert_rule_holds_for_collections_too(salesforce: Caller) -> None:
    body = sent(of("Contact", LastName="Lindqvist", Email=MAIL), of("Contact", LastName="Other", Email=MAIL))
    insisting = {**salesforce.headers, "sforce-duplicate-rule-header": "allowSave=true; runAsCurrentUser=true"}

    assert codes(salesforce("POST", MANY, body)) == ["DUPLICATES_DETECTED", None]
    assert codes(salesforce("POST", MANY, body, headers=insisting)) == [None, None]


def test_deletes_go_by_ids_in_the_query(salesforce: Caller) -> None:
    a, b = (row["Id"] for row in rows(salesforce, "SELECT Id FROM Lead ORDER BY Id LIMIT 2"))
    before = count(salesforce, "Lead")

    reply = salesforce("DELETE", MANY, ids=f"{a},nonsense,{b}", allOrNone="false")

    assert codes(reply) == [None, "MALFORMED_ID", None]
    assert count(salesforce, "Lead") == before - 2
    assert codes(salesforce("DELETE", MANY, ids=a)) == ["ENTITY_IS_DELETED"]


def test_records_are_retrieved_in_the_order_asked_for_with_null_for_what_is_gone(salesforce: Caller) -> None:
    a, b, c = (row["Id"] for row in rows(salesforce, "SELECT Id FROM Contact ORDER BY Id LIMIT 3"))
    salesforce("DELETE", f"{DATA}/sobjects/Contact/{b}")

    got = salesforce("GET", f"{MANY}/Contact", ids=f"{c},{b},{a}", fields="Id,Name").json
    posted = salesforce("POST", f"{MANY}/Contact", {"ids": [c, b, a], "fields": ["Id", "Name"]}).json

    assert got == posted
    assert [row and row["Id"] for row in got] == [c, None, a]
    assert got[0].keys() == {"attributes", "Id", "Name"}
    assert refusal(salesforce("GET", f"{MANY}/Contact", ids=a, fields="Nope")) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_two_hundred_records_fit_into_a_call(salesforce: Caller, method: str) -> None:
    before = count(salesforce)

    reply = salesforce(method, MANY, sent(*(of("Contact", LastName=f"N{nth}") for nth in range(201))))

    assert refusal(reply) == (400, "EXCEEDED_ID_LIMIT")
    assert count(salesforce) == before


def test_some_rows_of_a_call_may_be_locked(salesforce: Caller, org: Salesforce) -> None:
    org.lock_rows(2)

    reply = salesforce("POST", MANY, sent(*(of("Contact", LastName=f"N{nth}") for nth in range(5))))

    assert codes(reply) == [None, "UNABLE_TO_LOCK_ROW", None, "UNABLE_TO_LOCK_ROW", None]


def test_a_batch_answers_each_request_as_if_it_had_come_alone(salesforce: Caller) -> None:
    reply = salesforce(
        "POST", f"{DATA}/composite/batch",
        {"batchRequests": [
            {"method": "GET", "url": "v66.0/query?q=SELECT+COUNT()+FROM+Lead"},
            {"method": "GET", "url": "v66.0/sobjects/Nope"},
            {"method": "POST", "url": "v66.0/sobjects/Contact", "richInput": {"LastName": "B"}},
        ]},
    )  # fmt: skip

    assert reply.json["hasErrors"] is True
    assert [row["statusCode"] for row in reply.json["results"]] == [200, 404, 201]
    assert reply.json["results"][0]["result"]["totalSize"] == count(salesforce, "Lead")


def test_a_composite_request_hands_answers_on(salesforce: Caller) -> None:
    reply = salesforce(
        "POST", f"{DATA}/composite",
        {"allOrNone": True, "compositeRequest": [
            {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "firm", "body": {"Name": "Engines"}},
            {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "ada",
             "body": {"LastName": "Byron", "AccountId": "@{firm.id}"}},
            {"method": "GET", "url": f"{DATA}/sobjects/Contact/@{{ada.id}}?fields=AccountId", "referenceId": "read"},
        ]},
    )  # fmt: skip

    assert [row["httpStatusCode"] for row in reply.json["compositeResponse"]] == [201, 201, 200]
    firm, _, read = reply.json["compositeResponse"]
    assert read["body"]["AccountId"] == firm["body"]["id"]


def test_a_collection_within_a_composite_request_is_taken_back_with_it(salesforce: Caller, org: Salesforce) -> None:
    before = count(salesforce)
    inner = sent(of("Contact", LastName="A"), all_or_none=True)

    salesforce(
        "POST", f"{DATA}/composite",
        {"allOrNone": True, "compositeRequest": [
            {"method": "POST", "url": MANY, "referenceId": "many", "body": inner},
            {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "bad", "body": {}},
        ]},
    )  # fmt: skip

    assert count(salesforce) == before
    assert org.effects() == ()


def test_a_composite_request_of_all_or_none_takes_everything_back(salesforce: Caller, org: Salesforce) -> None:
    before = count(salesforce, "Account")

    reply = salesforce(
        "POST", f"{DATA}/composite",
        {"allOrNone": True, "compositeRequest": [
            {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "firm", "body": {"Name": "Engines"}},
            {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "bad", "body": {}},
        ]},
    )  # fmt: skip

    assert [row["httpStatusCode"] for row in reply.json["compositeResponse"]] == [400, 400]
    assert reply.json["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert count(salesforce, "Account") == before
    assert org.effects() == ()
